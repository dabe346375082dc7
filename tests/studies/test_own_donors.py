"""Own donors: who they are, which arms start from them, and that they are carried as what they prove."""

import numpy as np
import pytest
import yaml

from biotransfer.errors import BiotransferError
from biotransfer.signals.splits import SPLITS
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.recipe.reference import new_recipe_text
from biotransfer.studies.running import find_proofs, prepare, rehearse, run_study, say_mappings, say_proofs
from biotransfer.studies.running.tasks import lay_out
from biotransfer.studies.running.tasks.source import SourceTask, _source_windows
from biotransfer.transfer.align import ALIGN
from biotransfer.transfer.carry import contests

SMALL = {
    "title": "small",
    "eeg": {"data": "simulated", "n_subjects": 8, "preprocess": "none"},
    "emg": {"data": "simulated", "n_subjects": 8, "preprocess": "none"},
    "directions": ["emg->eeg"],
    "features": "time_domain",
    "align": {"name": "matched", "channels": "order"},
    "network": {"name": "mlp", "hidden": [6, 4]},
    "arms": ["scratch", "transferred", "frozen_body", "permuted"],
    "train": {"epochs": 2},
    "nuisance": False,
    "baselines": [],
    "seeds": 1,
}
ADDED = [
    "transferred_own_donors", "frozen_body_scratch", "frozen_body_permuted", "frozen_body_own_donors",
]  # fmt: skip
RULES = {
    "subject": [{}, {"folds": 2}, {"folds": 3, "validation": 1}, {"donors": 1}],
    "subjects_out": [{"n": 2, "folds": 4}],
    "session": [],
    "recording": [{}],
    "block": [{}],
    "sklearn": [],
    "shuffled_windows": [{}],
    "new_person": [{}],
}


def _labels(recipe):
    return [arm.label for arm in recipe.arms]


def _people(plan, rows):
    return set(plan.sides["eeg"].windows("mlp").metadata["subject"].to_numpy(dtype=str)[rows])


def test_a_recipe_gets_what_proves_and_controls_its_transfers_by_itself():
    recipe = load_recipe(SMALL)
    assert _labels(recipe) == [*SMALL["arms"], *ADDED]
    again = load_recipe(recipe.to_dict())
    assert (_labels(again), again.uid) == (_labels(recipe), recipe.uid)
    by_hand = load_recipe({**SMALL, "arms": recipe.to_dict()["arms"]})
    assert by_hand.uid == recipe.uid
    none = load_recipe({**SMALL, "own_donors": "none"})
    assert _labels(none) == [*SMALL["arms"], "frozen_body_scratch", "frozen_body_permuted"]
    assert none.uid != recipe.uid != load_recipe({**SMALL, "own_donors": 2}).uid
    own = load_recipe({**SMALL, "directions": ["eeg->eeg"], "split": {"by": "subject", "donors": 2}})
    assert "transferred_own_donors" not in _labels(own)


def test_a_way_to_transfer_has_its_own_proof():
    ways = [{"label": "few", "align": "pca", "arms": ["scratch", "frozen_body"]}]
    recipe = load_recipe({**SMALL, "methods": ways})
    assert _labels(recipe.variants["few"]) == ["scratch", "frozen_body", *ADDED[1:]]
    found = contests(recipe.variants["few"].arms, "scratch")["frozen_body"]
    assert found.positive_control == "frozen_body_own_donors"


def test_every_rule_of_splitting_is_tried():
    assert set(RULES) == set(SPLITS)


