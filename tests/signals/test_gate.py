"""One gate: whatever entrance signals come by, the same faults are refused, and plain values are taken."""

import itertools
from collections.abc import Callable
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit, StratifiedKFold

from biotransfer import BiotransferError
from biotransfer.signals.datasets import from_arrays, from_raws
from biotransfer.signals.recording import Recording
from biotransfer.signals.splits import SPLITS, Split, make_splits, splits_from
from biotransfer.signals.windows import Windows, cut_windows, from_epochs

SFREQ = 200.0
LABELS = ["a", "b"] * 3


def trials(scale: float = 1e-5, n: int = 6) -> np.ndarray:
    """Noise in V, shape (n, 2, 400)."""
    return np.random.default_rng(0).normal(size=(n, 2, 400)) * scale


def raw_of(X: np.ndarray, kind: str = "eeg") -> mne.io.RawArray:
    raw = mne.io.RawArray(
        np.concatenate(X, axis=1), mne.create_info(X.shape[1], SFREQ, kind), verbose="error"
    )
    onsets = np.arange(len(X)) * X.shape[2] / SFREQ
    return raw.set_annotations(mne.Annotations(onsets, X.shape[2] / SFREQ, LABELS[: len(X)]))


def epochs_of(X: np.ndarray, kind: str = "eeg", **more: Any) -> mne.EpochsArray:
    n = len(X)
    events = np.column_stack([np.arange(n) * X.shape[2], np.zeros(n, int), 1 + np.arange(n) % 2])
    info = mne.create_info(X.shape[1], SFREQ, kind)
    given = {"events": events, "event_id": {"a": 1, "b": 2}} | more
    return mne.EpochsArray(X, info, verbose="error", **given)


def by_raws(X: np.ndarray, kind: str = "eeg", modality: str = "eeg") -> Any:
    return from_raws(raw_of(X, kind), modality=modality, classes=["a", "b"], subjects=1)


ENTRANCES: dict[str, Callable[..., Any]] = {
    "from_raws": by_raws,
    "from_arrays": lambda X, kind="eeg", modality="eeg": from_arrays(
        X, LABELS[: len(X)], sfreq=SFREQ, unit="V", modality=modality
    ),
    "from_epochs": lambda X, kind="eeg", modality="eeg": from_epochs(
        epochs_of(X, kind), subject="1", modality=modality
    ),
    "Recording": lambda X, kind="eeg", modality="eeg": Recording(
        raw_of(X, kind), modality, "own", "1", ("a", "b")
    ),
}


def _spoiled(value: float) -> np.ndarray:
    X = trials()
    X[2, 1, 7] = value
    return X


