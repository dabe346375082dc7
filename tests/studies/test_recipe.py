import contextlib
import copy
import re

import pytest
import yaml

from biotransfer.errors import BiotransferError
from biotransfer.evidence.baselines import Nuisance
from biotransfer.evidence.metrics import Compare
from biotransfer.learning.training import Schedule
from biotransfer.signals.splits import Budget
from biotransfer.signals.windows.cutting import Cutting
from biotransfer.studies.recipe import (
    DESCRIPTIVE,
    KEYS,
    Recipe,
    load_recipe,
    read_recipe,
    recipe_yaml,
    shipped_recipes,
)
from biotransfer.studies.recipe.published import Published
from biotransfer.studies.recipe.reference import described_keys, new_recipe_text, reference_page
from biotransfer.studies.recipe.tuning import Tune
from biotransfer.studies.recipe.ways import REPLACED
from biotransfer.studies.running.folder import FIXED
from biotransfer.studies.topologies import Search
from biotransfer.transfer.pretrain import Pretraining
from tests import ROOT

SMALL = {
    "title": "t",
    "eeg": {"data": "simulated"},
    "emg": {"data": "simulated"},
    "features": "statistical",
    "align": {"name": "top_k", "k": 16},
}


PUBLISHED = {"direction": "emg->eeg", "network": "mlp", "arm": "scratch", "metric": "accuracy", "value": 0.9}