@pytest.mark.parametrize("rule", [(by, more) for by, tried in RULES.items() for more in tried], ids=str)
@pytest.mark.parametrize("asked", ["auto", 3, {"eeg": 2}])
@pytest.mark.parametrize("smoke", [False, True])
def test_donors_are_one_set_of_people_who_neither_train_nor_test(rule, asked, smoke):
    by, more = rule
    raw = {**SMALL, "split": {"by": by, **more}, "own_donors": asked}
    if "donors" not in SPLITS[by].defaults:
        accepted = {"leaking_split": "it is tried here", "label_is_recording": "it is tried here"}
        raw |= {"accept": accepted if SPLITS[by].facts["leaks"] else {}}
        if asked != "auto":
            with pytest.raises(BiotransferError, match="nobody can be kept aside"):
                load_recipe(raw, smoke=smoke)
            return
    plan = prepare(load_recipe(raw, smoke=smoke))
    (key,) = plan.splits
    everybody = set(plan.sides["eeg"].signals.subjects)
    tested = max(len(_people(plan, split.test)) for split in plan.splits[key])
    for split in plan.splits[key]:
        donors, test = _people(plan, split.donors), _people(plan, split.test)
        train = _people(plan, split.train) | _people(plan, split.validation)
        assert not donors & (train | test)
        half = more.get("donors", max(2, (len(everybody) - tested) // 2))
        count = half if asked == "auto" else asked if isinstance(asked, int) else asked["eeg"]
        count = count if "donors" in SPLITS[by].defaults else 0
        assert len(donors) == (min(count, 2) if smoke else count)
    used = {}
    for entry in lay_out(plan, ("sources",)):
        if isinstance(entry.task, SourceTask) and entry.task.kind == "own_donors":
            split = plan.splits[key][entry.task.fold]
            people = set(_source_windows(plan, entry.task, 0).metadata["subject"])
            assert people == _people(plan, split.donors)
            used[entry.task.fold] = people
    assert len(used) == (len(plan.splits[key]) if len(plan.splits[key][0].donors) else 0)
    arms = {t.columns["arm"] for entry in lay_out(plan, ("targets",)) for t in entry.trials}
    assert ("transferred_own_donors" in arms) == bool(used)
    rehearse(plan)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"own_donors": 0}, "auto, none, or a number"),
        ({"own_donors": "half"}, "auto, none, or a number"),
        ({"own_donors": {"eegs": 2}}, "Did you mean 'eeg'"),
        ({"own_donors": {"eeg": 1.5}}, "own_donors.eeg=1.5"),
        ({"own_donors": 3, "same_modality": {"eeg": {"people": 2}}}, "Leave one out"),
        ({"arms": ["scratch", {"name": "transferred", "start": "own_donor", "label": "x"}]}, "own_donors"),
        (
            {"own_donors": "none", "arms": ["scratch", {"name": "bss", "start": "own_donors", "label": "x"}]},
            "nobody is kept aside",
        ),
        (
            {"split": "block", "arms": ["scratch", {"name": "bss", "start": "own_donors", "label": "x"}]},
            "nobody is kept aside",
        ),
        (
            {"arms": ["scratch", {"name": "l2_sp", "start": "same_modality", "label": "x"}]},
            "arm x needs a source for eeg",
        ),
    ],
)
def test_what_cannot_be_is_refused_when_the_recipe_is_read(change, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**SMALL, **change})


def test_people_of_same_modality_are_the_donors():
    raw = {
        **SMALL,
        "same_modality": {"eeg": {"people": 4}},
        "arms": ["scratch", "transferred", "same_modality"],
    }
    plan = prepare(load_recipe(raw))
    kinds = {entry.task.kind: entry.task for entry in lay_out(plan, ("sources",))}
    one, other = (
        set(_source_windows(plan, kinds[kind], 0).metadata["subject"])
        for kind in ("own_donors", "same_modality")
    )
    assert one == other
    assert len(one) == 4


def test_any_way_of_carrying_starts_from_the_same_modality():
    arm = {"name": "l2_sp", "start": "same_modality", "label": "neighbours"}
    raw = {**SMALL, "arms": ["scratch", arm], "same_modality": {"eeg": {"data": "simulated", "seed": 5}}}
    plan = prepare(load_recipe(raw))
    rehearse(plan)
    assert [entry.task.kind for entry in lay_out(plan, ("sources",))] == ["same_modality"]


def test_too_few_people_leave_a_transfer_unproven_and_the_study_runs():
    few = {**SMALL, "eeg": {**SMALL["eeg"], "n_subjects": 4}}
    plan = prepare(load_recipe(few))
    rehearse(plan)
    assert "eeg has 3 people besides" in next(iter(plan.without.values()))
    arms = {t.columns["arm"] for entry in lay_out(plan, ("targets",)) for t in entry.trials}
    assert arms == {*SMALL["arms"], "frozen_body_scratch", "frozen_body_permuted"}


def test_donors_that_nobody_counted_give_way_to_a_budget():
    windows = {"length": 1.0, "step": 1.0}
    sides = {"eeg": {**SMALL["eeg"], "windows": windows}, "budget": {"labels_of": "training_people"}}
    most = 0
    for seconds in (10, 20, 40, 60, 80, 100):
        asked = {**SMALL, **sides, "budget": {"seconds": [seconds], "labels_of": "training_people"}}
        try:
            plan = prepare(load_recipe(asked))
        except BiotransferError:
            break
        (without,) = plan.without.values()
        if without:
            most = seconds
            assert "people of eeg kept aside" in without
            with pytest.raises(BiotransferError, match="to label"):
                prepare(load_recipe({**asked, "own_donors": 3}))
    assert most


def test_a_method_that_needs_more_people_than_there_are_donors_is_left_unproven():
    raw = {**SMALL, "arms": ["scratch", {"name": "transferred", "pretrain": "reptile", "label": "reptile"}]}
    plan = prepare(load_recipe({**raw, "own_donors": 2}))
    rehearse(plan)
    arms = {t.columns["arm"] for entry in lay_out(plan, ("targets",)) for t in entry.trials}
    assert arms == {"scratch", "reptile"}
    (name,) = (name for name, made in plan.sources.items() if made.kind == "own_donors")
    reason = plan.why_unproven(name, plan.recipe.directions[0], "mlp", "subject")
    assert "training people" in reason