FAULTS: dict[str, tuple[Callable[[], np.ndarray], str]] = {
    "NaN": (lambda: _spoiled(np.nan), "NaN or infinite"),
    "infinite": (lambda: _spoiled(np.inf), "NaN or infinite"),
    "microvolts as volts": (lambda: trials(20.0), "the unit is wrong"),
    "millivolts as volts": (lambda: trials(1e-2), "the unit is wrong"),
    "volts as microvolts": (lambda: trials(1e-11), "the unit is wrong"),
    "volts as nanovolts": (lambda: trials(1e-14), "the unit is wrong"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("entrance", ENTRANCES)
def test_every_fault_is_refused_at_every_entrance(entrance: str, fault: str) -> None:
    make, says = FAULTS[fault]
    with pytest.raises(BiotransferError, match=says):
        ENTRANCES[entrance](make())


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(BiotransferError, match="is empty"):
        from_arrays(trials()[:0], [], sfreq=SFREQ, unit="V", modality="eeg")
    with pytest.raises(BiotransferError, match="is empty"):
        from_raws([], modality="eeg", classes=["a"], subjects=[])
    with pytest.raises(BiotransferError, match="no epoch"):
        from_epochs(epochs_of(trials())[:0], subject="1", modality="eeg")


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("modality", ["eeg", "emg"])
@pytest.mark.parametrize("scale", [0.0, 1e-7, 1e-5, 2e-3])
def test_what_electrodes_give_passes_every_entrance_and_so_does_a_dead_recording(
    entrance: str, modality: str, scale: float
) -> None:
    ENTRANCES[entrance](trials(scale), modality, modality)


@pytest.mark.parametrize("entrance", ["from_raws", "from_epochs", "Recording"])
@pytest.mark.parametrize("modality", ["emg", "ecog", "", None, 3])
def test_a_modality_that_is_not_there_is_refused_at_every_entrance(entrance: str, modality: Any) -> None:
    with pytest.raises(BiotransferError):
        ENTRANCES[entrance](trials(), "eeg", modality)


@given(
    modality=st.sampled_from(["eeg", "emg"]),
    scale=st.floats(-15, 1),
    offset=st.sampled_from([0.0, 1e-3, 0.3]),
    seed=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_all_entrances_judge_an_amplitude_alike(
    modality: str, scale: float, offset: float, seed: int
) -> None:
    X = np.random.default_rng(seed).normal(size=(4, 2, 400)) * 10**scale + offset
    said = {
        refusal(lambda entrance=entrance: entrance(X, modality, modality)) is None
        for entrance in ENTRANCES.values()
    }
    assert len(said) == 1
    assert said == {True} or not -7.5 < scale < -2.5


def refusal(call: Callable[[], Any]) -> str | None:
    """What a call is refused with; None when it is not. Any other exception is a failure."""
    try:
        call()
    except BiotransferError as error:
        return str(error)
    return None


def _overlapping(overlap: float, metadata: Any = None, decim: int = 1) -> tuple[mne.BaseEpochs, Windows]:
    """One Raw as overlapping epochs, and the same windows by cut_windows."""
    raw = mne.io.RawArray(
        np.random.default_rng(0).normal(size=(2, 8000)) * 1e-5,
        mne.create_info(2, SFREQ, "eeg"),
        verbose="error",
    )
    raw.set_annotations(mne.Annotations([0, 20], [20, 20], ["a", "b"]))
    step = 1.0 - overlap
    cut = cut_windows(from_raws({"s": raw}, modality="eeg", classes=["a", "b"]), length=1.0, step=step)
    onsets = np.round(cut.metadata["start"].to_numpy(float) * SFREQ).astype(int)
    events = np.column_stack([onsets, np.zeros(len(cut), int), cut.y + 1])
    epochs = mne.Epochs(
        raw, events, {"a": 1, "b": 2}, tmin=0, tmax=1 - 1 / SFREQ, baseline=None, preload=True,
        decim=decim, verbose="error", metadata=metadata,
    )  # fmt: skip
    return epochs, cut


def shared(windows: Windows, split: Split) -> int:
    """How many test windows lie less than a window's length from a training window of the same Raw."""
    start = windows.metadata["start"].to_numpy(float)
    length = (windows.metadata["stop"] - windows.metadata["start"]).iloc[0]
    return sum(bool(np.any(np.abs(start[split.train] - start[i]) < length - 1e-6)) for i in split.test)


SPLITTERS = [KFold(4, shuffle=True, random_state=0), KFold(4), StratifiedKFold(4), GroupKFold(2),
             ShuffleSplit(3, random_state=0)]  # fmt: skip


@pytest.mark.parametrize("decim", [1, 4])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.9])
def test_epochs_are_split_as_the_windows_that_they_are(overlap: float, decim: int) -> None:
    epochs, cut = _overlapping(overlap, decim=decim)
    windows = from_epochs(epochs, subject="s", modality="eeg")
    np.testing.assert_allclose(windows.metadata["start"], cut.metadata["start"], atol=1e-6)
    rules = [name for name in SPLITS if not SPLITS[name].facts["leaks"]]
    ways: list[Callable[[Windows], list[Split]]] = [
        *(lambda w, r=rule: make_splits(w, r) for rule in rules),
        *(lambda w, s=splitter: splits_from(s, w) for splitter in SPLITTERS),
    ]
    made = 0
    for way in ways:
        refused = []
        for data in (windows, cut):
            try:
                splits = way(data)
            except BiotransferError:
                refused.append(True)
                continue
            refused.append(False)
            made += 1
            assert [shared(data, split) for split in splits] == [0] * len(splits)
        assert refused[0] == refused[1]
    assert made


def test_epochs_of_one_raw_are_one_recording_and_their_metadata_wins() -> None:
    epochs, cut = _overlapping(0.5)
    windows = from_epochs(epochs, subject=7, session=2, modality="eeg")
    assert set(windows.metadata["recording"]) == {"epochs/sub-7/ses-2/run-1"}
    n = len(cut)
    epochs.metadata = pd.DataFrame({"subject": [1.0] * n, "recording": [f"r{i}" for i in range(n)]})
    windows = from_epochs(epochs, subject="ignored", modality="eeg")
    assert windows.subjects == ["1"]
    assert windows.metadata["recording"].nunique() == n


def test_epochs_that_do_not_say_where_they_lie_need_to() -> None:
    X = trials()
    numbered = np.column_stack([np.arange(6), np.zeros(6, int), [1, 2] * 3])
    with pytest.raises(BiotransferError, match="nothing tells which of them overlap"):
        from_epochs(epochs_of(X, events=numbered), subject="1", modality="eeg")
    for table in ({"start": np.arange(6) * 2.0}, {"run": np.arange(6)}):
        told = epochs_of(X, events=numbered, metadata=pd.DataFrame(table))
        assert len(from_epochs(told, subject="1", modality="eeg")) == 6
    for wrong in (np.nan, None, "soon"):
        table = pd.DataFrame({"start": [0.0, wrong, *range(4)]})
        with pytest.raises(BiotransferError, match=r"metadata\.start\[1\]"):
            from_epochs(epochs_of(X, metadata=table), subject="1", modality="eeg")


X, RAW, EPOCHS = trials(), raw_of(trials()), epochs_of(trials())
WINDOWS = from_epochs(EPOCHS, subject="1", modality="eeg")
CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "from_arrays": (
        from_arrays,
        {"X": X, "labels": LABELS, "sfreq": 200, "unit": "V", "modality": "eeg", "ch_names": None,
         "classes": None, "subjects": "1", "sessions": "1", "runs": None, "dataset": "own"},
    ),
    "from_raws": (
        from_raws,
        {"raws": [RAW], "modality": "eeg", "classes": ["a", "b"], "subjects": ["1"], "sessions": "1",
         "runs": None, "dataset": "own", "tmin": 0.0, "tmax": 1.0},
    ),
    "from_epochs": (
        from_epochs,
        {"epochs": EPOCHS, "subject": "1", "modality": "eeg", "dataset": "own", "session": "1"},
    ),
    "cut_windows": (
        cut_windows,
        {"recordings": by_raws(X), "length": 1.0, "step": 0.5},
    ),
    "make_splits": (make_splits, {"windows": WINDOWS, "by": "block"}),
    "splits_from": (
        splits_from,
        {"splitter": KFold(2), "windows": WINDOWS, "groups": "subject", "apart": None, "name": None},
    ),
}  # fmt: skip
ODD: list[Any] = [
    None, True, 0, 1, -1, 7.5, np.nan, np.inf, np.float32(2), np.int64(3), 1j, "", "C3", "200", b"x", [], [1],
    ["a"], (None, None), [np.nan] * 6, {}, {"a": 1}, {"by": "block"}, {1, 2}, object(), np.array(3.0),
    np.arange(6), np.zeros((2, 2)), X, X.tolist(), pd.Series(LABELS), pd.DataFrame({"a": [1]}), RAW, EPOCHS,
    WINDOWS, int, len, range(6), pd.Timestamp(0), slice(None), "iterator",
]  # fmt: skip


