"""The levers in a study: every method of pretraining, each source trained once, and what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from biotransfer.cli.catalogs import LEVERS, catalog_of, lever_entries
from biotransfer.errors import BiotransferError
from biotransfer.files.proof import write_proven
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import count_trainings, prepare, rehearse, run_study
from biotransfer.studies.running.tasks import SourceTask, lay_out
from biotransfer.transfer.align import ALIGN
from biotransfer.transfer.carry import ARMS
from biotransfer.transfer.pretrain import METHODS, SOURCES
from biotransfer.transfer.select import SELECT

SMALL = {
    "eeg": {"data": "simulated", "n_subjects": 4},
    "emg": {"data": "simulated", "n_subjects": 4},
    "features": "statistical",
    "align": {"name": "top_k", "k": 16},
    "network": {"name": "mlp", "hidden": [8, 6]},
    "split": {"by": "subject", "folds": 2},
    "train": {"epochs": 2, "batch_size": 32},
    "seeds": 1,
}
FLAT = [name for name in METHODS if not METHODS[name].facts["maps"]]
"""Methods that a dense network can be asked for."""
OTHERS = [name for name in FLAT if name != "supervised"]
PRETRAINED = [
    "scratch",
    "transferred",
    "phase_source",
    "simulated_source",
    *({"name": "transferred", "pretrain": name, "label": f"by_{name}"} for name in OTHERS),
    {"name": "noise_source", "pretrain": "masked", "label": "masked_noise"},
    {"name": "frozen_body", "pretrain": {"name": "reptile"}, "label": "reptile_frozen"},
]

FROZEN_SHAMS = {
    f"reptile_frozen_{start}" for start in ("scratch", "permuted", "phase_source", "simulated_source")
}

ENTRIES = [(lever, entry) for lever in LEVERS for entry in lever_entries(lever)]


@pytest.mark.parametrize(("lever", "entry"), ENTRIES, ids=lambda x: x if isinstance(x, str) else x.name)
def test_every_entry_of_every_lever_says_what_it_is_and_what_it_asks(lever, entry):
    assert entry.summary.endswith(".")
    assert entry.source
    assert entry.function.__doc__
    for parameter in entry.parameters:
        assert parameter.doc, parameter.name
        assert parameter.required or parameter.default is not None or "default" in parameter.doc
    assert "{" not in catalog_of(LEVERS[lever].kind).asks(entry.name)


def test_the_levers_hold_every_method_once():
    names = [(id(entry), entry.name) for _, entry in ENTRIES]
    assert len(names) == len(set(names)) == sum(map(len, (SELECT, ALIGN, METHODS, ARMS)))


def _sources(plan):
    return [entry.task for entry in lay_out(plan) if isinstance(entry.task, SourceTask)]


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    return run_study({**SMALL, "arms": PRETRAINED}, tmp_path_factory.mktemp("pretrained") / "out")


def test_every_method_pretrains_in_both_directions(pretrained):
    results = pretrained.results
    for direction in ("emg->eeg", "eeg->emg"):
        rows = results.sources[results.sources["direction"] == direction]
        assert set(rows.loc[rows["source"] == "supervised", "method"]) == set(FLAT)
        assert {"phase", "simulated"} <= set(rows["source"]) <= set(SOURCES)
        assert rows["balanced_accuracy"].between(0, 1).all()
        assert not rows.duplicated(["source", "method", "protocol", "seed", "subjects"]).iloc[:-1].any()
        arms = results.verdicts.query("direction == @direction")["arm"]
        named = {a if isinstance(a, str) else a["label"] for a in PRETRAINED}
        assert set(arms) == (named | FROZEN_SHAMS) - {"scratch"}
    last = results.curves[results.curves["split_part"] == "train"]
    means = last[last["metric"] == "log_loss"].groupby(["direction", "arm"])["value"].mean()
    assert means.groupby("direction").nunique().min() > len(FLAT)


def test_methods_change_the_start_and_nothing_else(pretrained):
    """All arms of one network share head and fresh layers; they differ by what is carried."""
    ledger = pretrained.results.ledger
    for name in OTHERS:
        mine = ledger[ledger["arm"] == f"by_{name}"].reset_index(drop=True)
        base = ledger[ledger["arm"] == "transferred"].reset_index(drop=True)
        pd.testing.assert_frame_equal(mine.drop(columns="arm"), base.drop(columns="arm"))


def test_every_source_network_is_trained_once_and_only_joint_ones_by_fold():
    plan = prepare(load_recipe({**SMALL, "directions": "emg->eeg", "arms": PRETRAINED}))
    tasks = _sources(plan)
    assert len(tasks) == len(set(tasks)) == len({task.label for task in tasks})
    by_fold = {task.method for task in tasks if task.fold is not None}
    assert by_fold == {name for name in METHODS if METHODS[name].facts["joint"]}
    reptile = [task.kind for task in tasks if task.method == "reptile"]
    assert sorted(reptile) == ["phase", "simulated", "supervised"]  # two arms start from the last


def test_a_method_that_is_the_studys_own_is_the_same_source():
    arms = ["scratch", "transferred", {"name": "transferred", "pretrain": "reptile", "label": "again"}]
    plan = prepare(
        load_recipe({**SMALL, "directions": "emg->eeg", "arms": arms, "pretrain": {"name": "reptile"}})
    )
    assert [(task.kind, task.method) for task in _sources(plan)] == [("supervised", "reptile")]
    other = [
        *arms[:2],
        {"name": "transferred", "pretrain": {"name": "reptile", "inner_steps": 3}, "label": "x"},
    ]
    plan = prepare(load_recipe({**SMALL, "directions": "emg->eeg", "arms": other, "pretrain": "reptile"}))
    assert [task.method for task in _sources(plan)] == ["reptile", "reptile (inner_steps=3)"]


def _arm(name, method, **options):
    return {"arms": ["scratch", {"name": name, "pretrain": method, "label": "mine", **options}]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (_arm("transferred", "reptil"), "Did you mean 'reptile'"),
        (_arm("transferred", {"name": "reptile", "held_out": 0.2}), "has no parameter 'held_out'"),
        (_arm("transferred", 3), "neither a name nor a mapping"),
        (_arm("scratch", "masked"), "starts from no source network"),
        (_arm("shuffled_source", "masked"), "reads no labels"),
        (_arm("lwf", "contrastive"), "trains no head"),
        (_arm("co_tuning", "multi_task"), "gives the target's head"),
        ({"pretrain": {"name": "reptile", "inner_step": 3}}, "Did you mean 'inner_steps'"),
        ({"pretrain": 3}, "neither a name nor a mapping"),
        ({"pretrain": {"held_out": 0.9}}, "above 0 up to 0.5"),
        ({"pretrain": {"noise": "pink"}}, "pretrain.noise='pink' is unknown"),
        ({"arms": ["scratch", "dann"]}, "adapts people to a person inside one modality"),
        ({"arms": ["scratch", "jdot"]}, "the same classes"),
        (
            {"arms": ["scratch", "dann"], "split": "new_person", "budget": [5]},
            "keeps the windows that it would",
        ),
        (
            {"select": "conditional", "budget": [5], "align": "pca", "split": "subject"},
            "which a budget withholds",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(changes, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**SMALL, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": {"name": "mlp", "hidden": [8]}, **_arm("transferred", "multi_task")},
         "no body that both"),
        ({"emg": {"data": "simulated", "n_subjects": 2}, "directions": "emg->eeg",
          **_arm("transferred", "dann")},
         "1 training people, this pretraining method needs 2"),
        (_arm("transferred", "mix_style"), "single number has no statistics. Use network: cnn_signal"),
        ({"network": "EEGNet", "align": "none", "features": None, **_arm("transferred", "masked")},
         "library's whole model"),
    ],
)  # fmt: skip
def test_check_says_before_training_what_a_method_lacks(changes, message):
    plan = prepare(load_recipe({**SMALL, **changes}))
    with pytest.raises(BiotransferError, match=message):
        rehearse(plan)


def test_methods_are_recipes_of_their_own_beside_the_recipe(tmp_path):
    arms = ["scratch", "transferred", "permuted"]
    methods = [
        {"label": "again", "align": SMALL["align"]},
        {"label": "few", "align": {"name": "top_k", "k": 8}, "arms": ["scratch", "transferred"]},
        {"label": "pc", "align": {"name": "pca", "k": 8}, "pretrain": "masked"},
    ]
    told = {"unequal_tuning": "two choices of k are what is looked at"}
    recipe = {**SMALL, "directions": "emg->eeg", "arms": arms, "methods": methods, "accept": told}
    study = run_study(recipe, tmp_path / "out")
    base = run_study({k: v for k, v in recipe.items() if k != "methods"}, tmp_path / "base")
    labels = ["", "again", "few", "pc"]
    tables = {name: getattr(study.results, name) for name in ("curves", "predictions", "ledger", "sources")}
    for name, table in tables.items():
        assert list(dict.fromkeys(table["variant"])) == labels, name
        assert set(table["network"]) == {"mlp"}, name
        own, again = (
            table[table["variant"] == label].drop(columns="variant").reset_index(drop=True)
            for label in labels[:2]
        )
        pd.testing.assert_frame_equal(own, again)
        pd.testing.assert_frame_equal(own, getattr(base.results, name).drop(columns="variant"))
    for label, n in zip(labels, (2, 2, 1, 2), strict=True):
        assert (study.results.verdicts["variant"] == label).sum() == n
    assert set(tables["sources"].query("variant == 'pc'")["method"]) == {"masked"}
    trained = count_trainings(prepare(load_recipe(recipe)))
    assert trained == study.results.provenance["n_trainings"] == (1 + 2 * 3) + (1 + 2 * 2) + (1 + 2 * 3)
    stems = {path.stem for path in (study.folder / "weights").glob("*.json")}
    assert len(stems) == 4
    assert sum(stem.startswith("few_") for stem in stems) == 1
    assert run_study(recipe, tmp_path / "out").results.provenance == study.results.provenance
    rehearse(prepare(load_recipe(recipe)))
    assert load_recipe(load_recipe(recipe).to_dict()).uid == load_recipe(recipe).uid


def test_check_counts_trainings_that_wait_for_a_choice(tmp_path):
    """Whom folds and ways to select choose is not known before; each counts as a choice of its own."""
    ways = ("kmm", "ulsif", "classes")
    recipe = {
        **SMALL,
        "directions": "emg->eeg",
        "arms": ["scratch", "transferred", "permuted"],
        "seeds": 2,
        "methods": [{"label": name, "select": name} for name in ways],
    }
    recipe["methods"][2]["select"] = {"name": "classes", "classes": ["gesture_1", "gesture_2"]}
    told = count_trainings(prepare(load_recipe(recipe)))
    results = run_study(recipe, tmp_path / "out").results
    assert told == results.provenance["n_trainings"]
    seeds, folds = 2, 2
    all_or_named = seeds * (1 + folds * 2)
    weighted = seeds * folds * (1 + 2)
    assert told == seeds * folds + 2 * all_or_named + 2 * weighted


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"label": "x"}, "changes nothing"),
        ({"align": "pca"}, "label=None"),
        ({"label": "a/b", "align": "pca"}, "letters, digits and spaces"),
        ({"label": "x", "align": "pac"}, "Did you mean 'pca'"),
        ({"label": "x", "network": "mpl"}, "Did you mean 'mlp'"),
        ({"label": "x", "engine": "loop"}, "unknown key 'engine'"),
        ({"label": "x", "arms": ["transfered"]}, "Did you mean 'transferred'"),
        ({"label": "x", "arms": ["transferred"]}, "compare.against='scratch' is unknown"),
    ],
)
def test_methods_that_make_no_sense_are_refused(item, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**SMALL, "arms": ["scratch", "transferred"], "methods": [item]})


@pytest.fixture(scope="module")
def first_study(tmp_path_factory):
    recipe = {**SMALL, "directions": "emg->eeg", "arms": ["scratch", "transferred", "permuted"]}
    return run_study(recipe, tmp_path_factory.mktemp("first") / "out")


def _file(study):
    return str(next(study.folder.glob("weights/*.safetensors")).with_suffix(""))


def _from_file(study, **changes):
    mine = [
        {"name": name, "weights": _file(study), "label": f"{name}_of_file"}
        for name in ("transferred", "permuted")
    ]
    return {**SMALL, "directions": "emg->eeg", "arms": ["scratch", *mine], **changes}


def test_weights_of_another_study_are_one_line_of_a_recipe(first_study, tmp_path):
    study = run_study(_from_file(first_study), tmp_path / "out")
    assert study.results.sources.empty
    for name in ("transferred", "permuted"):
        theirs, ours = (
            results.curves[results.curves["arm"] == arm].drop(columns="arm").reset_index(drop=True)
            for results, arm in ((first_study.results, name), (study.results, f"{name}_of_file"))
        )
        pd.testing.assert_frame_equal(theirs, ours)
    ledger = study.results.ledger
    assert set(ledger.loc[ledger["arm"] == "transferred_of_file", "action"]) == {"copied", "fresh"}
    assert study.results.verdicts["arm"].tolist() == ["transferred_of_file", "permuted_of_file"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"directions": ["emg->eeg", "eeg->emg"]}, "were trained on emg, and eeg->emg starts from eeg"),
        ({"align": {"name": "top_k", "k": 17}}, "stand for other inputs: align .*'k': 16"),
        ({"scale": "none", "align": "matched"}, "scale 'standard', here 'none'"),
        ({"features": "time_domain"}, "stand for other inputs: features"),
        ({"align": "coral"}, "by the target's, was fitted"),
        (
            {"network": {"name": "mlp", "hidden": [9, 5]}},
            "nothing of them fits network 'mlp'.*'hidden': .8, 6",
        ),
    ],
)
def test_weights_whose_inputs_mean_another_thing_are_refused(first_study, changes, message):
    plan = prepare(load_recipe(_from_file(first_study, **changes)))
    with pytest.raises(BiotransferError, match=message):
        rehearse(plan)


def test_weights_from_before_a_parameter_of_their_alignment_stand_for_its_default(first_study, tmp_path):
    for suffix in (".safetensors", ".json"):
        shutil.copy(Path(_file(first_study)).with_suffix(suffix), tmp_path / f"old{suffix}")
    card = json.loads((tmp_path / "old.json").read_text(encoding="utf-8"))
    assert card["align"].pop("score") == "anova"
    card.pop("checksum")
    write_proven(tmp_path / "old.json", card)
    mine = {"name": "transferred", "weights": str(tmp_path / "old"), "label": "old"}
    recipe = {**SMALL, "directions": "emg->eeg", "arms": ["scratch", mine]}
    rehearse(prepare(load_recipe(recipe)))


@pytest.mark.slow
def test_every_method_pretrains_on_real_recordings(real_data, tmp_path):
    recipe = {
        **SMALL,
        "emg": {"data": "myodisco", "sessions": ["day1"], "preprocess": "emg",
                "classes": ["hand_close", "hand_open", "flexion", "extension"]},
        "eeg": {"data": "muse-mental-state", "preprocess": "eeg"},
        "arms": PRETRAINED,
    }  # fmt: skip
    study = run_study(recipe, tmp_path / "out", data_dir=real_data, smoke=True)
    assert np.isfinite(study.results.verdicts["difference"]).all()
    named = {arm if isinstance(arm, str) else arm["label"] for arm in PRETRAINED} - {"scratch"}
    for _, rows in study.results.verdicts.groupby("direction"):
        assert named <= set(rows["arm"])