FEATURES = [n for n, e in ALIGN.items() if e.facts["takes"] != "signals" and n not in ("mida",)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=pytest.mark.slow) if n not in ("none", "matched", "top_k", "gfk") else n
        for n in FEATURES
    ],
)
def test_own_donors_are_carried_as_the_source_is(name, tmp_path):
    """The same tensors are carried, whatever columns the sides have; every budget of trainings runs."""
    align = {"name": name, **({"k": 6} if "k" in ALIGN[name].defaults else {})}
    align |= {key: 3 for key in ("components", "keep_columns") if key in ALIGN[name].defaults}
    if name == "matched":
        align["channels"] = "order"
    raw = {
        **SMALL,
        "align": align,
        "arms": ["scratch", "transferred"],
        "split": {"by": "subject", "folds": 2},
    }
    results = run_study(raw, tmp_path / "out").results
    rows = results.ledger.set_index("arm")
    one, other = rows.loc["transferred"], rows.loc["transferred_own_donors"]
    assert list(one["action"]) == list(other["action"])
    assert list(one["tensor"]) == list(other["tensor"])
    stem = set(one.loc[one["part"] == "stem", "action"])
    assert stem == ({"fresh"} if name == "none" else {"copied"})
    sources = results.sources.set_index("source")["windows"]
    assert {"own_donors", "supervised"} <= set(sources.index)


def test_own_donors_give_the_columns_that_the_target_keeps():
    """Matched by order, eight channels meet four: the donors have the same four, by name."""
    swapped = {**SMALL, "directions": ["emg->eeg", "eeg->emg"]}
    plan = prepare(load_recipe(swapped))
    for direction in plan.recipe.directions:
        side = plan.sides[direction.target].windows("mlp")
        split = plan.split(direction, "mlp", "subject", 0)
        task = next(
            entry.task
            for entry in lay_out(plan, ("sources",))
            if entry.task.kind == "own_donors" and entry.task.direction == direction and entry.task.fold == 0
        )
        source = plan.sides[direction.source].windows("mlp")
        whole = plan.align(source, side.take(split.train)).target
        own = plan.align_donors(side.take(split.donors), task)
        assert own.source.names == own.target.names == whole.names
        assert np.array_equal(own.source.columns, whole.columns)
        assert np.array_equal(own.target.apply(side).X, whole.apply(side).X)


def test_check_says_before_training_what_proves_each_design_or_why_nothing_does():
    raw = {
        **SMALL,
        "directions": ["emg->eeg", "eeg->emg"],
        "emg": {**SMALL["emg"], "n_subjects": 4},
        "methods": [{"label": "ranked", "align": {"name": "pca", "k": 5}}],
        "budget": {"seconds": [5, 10], "labels_of": "training_people"},
    }
    plan = prepare(load_recipe(raw))
    arms = {(p.direction.target, p.variant, p.arm): p for p in find_proofs(plan)}
    assert set(arms) == {
        (end, way, arm)
        for end in ("eeg", "emg")
        for way in ("", "ranked")
        for arm in ("transferred", "frozen_body")
    }
    for (target, _, arm), proof in arms.items():
        assert proof.control == (f"{arm}_own_donors" if target == "eeg" else "")
        assert (proof.donors, proof.people) == ((3, 8) if target == "eeg" else (0, 4))
        assert ("Load more people of emg" in proof.reason) == (target == "emg")
        assert proof.budgets == ("5", "10")
    said = say_proofs(plan)
    assert len(said) == 4
    assert sum("frozen_body -> frozen_body_own_donors" in line and "3 donors" in line for line in said) == 2
    assert sum("not assayable but for a gain" in line for line in said) == 2
    mappings = say_mappings(plan)
    assert len(mappings) == 2
    assert all("mlp + ranked: align pca" in line and "may measure the mapping" in line for line in mappings)


def test_inputs_have_meaning_where_a_recipe_does_not_say_how_they_meet():
    bare = {key: value for key, value in SMALL.items() if key != "align"}
    assert load_recipe(bare)["align"]["name"] == "matched"
    signals = {**bare, "network": "channel_wise", "features": None}
    recipe = load_recipe(signals)
    assert recipe["align"]["name"] == "none"
    assert say_mappings(prepare(recipe)) == []
    assert say_mappings(prepare(load_recipe({**signals, "network": "cnn_signal"})))
    new = yaml.safe_load(new_recipe_text())
    assert say_mappings(prepare(load_recipe(new))) == []
    assert all(proof.control for proof in find_proofs(prepare(load_recipe(new))))