@pytest.mark.parametrize(
    ("entrance", "parameter"),
    [(entrance, parameter) for entrance, (_, given) in CALLS.items() for parameter in given],
)
def test_an_odd_value_is_taken_or_refused_in_words(entrance: str, parameter: str) -> None:
    function, usual = CALLS[entrance]
    function(**usual)
    wrong = []
    for odd in ODD:
        value = iter("ab") if isinstance(odd, str) and odd == "iterator" else odd
        try:
            said = refusal(lambda value=value: function(**{**usual, parameter: value}))
        except Exception as error:
            wrong.append(f"{parameter}={odd!r}: {type(error).__name__}: {error}"[:200])
        else:
            assert said is None or len(said) > 20
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("plain", list(itertools.product([1, np.int64(1), 1.0, "1"], [0, "0"])))
def test_plain_values_mean_what_they_say(plain: tuple[Any, Any]) -> None:
    subject, session = plain
    (recording,) = from_arrays(
        X,
        LABELS,
        sfreq=200,
        unit="V",
        modality="eeg",
        subjects=subject,
        sessions=session,
        ch_names=["C3", "C4"],
    )
    assert (recording.subject, recording.session) == ("1", "0")
    (recording,) = from_raws(RAW, modality="eeg", classes=["a"], subjects=subject, sessions=[session])
    assert recording.uid == "own/sub-1/ses-0/run-1"
    windows = from_epochs(EPOCHS, subject=subject, session=session, modality="eeg")
    assert set(windows.metadata["recording"]) == {"epochs/sub-1/ses-0/run-1"}
    with pytest.raises(BiotransferError, match="ch_names has 1 names for 2"):
        from_arrays(X, LABELS, sfreq=200, unit="V", modality="eeg", ch_names="C3")
    with pytest.raises(BiotransferError, match="looks transposed"):
        from_arrays(np.swapaxes(X, 1, 2)[..., [0, 1] * 4], LABELS, sfreq=200, unit="V", modality="eeg")
    assert len(make_splits(WINDOWS, {"by": "block", "folds": 2})) == 2


@pytest.mark.parametrize("grid", [None, 1.0])
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5, 0.9])
def test_trials_that_were_cut_with_an_overlap_are_refused(overlap: float, grid: float | None) -> None:
    signal = np.random.default_rng(0).normal(size=(2, 4000)) * 30
    signal = signal if grid is None else np.round(signal / grid) * grid
    step = round(400 * (1 - overlap))
    cut = [signal[:, a : a + 400] for a in range(0, 3600, step)]
    order = np.random.default_rng(1).permutation(len(cut))
    given = {"sfreq": SFREQ, "unit": "uV", "modality": "eeg"}
    labels = (["a", "b"] * len(cut))[: len(cut)]
    for chosen in (cut, [cut[i] for i in order]):
        said = refusal(lambda chosen=chosen: from_arrays(chosen, labels, **given))
        assert (said is not None) == (overlap > 0)
        assert said is None or "cut with an overlap" in said
    apart = [str(i) for i in range(len(cut))]
    from_arrays(cut, labels, subjects=apart, **given)


def test_trials_alike_by_chance_are_none_of_one_another() -> None:
    rng = np.random.default_rng(0)
    quiet = (rng.random((30, 1, 400)) < 0.02).astype(float)
    given = {"labels": ["a", "b"] * 15, "sfreq": SFREQ, "unit": "uV", "modality": "emg"}
    from_arrays(quiet, **given)
    from_arrays(np.zeros((30, 1, 400)), **given)
