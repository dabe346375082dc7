"""Selections: closed forms, properties of every entry, and pairs in which it is known who helps."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.pages.report.sections.selection import selection as section
from biotransfer.results import SELECTION, load_results
from biotransfer.signals.splits import Split, make_splits
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare, rehearse, run_study
from biotransfer.transfer.carry import make_arms
from biotransfer.transfer.pretrain.held_out import hold_out_people
from biotransfer.transfer.pretrain.training import pretrain
from biotransfer.transfer.select import SELECT, SelectProblem, rank_people, select_source, separability
from biotransfer.transfer.select.inner import inner_gains
from biotransfer.transfer.select.methods import class_distances
from biotransfer.transfer.select.problem import read_selection
from tests.builders import make_windows
from tests.transfer.test_levers import SMALL

GIVEN = {"classes": {"classes": ["class0", "class2"]}, "most_similar": {"n": 2}}
SPECS = [{"name": name, **GIVEN.get(name, {})} for name in SELECT]


def _planted(*, n_subjects=6, good=3, seed=0, n_features=12, scale=2.5, modality="emg", **options):
    """The classes of the first ``good`` people differ in half of the features, others' in the rest."""
    options |= {"n_subjects": n_subjects, "n_features": n_features, "modality": modality, "seed": seed}
    windows = make_windows(signal=0.0, **options)
    half = n_features // 2
    centers = np.random.default_rng(7).normal(size=(3, half)) * np.linspace(0.2, 1.0, half) * scale
    X = windows.X.copy()
    person = windows.metadata["subject"].str[1:].astype(int).to_numpy()
    for rows, columns in ((person < good, slice(0, half)), (person >= good, slice(half, n_features))):
        X[rows, columns] += centers[windows.y[rows]]
    return replace(windows, X=X.astype(np.float32))


def _problem(source=None, target=None, **options):
    source = source or _planted()
    target = target or _planted(n_subjects=4, good=4, seed=5, modality="eeg")
    tried = []

    def gains(groups):
        tried.append(list(groups))
        return np.array([[len(group) / 10, len(group) / 10 + 0.02] for group in groups])

    return SelectProblem(source, target, gains, **options), tried


def test_separability_is_the_analysis_of_variance():
    from sklearn.feature_selection import f_classif

    windows = make_windows(n_subjects=1)
    X, y = windows.X.astype(float), windows.y
    eta = separability(X, y)
    f = eta / (1 - eta) * (len(y) - 3) / 2
    np.testing.assert_allclose(f, f_classif(X, y)[0], rtol=1e-10)
    assert np.array_equal(separability(np.ones((4, 2)), np.array([0, 0, 1, 1])), [0, 0])


def test_similarity_is_the_correlation_of_separabilities():
    source, target = _planted(), _planted(n_subjects=3, good=3, seed=4)

    def vectors(windows):
        people = windows.metadata["subject"].to_numpy()
        return {p: separability(windows.X[people == p].astype(float), windows.y[people == p])
                for p in np.unique(people)}  # fmt: skip

    wanted = np.mean(list(vectors(target).values()), axis=0)
    expected = {p: np.corrcoef(v, wanted)[0, 1] for p, v in vectors(source).items()}
    ranked = rank_people(source, target)
    assert {p: pytest.approx(s, abs=1e-10) for p, s in ranked} == expected
    assert [p for p, _ in ranked] == sorted(expected, key=expected.get, reverse=True)
    assert {p for p, _ in ranked[:3]} == {"s0", "s1", "s2"}


def test_similarity_of_signals_looks_at_power_and_of_constants_at_nothing():
    signals = make_windows(n_subjects=2, n_times=32)
    ranked = dict(rank_people(signals, signals))
    power = replace(signals, X=np.log(signals.X.astype(float).var(axis=2)).astype(np.float32))
    assert ranked == pytest.approx(dict(rank_people(power, power)), abs=1e-3)
    still = replace(signals, X=np.ones_like(signals.X))
    assert set(dict(rank_people(still, signals)).values()) == {0.0}


