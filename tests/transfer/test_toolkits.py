"""The table of the toolkits: whole, true of the catalogs, and what answers a name in a recipe."""

import re

import pytest

from biotransfer.cli import main
from biotransfer.cli.catalogs import catalog_of
from biotransfer.cli.toolkits import found_entry, page, validity, whose
from biotransfer.errors import BiotransferError
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare, rehearse
from biotransfer.transfer.toolkits import METHODS_OF_TOOLKITS
from biotransfer.transfer.toolkits.shown import PAIRS, PARITY
from biotransfer.transfer.toolkits.table import plain_name
from tests import ROOT
from tests.transfer.test_levers import SMALL

NAMED = {
    "ADAPT": "CORAL SA TCA DANN DeepCORAL MMD FA fMMD mSDA PRED ADDA CDAN MCD MDD WDGRL CCSA LDM KMM "
    "KLIEP uLSIF "
    "RuLSIF NearestNeighborsWeighting IWC IWN BalancedWeighting TrAdaBoost WANN FineTuning RegularTransferLR "
    "RegularTransferLC RegularTransferNN RegularTransferGP SER STRUT LinInt",
    "TLlib": "L2-SP DELTA BSS Co-Tuning StochNorm LwF Bi-Tuning knowledge_distillation group_DRO DANN "
    "DeepCoral DAN "
    "JAN CDAN MCD MDD MCC AFN BSP ADDA IWAN PADA OSBP IBN MixStyle FDA CycleGAN pseudo_labels self-training "
    "Pi_model mean_teacher self-ensemble FixMatch FlexMatch UDA DST self-tuning H-score LEEP LogME NCE "
    "TransRate",
    "Domain Adaptation Toolbox": "TCA MIDA SA GFK SSA ITL SSTCA SMIDA LapSVM LapRLS TSVM",
    "the field's history": "DBT multi-task Reptile FOMAML SpinalNet conditional_transfer "
    "informative_priors MAML "
    "ProtoNet pattern_similarity",
}
"""What the toolkits' own pages list."""
HERE = [method for method in METHODS_OF_TOOLKITS if method.entry]
REFUSED = [method for method in METHODS_OF_TOOLKITS if method.reason]


@pytest.mark.parametrize("toolkit", NAMED)
def test_every_method_of_a_toolkit_is_in_the_table(toolkit):
    mine = " ".join(method.plain for method in METHODS_OF_TOOLKITS if method.toolkit == toolkit)
    missing = [name for name in NAMED[toolkit].split() if plain_name(name) not in mine]
    assert not missing


def test_no_method_stands_twice_and_each_has_an_entry_or_a_reason():
    places = [(method.toolkit, method.plain) for method in METHODS_OF_TOOLKITS]
    assert len(set(places)) == len(places)
    for method in METHODS_OF_TOOLKITS:
        assert bool(method.entry) == bool(method.kind) != bool(method.reason)
        assert bool(method.reason) == bool(method.instead)


@pytest.mark.parametrize("method", HERE, ids=lambda m: f"{m.toolkit}-{m.name}")
def test_every_entry_that_is_named_is_there(method):
    entry = found_entry(method)
    assert entry.source
    assert whose(method)
    assert any(validity(method).values())


@pytest.mark.parametrize("method", REFUSED, ids=lambda m: f"{m.toolkit}-{m.name}")
def test_what_to_use_instead_is_there(method):
    kind, _, rest = method.instead.partition(": ")
    names = re.findall(r"name: (\w+)", rest) or re.findall(r"\[?(\w+)", rest)[:1]
    if kind in ("budget", "split"):
        load_recipe({**SMALL, "split": "subject"})
    else:
        assert names[0] in catalog_of(kind)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"select": "TrAdaBoost"}, "TrAdaBoost of ADAPT is refused: it needs labels.*Use budget"),
        ({"arms": ["scratch", "pred"]}, "PRED of ADAPT is refused: .*scratch would have them"),
        ({"align": "KMM"}, "KMM of ADAPT is 'kmm' of select here"),
        ({"pretrain": "cdan"}, "CDAN of ADAPT is 'cdan' of arms here"),
        ({"arms": ["scratch", "L2-SP"]}, "L2-SP of TLlib is 'l2_sp' of arms here"),
    ],
)
def test_a_recipe_that_names_a_method_of_a_toolkit_is_answered(changes, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**SMALL, **changes})


ASKED = {"select": "select", "align": "align", "pretrain": "pretrain", "arms": "arms", "scores": "scores",
         "baselines": "baselines"}  # fmt: skip
"""The key of a recipe that takes an entry of a catalog."""


def _naming(kind, name):
    """Changes of a recipe that name a method of a catalog."""
    asks_for_many = {"arms": ["scratch", name], "scores": [name], "baselines": [name]}
    return {ASKED[kind]: asks_for_many.get(kind, name)}