def _with(**changes):
    raw = copy.deepcopy(SMALL)
    for key, value in changes.items():
        if value is None:
            raw.pop(key, None)
        else:
            raw[key] = value
    return raw


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_shipped_recipes_are_valid_and_say_what_they_ask(name):
    recipe = load_recipe(name)
    for key in ("title", "question", "source"):
        assert recipe[key], f"{name} lacks {key}"
    assert name in (ROOT / "pipelines" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_a_resolved_recipe_resolves_to_itself(name):
    recipe = load_recipe(name)
    again = load_recipe(yaml.safe_load(recipe_yaml(recipe)))
    assert again.to_dict() == recipe.to_dict()
    assert again.uid == recipe.uid


def test_a_recipe_takes_one_feature_set_or_several():
    alone = load_recipe(SMALL)
    assert load_recipe(_with(features=["statistical"])).uid == alone.uid
    which = ["HTD", {"name": "AR", "order": 2}]
    recipe = load_recipe(_with(features=["band_power", {"name": "emg_family", "which": which}]))
    assert [one.name for one in recipe.features] == ["band_power", "emg_family"]
    again = load_recipe(yaml.safe_load(recipe_yaml(recipe)))
    assert (again.to_dict(), again.uid) == (recipe.to_dict(), recipe.uid)
    assert recipe.uid != alone.uid


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([], r"features=\[\] names no feature set"),
        (["band_power", "band_power"], "features: band_power is named twice"),
        (["bird2020", "band_power"], "features: bird2020 stands alone"),
        ([{"name": "emg_family", "which": ["MAVV"]}], "Did you mean 'MAV'"),
        ({"name": "eeg_family", "which": [{"name": "SEF", "shar": 1}]}, "no parameter 'shar'"),
    ],
)
def test_feature_sets_that_do_not_go_are_refused_before_any_data(features, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe(_with(features=features))


GROUPS = {"train": Schedule, "budget": Budget, "pretrain": Pretraining, "compare": Compare, "tune": Tune,
          "nuisance": Nuisance, "search": Search, "published": Published, "windows": Cutting}  # fmt: skip


def test_every_key_says_what_it_means():
    assert all(len(doc) > 3 for doc in KEYS.values())
    for group in GROUPS.values():
        for name, item in group.declared().items():
            assert item.metadata["doc"], (group.__name__, name)
            assert item.metadata["read"].expects, (group.__name__, name)


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_a_group_reads_what_it_writes_and_refuses_the_rest(group):
    needed = {
        "direction": "emg->eeg",
        "network": "mlp",
        "arm": "transferred",
        "metric": "accuracy",
        "value": 0.9,
    }
    given = {name: value for name, value in needed.items() if name in group.declared()}
    given |= {"seconds": [1, 2]} if group is Budget else {}
    given |= {"values": {"align.k": [1, 2]}} if group is Tune else {}
    made = group.read(given)
    assert group.read(made) is made
    assert group.read(made.plain()) == made
    with pytest.raises(BiotransferError, match=r"unknown key|has no parameter"):
        group.read({**given, "nonsense": 1})
    with pytest.raises(BiotransferError, match=r"is no mapping|neither|Expected"):
        group.read(3j)
    for name in set(group.declared()) - {"values", "method", "classifier"}:
        with pytest.raises(BiotransferError, match=name):
            group.read({**given, name: object()})


def test_a_value_is_refused_in_the_same_words_by_recipe_and_python():
    for raw, direct in (
        ({"train": {"epochs": 0}}, lambda: Schedule(epochs=0)),
        ({"train": {"learning_rate": "1e-3"}}, lambda: Schedule(learning_rate="1e-3")),
        ({"compare": {"metric": "acuracy"}}, lambda: Compare(metric="acuracy")),
        ({"nuisance": {"line": True}}, lambda: Nuisance(line=True)),
    ):
        said = []
        for ask in (lambda raw=raw: load_recipe(_with(**raw)), direct):
            with pytest.raises(BiotransferError) as caught:
                ask()
            said.append(str(caught.value))
        assert said[0] == said[1]


SMALL_BASES = (
    {},
    {"tune": {"align.k": [8, 16]}},
    {"search": {"side": "target"}},
    {"budget": [5], "align": {"name": "pca", "k": 8}},
    {"preregistration": {"date": "2026-11-01", "hypotheses": ["EMG helps EEG."]}},
    {"cluster": {"name": "slurm", "adaptive": {"maximum": 3}}},
)
PATHS = [one for one in described_keys() if not {"N", "NAME", "TARGET"} & set(one.path.split("."))]


@pytest.mark.parametrize("one", PATHS, ids=lambda one: one.path)
def test_set_takes_every_path_of_the_reference(one):
    said = []
    for base in SMALL_BASES:
        raw = {k: v for k, v in copy.deepcopy({**SMALL, **base}).items() if k != one.path}
        try:
            load_recipe(raw, [f"{one.path}={yaml.safe_dump(one.default, default_flow_style=True).strip()}"])
            return
        except BiotransferError as error:
            said.append(str(error))
    assert not [text for text in said if "unknown key" in text or "has no parameter" in text]
    assert one.default is None or one.required or one.path in ("directions", "align", "features"), said


ODD = (
    "null", "true", "[]", "{}", "-1", "0", "7", "1e999", ".nan", "9" * 400, "x", "''", "[x, x]", "[1, 1]",
    "{name: x}", "{name: [x]}", "{x: {y: [1]}}", "[[1]]", "[{}]",
)  # fmt: skip
BESIDE = {
    "methods": {"methods": [{"label": "w", "scale": "none"}]},
    "published": {"published": [PUBLISHED]},
    "sets": {"sets": {"mine": {"data": "simulated", "modality": "eeg"}}},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", [*(one.path for one in described_keys()), "search.space.mlp", "search.space.mlp.hidden"]
)
def test_any_value_is_taken_or_refused_by_name(path):
    """Whatever stands behind a key: a recipe, or a message; nothing else."""
    where = path.replace("NAME", "mine").replace("TARGET", "eeg").replace(".N.", ".0.")
    beside = BESIDE.get(where.split(".")[0], {}) if "." in where else {}
    for base in SMALL_BASES:
        for value in ODD:
            with contextlib.suppress(BiotransferError):
                load_recipe(copy.deepcopy({**SMALL, **base, **beside}), [f"{where}={value}"])


def test_values_of_one_head_are_chosen_together():
    recipe = load_recipe(_with(tune={"train.epochs": [2, 3], "train.learning_rate": [1.0e-3, 1.0e-2]}))
    chosen = recipe.with_values(recipe.tune.candidates[-1])
    assert (chosen.train.epochs, chosen.train.learning_rate) == (3, 1.0e-2)
    named = load_recipe(_with(tune={"align.name": ["pca", "top_k"]}))
    assert [named.with_values(values).align.name for values in named.tune.candidates] == ["pca", "top_k"]
    with pytest.raises(BiotransferError, match="bogus"):
        load_recipe(_with(tune={"align.name": ["pca", "bogus"]}))


def test_facts_of_keys_name_keys():
    assert {*DESCRIPTIVE, *REPLACED, *FIXED} <= set(Recipe.declared())


def test_uid_changes_with_every_key_that_can_change_a_number():
    base = load_recipe(SMALL).uid
    changes = {
        "eeg": {"data": "simulated", "n_subjects": 7},
        "emg": {"data": "simulated", "windows": {"length": 2.0}},
        "sets": {"other": {"data": "simulated", "modality": "eeg"}},
        "directions": ["emg->eeg"],
        "features": {"name": "bird2020"},
        "scale": "none",
        "align": {"name": "top_k", "k": 17},
        "select": {"name": "most_similar", "n": 2},
        "network": {"name": "mlp", "hidden": [7]},
        "search": {"side": "target"},
        "arms": ["scratch", "transferred"],
        "split": {"by": "subject", "folds": 3},
        "train": {"epochs": 3},
        "pretrain": {"held_out": 0.4},
        "methods": [{"label": "unscaled", "scale": "none"}],
        "seeds": 3,
        "compare": {"margin": 0.01},
        "scores": ["leep"],
        "tune": {"align.k": [8, 16]},
        "moved": True,
        "engine": "loop",
        "nuisance": False,
        "baselines": ["random_forest"],
        "permutations": 9,
        "accept": {"leaking_split": "to show it"},
        "same_people": [["eeg/a", "emg/b"]],
        "smoke": True,
        "own_donors": 3,
    }
    assert set(changes) == set(KEYS) - set(DESCRIPTIVE) - {"budget", "same_modality"}
    uids = [load_recipe(_with(**{key: value})).uid for key, value in changes.items()]
    assert len({base, *uids}) == len(uids) + 1
    budgets = ["all", [5], [0, 5], {"seconds": [5], "others": "labelled"}]
    assert len({load_recipe(_with(align="pca", budget=budget)).uid for budget in budgets}) == len(budgets)
    for key in ("title", "question", "source"):
        assert load_recipe(_with(**{key: "other"})).uid == base


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (_with(featuers="statistical"), "Did you mean 'features'"),
        (_with(features="statistcal"), "Did you mean 'statistical'"),
        (_with(network="mpl"), "Did you mean 'mlp'"),
        (_with(network={"name": "mlp", "hiden": [3]}), "Did you mean 'hidden'"),
        (_with(arms=["scratch", "transfered"]), "Did you mean 'transferred'"),
        (_with(arms=["scratch", "scratch"]), "named twice"),
        (_with(arms=["transferred"]), "compare.against='scratch'"),
        (_with(arms=["scratch", "same_modality"]), "needs a source"),
        (_with(align="topk"), "Did you mean 'top_k'"),
        (_with(split={"by": "subjects"}), "Did you mean 'subject'"),
        (_with(split={"rule": "subject"}), "has no rule"),
        (_with(directions=["emg-eeg"]), "directions='emg-eeg'"),
        (_with(directions=["emg->eeg", "emg->eeg"]), "each at most once"),
        (_with(directions=[]), "at least one"),
        (_with(directions="emg->all"), "same_modality: {emg: {people: 1}}"),
        (_with(eeg={"data": "simulated", "modality": "emg"}), "eeg.modality='emg'"),
        (_with(sets=["muse-mental-state"]), "is no mapping"),
        (_with(sets={"muse": "muse-mental-state"}), "names no data"),
        (_with(sets={"eeg": {"data": "muse-mental-state"}}), "is no name for data"),
        (_with(sets={"a-to-b": {"data": "muse-mental-state"}}), "is no name for data"),
        (_with(sets={"mine": {"data": "simulated"}}), "sets.mine.modality=None"),
        (_with(sets={"muse": {"data": "muse-mental-state", "modality": "emg"}}), "is eeg"),
        (_with(sets={"muse": {"data": "muse-mental-stat"}}), "Did you mean 'muse-mental-state'"),
        (_with(sets={"muse": {"data": "muse-mental-state"}}, directions=["emg->mus"]), "'emg->muse'"),
        (_with(same_modality={"muse": {"people": 1}}), "unknown key 'muse'"),
        (_with(eeg=None), "eeg is missing"),
        (_with(eeg={"data": "simulatd"}), "Did you mean 'simulated'"),
        (_with(eeg={"data": "simulated", "n_subject": 3}), "Did you mean 'n_subjects'"),
        (_with(eeg={"data": "myodisco"}), "is emg"),
        (_with(eeg={"data": "simulated", "preprocess": "egg"}), "Did you mean"),
        (_with(eeg={"data": "simulated", "windows": {"lenght": 1.0}}), "Did you mean 'length'"),
        (_with(eeg={"data": "simulated", "windows": {"length": -1.0}}), "Expected a number of seconds"),
        (_with(features=None), "takes features"),
        (_with(network="cnn_signal"), "takes features, network"),
        (_with(train={"learning_rate": "1e-3"}), "YAML reads that as text"),
        (_with(train={"epoch": 3}), "Did you mean 'epochs'"),
        (_with(train={"epochs": 0}), "whole number of 1 or more"),
        (_with(seeds=0), "seeds=\\[\\]|seeds=0"),
        (_with(seeds=[1, 1]), "repeats"),
        (_with(budget="some"), "Expected all, or labelled seconds"),
        (_with(budget=[5, 5]), "repeats one"),
        ({**_with(), "budget": None}, "Expected all, or labelled seconds"),
        (_with(budget={"seconds": "all", "epochs": 50}), "counts none"),
        (_with(methods=[{"label": "w", "arms": ["scratch", "transferred", "scratch"]}]), "named twice"),
        (_with(methods=[{"label": "w"}]), "changes nothing"),
        (_with(published=[{**PUBLISHED, "network": "cnn_image"}]), "published.network='cnn_image'"),
        (_with(published=[{**PUBLISHED, "arm": "transfered"}]), "Did you mean 'transferred'"),
        (_with(budget={"seconds": [5], "label_of": "x"}), "Did you mean 'labels_of'"),
        (_with(budget={"seconds": [5], "labels_of": "testperson"}), "Did you mean 'test_person'"),
        (_with(budget=[0, 5], align={"name": "top_k", "k": 8}), "the labels that a budget withholds"),
        (_with(budget=[5], split={"by": "block"}), "split by block does not"),
        (_with(budget=[5], split={"by": "subject", "folds": 2}), "split by subject does not"),
        (
            _with(budget={"seconds": [5], "labels_of": "training_people"}, split={"by": "shuffled_windows"}),
            "counts distinct seconds",
        ),
        (
            _with(budget=[0, 5], align="pca", arms=["scratch", "self_training"]),
            "a budget of 0 leaves none",
        ),
        (_with(budget=[5], align="pca", pretrain="multi_task"), "learns from the target's labels"),
        (_with(budget=[5], align="pca", search={"side": "target"}), "validates on the target's labels"),
        (_with(compare={"metric": "acuracy"}), "Did you mean 'accuracy'"),
        (_with(compare={"measure": "asymptot"}), "Did you mean 'asymptote'"),
        (_with(published=[{"direction": "emg->eeg"}]), "lacks network"),
        (_with(pretrain={"noise": "white"}), "gaussian"),
        (_with(nuisance={"familes": ["mains"]}), "Did you mean 'families'"),
        (_with(nuisance={"families": ["main"]}), "Did you mean 'mains'"),
        (_with(nuisance={"families": []}), "nuisance: false"),
        (_with(nuisance={"line": True}), "number of Hz from 10 to 500"),
        (_with(baselines=["ldaa"]), "Did you mean 'lda'"),
        (_with(baselines=["lda", "lda"]), "named twice"),
        (_with(permutations=-1), "from 0 to 9999"),
        (_with(permutations=9, baselines=[]), "baselines is empty"),
        (_with(accept={"leaking_spilt": "to show it"}), "Did you mean 'leaking_split'"),
        (_with(accept={"too_few_people": "there are no more"}), "never stops"),
        (_with(accept={"leaking_split": "yes"}), "is no reason"),
        (_with(accept=["leaking_split"]), "is no mapping"),
        (_with(same_people=[["eeg/a"]]), "names no two people"),
        (_with(same_people=[["eeg/a", "egg/b"]]), "Did you mean"),
        (_with(nuisance={"classifier": "ldx"}), "nuisance.classifier='ldx' is unknown"),
    ],
)
def test_what_is_wrong_is_said(raw, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe(raw)


def test_a_person_cannot_be_in_source_and_target_of_same_modality():
    raw = _with(
        arms=["scratch", "same_modality"],
        same_modality={"eeg": {"data": "simulated"}, "emg": {"people": 1}},
    )
    with pytest.raises(BiotransferError, match="is the target itself"):
        load_recipe(raw)


def test_sets_stand_beside_or_instead_of_the_two_modalities():
    sets = {"muse": {"data": "muse-mental-state"}, "made": {"data": "simulated", "modality": "emg"}}
    recipe = load_recipe(_with(eeg=None, emg=None, sets=sets, directions=["muse->made", "made->muse"]))
    assert recipe.eeg is None
    assert "eeg" not in recipe.to_dict()
    assert recipe["directions"] == ["muse->made", "made->muse"]
    assert recipe["sets"]["muse"]["modality"] == "eeg"
    assert (
        recipe["sets"]["muse"]["preprocess"]
        == load_recipe(_with(eeg={"data": "muse-mental-state"}))["eeg"]["preprocess"]
    )
    assert load_recipe(yaml.safe_load(recipe_yaml(recipe))).to_dict() == recipe.to_dict()
    every = _with(sets=sets, directions="all", split={"by": "subject", "donors": 1})
    names = ["eeg", "emg", "muse", "made"]
    assert load_recipe(every)["directions"] == [f"{a}->{b}" for a in names for b in names]
    assert load_recipe({**every, "directions": ["muse->made", "all->made"]})["directions"] == [
        "muse->made", "eeg->made", "emg->made", "made->made",
    ]  # fmt: skip


def test_overrides_reach_any_depth():
    recipe = load_recipe(SMALL, ["train.epochs=3", "align=none", "network.hidden=[5]", "eeg.n_subjects=4"])
    assert recipe["train"]["epochs"] == 3
    assert recipe["align"] == {"name": "none"}
    assert recipe["network"][0]["hidden"] == [5]
    assert recipe["eeg"]["n_subjects"] == 4
    several = _with(network=["mlp", {"name": "cnn_image", "filters": [4]}])
    assert load_recipe(several, ["network.1.filters=[2]"])["network"][1]["filters"] == [2]
    with pytest.raises(BiotransferError, match="0 to 1"):
        load_recipe(several, ["network.2.filters=[2]"])
    with pytest.raises(BiotransferError, match="no key=value"):
        load_recipe(SMALL, ["epochs"])
    with pytest.raises(BiotransferError, match="Did you mean 'train'"):
        load_recipe(SMALL, ["trian.epochs=3"])


def test_a_broken_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("title: x\nseeds: [1, 2\n")
    with pytest.raises(BiotransferError, match=r"bad\.yaml.*line 3"):
        load_recipe(path)
    path.write_text("")
    with pytest.raises(BiotransferError, match="holds no keys"):
        load_recipe(path)


def test_a_missing_file_gets_a_suggestion():
    with pytest.raises(BiotransferError, match="Did you mean 'quickstart'"):
        read_recipe("quickstrat.yaml")


def test_the_recipe_that_new_writes_is_valid_and_names_every_key():
    text = new_recipe_text()
    recipe = load_recipe(yaml.safe_load(text))
    assert recipe.seeds == (0, 1, 2, 3, 4)
    assert [name for name in Recipe.declared() if f"{name}:" not in text] == []
    keys = "|".join(Recipe.declared())
    shown = yaml.safe_load("".join(re.findall(rf"^# ((?:{keys}): .*\n)\n", text, re.M)))
    everything = load_recipe({**yaml.safe_load(text), **{k: v for k, v in shown.items() if k != "split"}})
    assert everything.to_dict() == recipe.to_dict()


def test_the_reference_is_the_page_of_the_keys():
    page = (ROOT / "docs" / "recipe.md").read_text(encoding="utf-8")
    assert page == reference_page()
    paths = [one.path for one in described_keys()]
    assert {"train.epochs", "budget.seconds", "compare.margin", "eeg.windows.length"} <= set(paths)
    assert len(set(paths)) == len(paths)
