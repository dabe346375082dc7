from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter, resample_poly

from biotransfer.errors import BiotransferError
from biotransfer.files import DamagedError
from biotransfer.signals.datasets import load_dataset
from biotransfer.signals.datasets.muse import read_muse_csv
from biotransfer.signals.preprocessing import preprocess
from biotransfer.signals.splits import (
    SPLITS,
    Split,
    check_split,
    compare_prints,
    find_copies,
    fingerprint,
    inner_splits,
    make_splits,
    read_prints,
    shared_content,
    splits_from,
    write_prints,
)
from biotransfer.signals.windows import cut_windows
from tests.builders import make_windows
from tests.recordings import make_recording


def _seen(windows, rows):
    """Every (recording, tenth of a second) that the windows of ``rows`` saw."""
    table = windows.metadata.iloc[rows]
    return {
        (r.recording, t) for r in table.itertuples() for t in range(round(r.start * 10), round(r.stop * 10))
    }


UNITS = {
    "subject": ["subject"],
    "session": ["subject", "session"],
    "recording": ["recording"],
    "sample": ["uid"],
}
REQUESTS = [
    ("subject", {}),
    ("subject", {"folds": 3, "seed": 4}),
    ("subject", {"validation": 1, "donors": 1}),
    ("subjects_out", {"n": 2}),
    ("subjects_out", {"n": 3, "folds": 4, "seed": 1, "validation": 1}),
    ("new_person", {}),
    ("new_person", {"share": 0.3, "gap": 0.5, "validation": 1, "donors": 1}),
    ("session", {}),
    ("session", {"test": ["2"]}),
    ("recording", {}),
    ("block", {"folds": 3, "gap": 0.5}),
    ("sklearn", {"splitter": "GroupKFold", "options": {"n_splits": 3}}),
    ("sklearn", {"splitter": "LeaveOneGroupOut", "groups": "session"}),
    (
        "sklearn",
        {
            "splitter": "GroupShuffleSplit",
            "groups": "recording",
            "options": {"n_splits": 3, "test_size": 0.25, "random_state": 0},
        },
    ),
    ("shuffled_windows", {"folds": 4, "seed": 2}),
]
AGAIN = {"subjects_out", "sklearn"}  # a window may be tested in several folds


def test_every_rule_is_among_the_requests():
    assert {by for by, _ in REQUESTS} == set(SPLITS)


@pytest.mark.parametrize(("by", "options"), REQUESTS, ids=[f"{by}-{i}" for i, (by, _) in enumerate(REQUESTS)])
def test_what_every_rule_keeps(by, options):
    windows = make_windows(n_subjects=5, n_windows=12, n_sessions=2)
    splits = make_splits(windows, by, **options)
    assert len({s.name for s in splits}) == len(splits)
    for split in splits:
        everything = np.concatenate([rows for _, rows in split.parts()])
        assert len(np.unique(everything)) == len(everything)
        assert np.isin(everything, np.arange(len(windows))).all()
        assert split.leaks == SPLITS[by].facts["leaks"]
        if split.leaks:
            continue
        assert not _seen(windows, split.seen) & _seen(windows, split.test)
        unit = UNITS[split.apart]
        mine, theirs = (
            set(windows.metadata.iloc[rows][unit].itertuples(index=False))
            for rows in (split.test, split.seen)
        )
        assert not mine & theirs
    tested = np.concatenate([s.test for s in splits])
    assert by in AGAIN or len(np.unique(tested)) == len(tested)
    if (
        by not in {"block", "sklearn", "new_person"}
        and "test" not in options
        and not {"folds"} <= set(options)
    ):
        assert len(np.unique(tested)) == len(windows)
    assert [s.uid for s in make_splits(windows, by, **options)] == [s.uid for s in splits]
    if "seed" in options:
        other = make_splits(windows, by, **{**options, "seed": 9})
        assert [s.uid for s in other] != [s.uid for s in splits]


def test_a_new_person_is_seen_up_to_a_moment_and_tested_after_it():
    windows = make_windows(n_subjects=4, n_recordings=3, n_windows=7)
    for split in make_splits(windows, "new_person", share=0.4):
        table = windows.metadata
        who = table["subject"].iloc[split.test].unique()
        assert list(who) == list(table["subject"].iloc[split.unlabelled].unique())
        assert who[0] not in set(table["subject"].iloc[split.train])
        for label in range(3):
            seen, test = (rows[windows.y[rows] == label] for rows in (split.unlabelled, split.test))
            assert 0.5 <= (len(seen) + 1) / (0.4 * 21) <= 1.2
            ends = dict(zip(table["recording"].iloc[seen], table["stop"].iloc[seen], strict=True))
            assert max(ends) <= min(table["recording"].iloc[test])
            for row in table.iloc[test].itertuples():
                assert row.start >= ends.get(row.recording, 0.0)
    with pytest.raises(BiotransferError, match="leaves none to look at"):
        make_splits(make_windows(n_subjects=3, n_recordings=1, n_windows=1), "new_person")


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
        check_split(
            windows, Split("odd", "mine", np.flatnonzero(half), np.flatnonzero(~half), apart="subject")
        )