@pytest.mark.parametrize("method", REFUSED, ids=lambda m: f"{m.toolkit}-{m.name}")
def test_check_refuses_by_its_reason_whatever_is_refused_wherever_it_is_asked(method):
    for name in {method.name, *method.spellings}:
        for kind in ASKED:
            with pytest.raises(BiotransferError) as error:
                load_recipe({**SMALL, **_naming(kind, name)})
            assert f"is refused: {method.reason}. Use {method.instead}" in str(error.value)


FEW = ["scratch", "transferred"]
ENTRIES = {kind: sorted({m.entry for m in HERE if m.kind == kind}) for kind in {m.kind for m in HERE}}
PERSON = sorted({m.entry for m in HERE if m.kind == "arms" and not validity(m)["across"]})
ELSEWHERE = {"fda", "stoch_norm", "self_training", "mix_style"}
SIGNALS = {"features": None, "align": "none"}
LIKE = {"n_chans": 4, "sfreq": 256.0}
STUDIES = {
    "across": {
        "arms": [*FEW, *sorted(set(ENTRIES["arms"]) - set(PERSON) - ELSEWHERE - set(FEW)),
                 *({"name": "transferred", "pretrain": name, "label": name} for name in ENTRIES["pretrain"]
                 if name not in ELSEWHERE)],
        "methods": [
            *({"label": name, "arms": FEW, **_naming(kind, name)}
              for kind in ("select", "align") for name in ENTRIES[kind] if name not in ELSEWHERE),
            {"label": "spinal", "arms": FEW, "network": {"name": "mlp", "hidden": [8, 6], "head": "spinal"}},
        ],
        "scores": ENTRIES["scores"],
        "baselines": ENTRIES["baselines"],
    },
    "person": {
        "split": "new_person", "directions": ["emg->emg", "eeg->eeg"], "align": "none",
        "same_modality": {"emg": {"people": 1}, "eeg": {"people": 1}}, "arms": [*FEW, *PERSON],
    },
    "self_training": {"align": "none", "budget": {"seconds": [5], "labels_of": "training_people"},
                      "arms": ["scratch", "self_training"]},
    "fda": {
        **SIGNALS, "align": "fda", "network": {"name": "cnn_signal", "filters": [4, 4], "kernel": 5},
        "arms": [*FEW, {"name": "transferred", "pretrain": "mix_style", "label": "mixed"}],
        "emg": {"data": "simulated", "n_subjects": 3, "options": LIKE},
        "eeg": {"data": "simulated", "n_subjects": 3, "options": LIKE},
    },
    "stoch_norm": {**SIGNALS, "network": "EEGNet", "arms": [*FEW, "stoch_norm"]},
}  # fmt: skip
"""Studies that name every entry of the table; those of both modalities, in both directions."""


@pytest.mark.parametrize("name", STUDIES)
def test_check_accepts_every_entry_in_both_modalities(name):
    plan = prepare(load_recipe({**SMALL, **STUDIES[name]}))
    assert {modality for direction in plan.recipe.directions for modality in str(direction).split("->")} == {
        "emg",
        "eeg",
    }
    rehearse(plan)


def test_these_studies_name_every_entry_of_the_table():
    said = repr(STUDIES)
    assert [m.entry for m in HERE if f"'{m.entry}'" not in said] == []


def _named(rows):
    return {name for row in rows for name in row.names.split(", ")}


def test_every_entry_is_compared_with_something_and_every_kind_was_shown_on_pairs():
    entries = {method.entry for method in HERE}
    assert entries <= _named(PARITY), entries - _named(PARITY)
    assert entries - _named(PAIRS) == {"spinal"}
    known = {name for kind in {m.kind for m in HERE} for name in catalog_of(kind)}
    assert _named(PARITY) | _named(PAIRS) <= known


@pytest.mark.parametrize("row", [*PAIRS, *PARITY], ids=lambda row: row.names)
def test_what_is_said_to_be_tested_has_its_test(row):
    path, _, name = row.test.partition("::")
    assert f"def {name or 'test_'}" in (ROOT / path).read_text(encoding="utf-8")


def test_no_cell_of_the_page_is_empty_and_no_reason_is_that_nobody_built_it():
    rows = [line for line in page().splitlines() if line.startswith("|")]
    empty = [row for row in rows if any(not cell.strip() for cell in row.strip("|").split("|"))]
    assert not empty
    assert not [method.name for method in REFUSED if "not built" in method.reason]


def test_the_page_is_the_list(capsys):
    assert (ROOT / "docs" / "toolkits.md").read_text(encoding="utf-8") == page()
    assert main(["list", "toolkits"]) == 0
    said = capsys.readouterr().out
    assert all(method.name in said and method.entry in said for method in HERE)
    assert all(method.reason in said for method in REFUSED)
