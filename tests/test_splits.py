from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotransfer.errors import BiotransferError
from biotransfer.splits import SPLITS, Split, check_split, make_splits

from .builders import make_windows


def _seen(windows, rows):
    """Every (recording, tenth of a second) that the windows of ``rows`` saw."""
    table = windows.metadata.iloc[rows]
    return {
        (r.recording, t) for r in table.itertuples() for t in range(round(r.start * 10), round(r.stop * 10))
    }


@pytest.mark.parametrize("by", [name for name in SPLITS if not SPLITS[name].facts["leaks"]])
def test_honest_rules_share_no_sample(by):
    windows = make_windows(n_windows=12)
    splits = make_splits(windows, by)
    for split in splits:
        assert not _seen(windows, split.train) & _seen(windows, split.test)
    tested = np.concatenate([s.test for s in splits])
    assert len(np.unique(tested)) == len(tested)
    if by != "block":
        assert len(tested) == len(windows)


def test_shuffled_windows_do_leak_and_say_so():
    windows = make_windows()
    split = make_splits(windows, "shuffled_windows", folds=4)[0]
    assert split.leaks
    assert _seen(windows, split.train) & _seen(windows, split.test)


def test_subjects_are_left_out_one_by_one():
    windows = make_windows(n_subjects=5)
    splits = make_splits(windows, "subject")
    assert [s.name for s in splits] == [f"subject=s{i}" for i in range(5)]
    for i, split in enumerate(splits):
        assert set(windows.metadata["subject"].iloc[split.test]) == {f"s{i}"}


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 9), st.integers(0, 2), st.integers(0, 2), st.integers(0, 5))
def test_people_are_in_one_part_only(n_subjects, validation, donors, seed):
    windows = make_windows(n_subjects=n_subjects, n_windows=2)
    if validation + donors >= n_subjects - 1:
        return
    for split in make_splits(windows, "subject", validation=validation, donors=donors, seed=seed):
        people = [
            set(windows.metadata["subject"].iloc[rows])
            for rows in (split.train, split.validation, split.donors, split.test)
        ]
        assert sum(map(len, people)) == n_subjects == len(set.union(*people))
        assert (len(people[1]), len(people[2])) == (validation, donors)


def test_recordings_are_told_apart_by_order():
    windows = make_windows(n_recordings=2)
    first, second = make_splits(windows, "recording")
    assert set(windows.metadata["run"].iloc[first.test]) == {"c0r0", "c1r0", "c2r0"}
    assert set(windows.metadata["run"].iloc[second.test]) == {"c0r1", "c1r1", "c2r1"}


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 5), st.floats(0, 2))
def test_blocks_keep_the_gap(folds, gap):
    windows = make_windows(n_windows=30, n_subjects=1, n_recordings=1)
    for split in make_splits(windows, "block", folds=folds, gap=gap):
        train, test = windows.metadata.iloc[split.train], windows.metadata.iloc[split.test]
        for recording in test["recording"].unique():
            ours, theirs = test[test["recording"] == recording], train[train["recording"] == recording]
            for row in theirs.itertuples():
                distance = np.maximum(ours["start"] - row.stop, row.start - ours["stop"])
                assert distance.min() >= gap - 1e-9


def test_overlap_is_refused_with_recording_and_seconds():
    windows = make_windows(n_subjects=2)
    rows = np.arange(len(windows))
    with pytest.raises(BiotransferError, match=r"run-c0r0' shares samples .* at 0\.00 to 1\.00 s"):
        check_split(windows, Split("odd", "recording", rows[1::2], rows[::2]))


def test_the_same_person_on_both_sides_is_refused():
    windows = make_windows(n_subjects=2)
    half = windows.metadata["run"].str.endswith("r0").to_numpy()
    with pytest.raises(BiotransferError, match="s0, s1 would train and test"):
        check_split(windows, Split("odd", "subject", np.flatnonzero(half), np.flatnonzero(~half)))


@pytest.mark.parametrize(
    ("make", "by", "options", "message"),
    [
        ({"n_subjects": 1}, "subject", {}, "one subject"),
        ({"n_subjects": 3}, "subject", {"folds": 5}, "Expected 2 to 3"),
        ({"n_subjects": 3}, "subject", {"validation": 2}, "leaves nobody to train on"),
        ({}, "block", {"gap": -1.0}, "negative"),
        ({}, "subjects", {}, "Did you mean 'subject'"),
        ({}, "subject", {"fold": 3}, "Did you mean 'folds'"),
    ],
)
def test_bad_requests(make, by, options, message):
    with pytest.raises(BiotransferError, match=message):
        make_splits(make_windows(**make), by, **options)


def test_a_class_without_training_windows_is_refused():
    windows = make_windows(n_subjects=2)
    lone = (windows.metadata["subject"] == "s0") | (windows.y != 2)
    with pytest.raises(BiotransferError, match="no training window of class class2"):
        make_splits(windows.take(lone.to_numpy()), "subject")


def test_uid_depends_on_rows_and_rule():
    a, b = make_splits(make_windows(), "subject")[:2]
    assert len({a.uid, b.uid, Split(a.name, "block", a.train, a.test).uid}) == 3
    assert a.uid == make_splits(make_windows(), "subject")[0].uid


def test_unlabelled_windows_belong_to_the_training_side():
    windows = make_windows(n_subjects=3)
    split = make_splits(windows, "subject")[0]
    few, rest = split.train[::2], split.train[1::2]
    budgeted = replace(split, train=few, unlabelled=rest)
    check_split(windows, budgeted)
    assert budgeted.uid != replace(split, train=few).uid
    with pytest.raises(BiotransferError, match="a window is in two parts"):
        check_split(windows, replace(split, unlabelled=rest))
    with pytest.raises(BiotransferError, match="s0 would train and test"):
        check_split(windows, replace(budgeted, test=split.test[1:], unlabelled=split.test[:1]))