@pytest.mark.parametrize(
    ("make", "by", "options", "message"),
    [
        ({"n_subjects": 1}, "subject", {}, "one subject"),
        ({"n_subjects": 3}, "subject", {"folds": 5}, "Expected 2 to 3"),
        ({"n_subjects": 3}, "subject", {"validation": 2}, "leaves nobody to train on"),
        ({}, "block", {"gap": -1.0}, "0 or more"),
        ({}, "subjekt", {}, "Did you mean 'subject'"),
        ({"n_subjects": 3}, "subjects_out", {"n": 3}, "Expected 1 to 2"),
        ({"n_subjects": 4}, "subjects_out", {"folds": 7}, "make 6 combinations"),
        ({"n_subjects": 30, "n_windows": 1}, "subjects_out", {"n": 4}, "make 27405 combinations. Draw some"),
        ({}, "session", {}, "loaded with one session"),
        ({"n_sessions": 2}, "session", {"test": ["3"]}, "of sessions 1, 2"),
        ({}, "sklearn", {"splitter": "GroupKFolds"}, "Did you mean 'GroupKFold'"),
        ({}, "sklearn", {"splitter": "KFold", "options": {"n_splits": 5}}, "shares samples"),
        ({}, "sklearn", {"splitter": "GroupShuffleSplit"}, "no random_state"),
        ({}, "sklearn", {"options": {"n_splits": 9}}, "cannot split these"),
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


def test_a_drawn_number_of_combinations_tests_everybody_about_equally_often():
    windows = make_windows(n_subjects=9, n_windows=1, n_recordings=1)
    for folds in (3, 7, 20, 84):
        splits = make_splits(windows, "subjects_out", n=3, folds=folds, seed=folds)
        assert len({s.name for s in splits}) == folds
        times = {person: sum(person in s.name for s in splits) for person in windows.subjects}
        assert max(times.values()) - min(times.values()) <= (1 if folds < 10 else 2)
        assert sum(times.values()) == 3 * folds
    everything = make_splits(windows, "subjects_out", n=3)
    assert {s.name for s in everything} == {
        s.name for s in make_splits(windows, "subjects_out", n=3, folds=84, seed=1)
    }


def test_a_person_with_one_session_cannot_be_tested_on_it():
    windows = make_windows(n_subjects=3, n_sessions=2)
    table = windows.metadata
    kept = windows.take(((table["subject"] != "s1") | (table["session"] == "1")).to_numpy())
    with pytest.raises(BiotransferError, match="s1 has no session besides 1"):
        make_splits(kept, "session")
    assert make_splits(kept, "session", test=["2"])[0].name == "session=2"


class WithinSessionSplitter:
    """The interface of MOABB's splitters: labels and metadata in, row numbers out."""

    def __init__(self, n_folds):
        self.n_folds = n_folds

    def split(self, y, metadata):
        from sklearn.model_selection import StratifiedKFold

        assert set(y) <= {"class0", "class1", "class2"}
        for _, part in metadata.groupby(["subject", "session"]):
            rows = part.index.to_numpy()
            for train, test in StratifiedKFold(self.n_folds).split(rows, y[rows]):
                yield rows[train], rows[test]


class CrossSessionSplitter:
    """Likewise."""

    def split(self, y, metadata):
        for _, part in metadata.groupby("subject"):
            for session in part["session"].unique():
                held = (part["session"] == session).to_numpy()
                yield part.index.to_numpy()[~held], part.index.to_numpy()[held]


def test_splitters_of_other_libraries_are_taken_and_checked():
    from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, PredefinedSplit, StratifiedKFold

    windows = make_windows(n_subjects=4, n_sessions=2)
    ours = make_splits(windows, "subject")
    theirs = splits_from(LeaveOneGroupOut(), windows)
    assert [s.apart for s in theirs] == ["subject"] * 4
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a.train, b.train)
        assert np.array_equal(a.test, b.test)
    assert {s.apart for s in splits_from(GroupKFold(2), windows, groups="recording")} == {"recording"}
    halves = PredefinedSplit((windows.metadata["session"] == "2").to_numpy().astype(int))
    assert [s.apart for s in splits_from(halves, windows)] == ["session"] * 2
    with pytest.raises(BiotransferError, match="shares samples"):
        splits_from(StratifiedKFold(3, shuffle=True, random_state=0), windows)
    flagged = splits_from(StratifiedKFold(3, shuffle=True, random_state=0), windows, leaks=True)
    assert all(s.leaks and s.rule == "StratifiedKFold" for s in flagged)
    by_day = splits_from(CrossSessionSplitter(), windows)
    assert len(by_day) == 8
    assert {(s.apart, s.rule) for s in by_day} == {("session", "CrossSessionSplitter")}
    with pytest.raises(BiotransferError, match="shares samples"):
        splits_from(WithinSessionSplitter(3), windows)
    apart = windows.take(windows.metadata["start"].to_numpy() % 1.0 == 0)
    assert len(splits_from(WithinSessionSplitter(2), apart, name="within")) == 16
    with pytest.raises(BiotransferError, match=r"Expected an instance, such as sklearn"):
        splits_from(GroupKFold, windows)


@pytest.mark.parametrize("by", ["subject", "subjects_out", "recording", "shuffled_windows"])
def test_inner_folds_stay_inside_the_training_rows(by):
    windows = make_windows(n_subjects=5)
    for outer in make_splits(windows, by):
        inner = inner_splits(windows, outer, folds=3, seed=1)
        tested = np.concatenate([s.test for s in inner])
        assert np.array_equal(np.sort(tested), np.sort(outer.train))
        for split in inner:
            assert np.array_equal(np.sort(np.concatenate([split.train, split.test])), np.sort(outer.train))
            people = [set(windows.metadata["subject"].iloc[rows]) for rows in (split.train, split.test)]
            assert not people[0] & people[1]
        assert [s.uid for s in inner] == [s.uid for s in inner_splits(windows, outer, folds=3, seed=1)]


def test_inner_folds_of_one_person_are_recordings():
    windows = make_windows(n_subjects=2, n_recordings=3)
    outer = make_splits(windows, "subject")[0]
    for split in inner_splits(windows, outer, folds=3):
        assert split.apart == "recording"
        assert set(windows.y[split.test]) == {0, 1, 2}
        assert set(windows.metadata["subject"].iloc[split.test]) == {"s1"}
    with pytest.raises(BiotransferError, match="holds one subject, s1"):
        inner_splits(windows, outer, by="subject")


def _planted(change, *, part=slice(None), shift=0.0, seed=0):
    """Two people's signals; the second person's first recording is made from the first person's."""
    rng = np.random.default_rng(seed)
    steady = rng.standard_normal((4, 3, 3000))
    signals = list(np.round(lfilter([2.0], [1.0, -0.95], steady, axis=2)))
    signals[2] = change(signals[0].copy())[:, part]
    recordings = [
        make_recording(
            s * 1e-6,
            annotations=[(shift if i == 2 else 0.0, s.shape[1] / 100.0 - shift * (i == 2), "ab"[i % 2])],
            subject=f"s{i // 2}",
            run=f"r{i}",
        )
        for i, s in enumerate(signals)
    ]
    return cut_windows(recordings, length=1.0, step=0.5)


def _last_digit(signal):
    signal[:, [5, 600, 601, 1500, 2000, 2500, 2999]] += 1.0
    return signal


@pytest.mark.parametrize(
    ("change", "options"),
    [
        (lambda s: s, {}),
        (_last_digit, {}),
        (lambda s: s, {"shift": 0.17}),
        (_last_digit, {"part": slice(777, 1400)}),
        (lambda s: -1.3 * s[::-1], {}),
        (lambda s: s * np.array([[1.0], [-20.0], [0.01]]), {}),
        (lambda s: s[[0, 1, 0], 500:], {}),
        (lambda s: s + 0.18 * s.std() * np.random.default_rng(8).standard_normal(s.shape), {}),
    ],
    ids=["duplicate", "digits", "cut elsewhere", "excerpt", "gain", "gains of channels", "fewer", "noise"],
)
def test_copies_are_found_by_content(change, options):
    windows = _planted(change, **options)
    found = find_copies(windows)
    assert {(c.first[-2:], c.second[-2:]) for c in found} <= {("r0", "r2"), ("r2", "r0")}
    assert len(found) == 1
    for split in make_splits(windows, "subject"):
        tested = set(windows.metadata["recording"].iloc[split.test])
        shared = shared_content(windows, split)
        assert len(shared) == 1
        assert shared[0].first in tested
        assert shared[0].second not in tested


def test_blocks_share_what_stands_at_other_times_only():
    blocks = make_splits(_planted(lambda s: s), "block", folds=2)
    assert not any(shared_content(_planted(lambda s: s), split) for split in blocks)
    moved = _planted(lambda s: np.roll(s, 1500, axis=1))
    assert all(shared_content(moved, split) for split in make_splits(moved, "block", folds=2))


def test_what_only_looks_alike_is_no_copy():
    hum = np.round(50 * np.sin(2 * np.pi * 11.0 * np.arange(3000) / 100))
    burst = 400 * (np.arange(3000) % 250 < 30)
    rng = np.random.default_rng(3)
    for common in (hum, burst, 100 * np.arange(3000)):
        alike = _planted(lambda s: s)
        noise = rng.standard_normal((4, 3, 3000)).cumsum(axis=2) * 2
        rows = alike.metadata["recording"].astype("category").cat.codes.to_numpy()
        start = np.round(alike.metadata["start"].to_numpy() * 100).astype(int)
        X = np.stack([(noise[r] + common)[:, t : t + 100] for r, t in zip(rows, start, strict=True)])
        assert not find_copies(replace(alike, X=X.astype(np.float32)))
    assert not find_copies(_planted(lambda s: np.zeros_like(s)))
    assert not find_copies(_planted(lambda s: s[:, ::-1]))
    with pytest.raises(BiotransferError, match="copies are found in signals"):
        find_copies(make_windows())


def test_copies_are_found_between_sides_of_other_rate_and_modality():
    windows = _planted(lambda s: s)
    rest = windows.take(windows.metadata["run"].isin(["r1", "r3"]).to_numpy())
    first = windows.take((windows.metadata["run"] == "r0").to_numpy() & (np.arange(len(windows)) % 2 == 0))
    line = np.concatenate(list(first.X), axis=1)
    faster = resample_poly(line, 16, 10, axis=1)[[2, 0, 1]]
    names = tuple("cde")
    table = first.metadata.assign(recording="other/x", subject="x")
    n = len(faster[0]) // 160
    X = faster[:, : n * 160].reshape(3, n, 160).transpose(1, 0, 2)
    other = replace(
        first, X=X, y=first.y[:n], metadata=table.iloc[:n], names=names, modality="emg", sfreq=160.0
    )
    found = find_copies(other, windows)
    assert [c.first for c in found] == ["other/x"] * len(found)
    assert {c.second[-2:] for c in found} == {"r0", "r2"}
    assert all(abs(c.lag) < 0.02 for c in found)
    assert not find_copies(other, rest)


def test_copies_between_two_sets_do_not_depend_on_their_order():
    windows = _planted(_last_digit, shift=0.17)
    runs = windows.metadata["run"].isin(["r0", "r1"]).to_numpy()
    some, others = fingerprint(windows.take(runs)), fingerprint(windows.take(~runs))
    found = compare_prints(some, others)
    assert len(found) == 1
    back = [copy.turned() for copy in compare_prints(others, some)]
    assert [(c.first, c.second) for c in back] == [(c.first, c.second) for c in found]
    assert back[0].lag == pytest.approx(found[0].lag)
    assert back[0].agreement == pytest.approx(found[0].agreement, abs=0.05)


def test_stored_prints_are_read_as_they_were_or_refused(tmp_path):
    prints = fingerprint(_planted(lambda s: s))
    for some in (prints, prints[:1], []):
        write_prints(tmp_path, some)
        again = read_prints(tmp_path)
        assert [(p.recording, p.subject, p.begin) for p in again] == [
            (p.recording, p.subject, p.begin) for p in some
        ]
        assert all(np.array_equal(a.values, b.values) for a, b in zip(again, some, strict=True))
    write_prints(tmp_path, prints)
    values = np.load(tmp_path / "prints.npy")
    for wrong in (values[:, :-1], values[:, :5], np.pad(values, ((0, 0), (0, 1)))):
        np.save(tmp_path / "prints.npy", wrong)
        with pytest.raises(DamagedError, match=r"prints\.npy"):
            read_prints(tmp_path)
    (tmp_path / "prints.json").write_text("[[1]]")
    with pytest.raises(DamagedError, match=r"prints\.npy"):
        read_prints(tmp_path)


@pytest.mark.slow
def test_the_near_copy_of_a_real_recording_is_found(real_data):
    """name-concentrating-1 differs from subjecta-concentrating-1 in 7 rows by 1 microvolt."""
    folder = real_data / "muse-mental-state"
    wanted = ["name-concentrating-1", "subjecta-concentrating-1", "subjecta-relaxed-1", "subjectb-neutral-1"]
    files = [next(folder.rglob(f"{name}.csv")) for name in wanted]
    recordings = [preprocess(read_muse_csv(file), "eeg") for file in files]
    found = find_copies(cut_windows(recordings, length=1.0, step=0.5))
    assert [{c.first, c.second} for c in found] == [
        {f"muse-mental-state/sub-{who}/ses-1/run-concentrating-1" for who in ("a", "name")}
    ]
    assert found[0].agreement > 0.99
    honest = load_dataset("muse-mental-state", data_dir=real_data, download=False)
    assert not find_copies(cut_windows(honest, length=1.0, step=1.0))