def test_distance_of_classes_in_closed_form():
    windows = make_windows(n_subjects=1, n_features=1, n_windows=10)
    distances = class_distances(SelectProblem(windows, windows))
    values = [windows.X[windows.y == i, 0].astype(float) for i in range(3)]
    for a in range(3):
        for b in set(range(3)) - {a}:
            pooled = (values[a].var(ddof=1) + values[b].var(ddof=1)) / 2
            assert distances[a, b] == pytest.approx((values[a].mean() - values[b].mean()) ** 2 / pooled)


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s["name"])
def test_every_selection_is_pure_complete_and_reads_back(spec):
    problem, _ = _problem()
    for windows in (problem.source, problem.target):
        windows.X.setflags(write=False)
    before = problem.source.digest(), problem.target.digest()
    one, two = select_source(problem, spec), select_source(problem, spec)
    assert before == (problem.source.digest(), problem.target.digest())
    pd.testing.assert_frame_equal(one.table, two.table)
    assert set(one.people) <= set(problem.people)
    assert set(one.classes) <= set(problem.source.classes)
    assert len(one.people) >= 1
    assert len(one.classes) >= 2
    assert set(one.table.loc[one.table["what"] == "person", "name"]) == set(problem.people)
    again = read_selection(one.table)
    assert (again.people, again.classes, again.transfer) == (one.people, one.classes, one.transfer)
    entry = SELECT[spec["name"]]
    blind, _ = _problem(target=replace(problem.target, X=np.random.default_rng(0).normal(
        size=problem.target.X.shape).astype(np.float32)))  # fmt: skip
    other = select_source(blind, spec).table["score"].to_numpy()
    same = np.array_equal(other, one.table["score"].to_numpy(), equal_nan=True)
    assert same == (not entry.facts["joint"])


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s["name"])
def test_applying_a_selection_keeps_the_chosen_and_nobody_else(spec):
    problem, _ = _problem()
    windows = problem.source
    split = hold_out_people(windows)
    chosen = select_source(replace(problem, source=windows.take(split.train)), spec)
    got, inner = chosen.apply(windows, split)
    assert got.classes == chosen.classes
    people, uids = windows.metadata["subject"].to_numpy(), windows.metadata["uid"].to_numpy()
    names = np.array(windows.classes)[windows.y]
    for part in ("train", "test"):
        rows = getattr(split, part)
        keep = np.isin(names[rows], chosen.classes)
        if part == "train":
            keep &= np.isin(people[rows], chosen.people)
        mine = getattr(inner, part)
        assert list(got.metadata["uid"].to_numpy()[mine]) == list(uids[rows][keep])
        assert list(np.array(got.classes)[got.y[mine]]) == list(names[rows][keep])
        assert np.array_equal(got.X[mine], windows.X[rows][keep])


def test_conditional_adds_the_most_similar_and_stops_at_the_best_size():
    problem, tried = _problem()
    chosen = select_source(problem, "conditional")
    assert [len(group) for group in tried[0]] == [1, 2, 4, 6]
    order = [name for name, _ in rank_people(problem.source, problem.target)]
    assert all(group == tuple(order[: len(group)]) for group in tried[0])
    assert set(chosen.people) == set(problem.people)
    assert chosen.transfer
    few = replace(problem, gains=lambda groups: np.array([[-len(g), 3.0 - len(g)] for g in groups]))
    gate = select_source(few, {"name": "conditional", "gate": 0.1, "sizes": [1, 3]})
    assert len(gate.people) == 1
    assert gate.transfer  # 0.5 against 0.1 standard errors of 1.5
    assert not select_source(few, {"name": "conditional", "sizes": [1, 3]}).transfer
    assert [len(g) for g in _at_least(2)] == [2, 4, 6]


def _at_least(n):
    problem, tried = _problem(at_least=n)
    select_source(problem, "conditional")
    return tried[0]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "most_similar", "n": 7}, "6 people of the source train. Expected 1 to 6"),
        ({"name": "conditional", "sizes": [9]}, "Expected numbers from 1 to 6"),
        ({"name": "conditional", "gate": -1.0}, "0 or more"),
        ({"name": "classes", "classes": ["class0", "clas2"]}, "Did you mean 'class2'"),
        ("classes", "needs classes"),
        ({"name": "separable_classes", "n": 4}, "Expected 2 to 3"),
        ("similar", "Did you mean 'most_similar'"),
    ],
)
def test_what_is_wrong_is_said(spec, message):
    with pytest.raises(BiotransferError, match=message):
        select_source(_problem()[0], spec)


def test_people_are_compared_in_common_columns_only():
    wide, narrow = make_windows(n_features=12), make_windows(n_features=2)
    with pytest.raises(BiotransferError, match="12 columns and the target's 2"):
        rank_people(wide, narrow)
    with pytest.raises(BiotransferError, match="these windows have 2"):
        rank_people(narrow, narrow)


SCHEDULE = Schedule(epochs=25, batch_size=16, learning_rate=0.01)
NETWORK = {"name": "mlp", "hidden": [4]}


def _scores(source, people, target, split, seeds=range(4)):
    """Balanced accuracy of a frozen body learned from some people, and of scratch."""
    held = hold_out_people(source, 0.5)
    subjects = source.metadata["subject"].to_numpy(dtype=str)
    mine = replace(held, train=held.train[np.isin(subjects[held.train], list(people))])
    weights = pretrain([source], mine, NETWORK, list(seeds), SCHEDULE)
    record = build_network(NETWORK, target.shape, len(target.classes))
    arms = []
    for seed, item in zip(seeds, weights, strict=True):
        arms += make_arms(["scratch", "frozen_body"], {"supervised": item.weights}, record, seed)
    curves = train(record, arms, target, split, SCHEDULE)
    hit = (curves.predicted[:, -1] == target.y[split.test]).mean(axis=1)
    return hit[1::2].mean(), hit[0::2].mean()


@pytest.mark.slow
def test_where_half_the_donors_know_something_else_choosing_helps_and_where_none_do_nothing_is_transferred():
    shape = {"n_features": 60, "scale": 1.2}
    source = _planted(n_subjects=12, good=6, n_windows=12, **shape)
    target = _planted(n_subjects=16, good=16, seed=5, n_windows=2, n_recordings=1, modality="eeg", **shape)
    who = target.metadata["subject"].str[1:].astype(int).to_numpy()
    split = Split("six", "subject", np.flatnonzero(who < 6), np.flatnonzero(who >= 6))
    held = hold_out_people(source, 0.5)
    gains = inner_gains(source, held, target, split, NETWORK, seed=0, schedule=SCHEDULE, folds=6)
    problem = SelectProblem(source.take(held.train), target.take(split.train), gains)
    chosen = select_source(problem, {"name": "most_similar", "n": 3})
    assert set(chosen.people) == {name for name in problem.people if int(name[1:]) < 6}
    others = [name for name in problem.people if name not in chosen.people]
    best, scratch = _scores(source, chosen.people, target, split)
    everyone, _ = _scores(source, problem.people, target, split)
    worst, _ = _scores(source, others, target, split)
    assert best > scratch + 0.04, (best, scratch)
    assert best > everyone + 0.04, (best, everyone)
    assert worst < scratch - 0.2, (worst, scratch)
    gated = select_source(problem, "conditional")
    assert gated.transfer
    assert set(gated.people) <= set(chosen.people)
    rows = np.flatnonzero(np.isin(problem.source.metadata["subject"], others))
    strangers = replace(problem, source=problem.source.take(rows))
    assert not select_source(strangers, "conditional").transfer


@pytest.mark.slow
def test_a_study_chooses_by_training_rows_and_starts_from_scratch_where_nothing_helps(tmp_path):
    recipe = {
        **SMALL,
        "directions": "emg->eeg",
        "arms": ["scratch", "transferred", "shuffled_source", {"name": "lora", "rank": 2}],
        "select": {"name": "conditional", "gate": 1e9},
        "methods": [
            {"label": "similar", "select": {"name": "most_similar", "n": 2}},
            {"label": "gestures", "select": {"name": "separable_classes"}},
        ],
    }
    rehearse(prepare(load_recipe(recipe)))
    study = run_study(recipe, tmp_path / "out")
    results = study.results
    table = results.extras["selection"]
    assert list(table.columns) == SELECTION
    shut = results.verdicts.query("variant == ''")
    assert shut["difference"].eq(0).all()
    ledger = results.ledger.query("variant == '' and arm == 'lora'")
    assert ledger["reason"].str.startswith("nothing is transferred").all()
    assert ledger["trained"].all()
    open_ = results.ledger.query("variant == 'similar' and arm == 'lora'")
    assert not open_["reason"].str.startswith("nothing").any()
    assert set(results.sources["variant"]) == {"similar", "gestures"}
    assert (results.sources.query("variant == 'gestures'")["chance"] == 0.5).all()
    folds = set(results.curves["split"])
    for variant, expected in (("", folds), ("similar", folds), ("gestures", {""})):
        assert set(table.loc[table["variant"] == variant, "split"]) == expected
    made = section(load_results(study.folder))
    said = " ".join(str(block.content) for block in made.blocks)
    assert f"In {len(folds)} choices of" in said
    assert "standard errors" in said
    again = run_study(recipe, tmp_path / "out", workers=1)
    pd.testing.assert_frame_equal(again.results.extras["selection"], table)


def test_a_choice_knows_nothing_of_test_people():
    target = _planted(n_subjects=6, good=6, seed=5, modality="eeg")
    split = make_splits(target, "subject")[0]
    changed = replace(target, X=target.X.copy(), y=target.y.copy())
    changed.X[split.test], changed.y[split.test] = 1e6, 0
    source, quick = _planted(), Schedule(epochs=1, batch_size=32)
    held = hold_out_people(source)
    tables = [
        inner_gains(source, held, w, split, NETWORK, seed=0, schedule=quick)([("s0", "s1"), ("s3",)])
        for w in (target, changed)
    ]
    assert np.array_equal(*tables)
    assert tables[0].shape == (2, 3)
