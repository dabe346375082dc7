"""Windows are rejected for their amplitude alone, by what their own recording is like, and accounted for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotransfer import cut_windows
from biotransfer.errors import BiotransferError
from biotransfer.signals.account import account
from biotransfer.signals.recording import Recording
from biotransfer.signals.windows.cutting import Cutting, cut_recording
from biotransfer.signals.windows.fates import FATES, sample_fates
from biotransfer.signals.windows.rejection import Reject
from tests.recordings import make_recording

RATE = 100.0


def _noise(
    seed: int = 0,
    *,
    bursts: tuple[int, ...] = (),
    dead: tuple[int, ...] = (),
    subject: str = "s1",
    swap: bool = False,
) -> Recording:
    """Forty seconds of two labels, one second of every named one twenty times as loud, or dead."""
    rng = np.random.default_rng(seed)
    data = rng.standard_normal((3, 4000)) * 1e-5
    for second in bursts:
        data[1, second * 100 : second * 100 + 100] *= 20
    for second in dead:
        data[2, second * 100 : second * 100 + 100] = 1e-5
    labels = ("b", "a") if swap else ("a", "b")
    return make_recording(data, RATE, [(0.0, 20.0, labels[0]), (20.0, 20.0, labels[1])], subject=subject)


@pytest.mark.parametrize("modality", ["eeg", "emg"])
@pytest.mark.parametrize("rule", ["auto", 300.0, "autoreject"])
def test_loud_and_dead_windows_go_and_the_others_stay(rule: Any, modality: str) -> None:
    recording = _noise(bursts=(3, 17, 31), dead=(8,))
    raw = recording.raw.copy().set_channel_types(
        dict.fromkeys(recording.raw.ch_names, modality), verbose="error"
    )
    recording = Recording(raw, modality, "set", "s1", ("a", "b"))
    windows = cut_windows(recording, length=1.0, step=1.0, reject=rule)
    kept = set(np.round(windows.metadata["start"]).astype(int))
    good = set(range(40)) - {3, 17, 31, 8}
    assert kept <= good
    assert len(good - kept) <= (rule == "autoreject")  # whose threshold minimises an error
    plain = cut_windows(recording, length=1.0, step=1.0)
    rows = np.isin(np.round(plain.metadata["start"]).astype(int), list(kept))
    np.testing.assert_array_equal(windows.X, plain.X[rows])
    np.testing.assert_array_equal(windows.y, plain.y[rows])
    assert "rejected those with" in windows.history[0]


def test_the_robust_rule_is_the_one_that_is_written_down() -> None:
    recording = _noise(4, bursts=(5,))
    for factor in (1.0, 2.5, 5.0):
        windows = cut_windows(
            recording, length=1.0, step=0.5, reject={"above": "auto", "factor": factor, "flat": None}
        )
        plain = cut_windows(recording, length=1.0, step=0.5, dtype="float64")
        size = np.log(plain.X.max(axis=2) - plain.X.min(axis=2))
        middle = np.median(size, axis=0)
        spread = 1.4826 * np.median(np.abs(size - middle), axis=0)
        good = (size <= middle + factor * spread + 1e-8).all(axis=1)
        assert list(windows.metadata["uid"]) == list(plain.metadata["uid"][good])


@pytest.mark.parametrize("rule", ["auto", "autoreject"])
def test_nobody_elses_windows_and_no_label_decide(rule: str) -> None:
    one, loud = _noise(bursts=(3,)), _noise(1, bursts=tuple(range(0, 40, 3)), subject="s2")
    alone = cut_windows(one, length=1.0, step=1.0, reject=rule)
    beside = cut_windows([one, loud], length=1.0, step=1.0, reject=rule)
    mine = beside.metadata["subject"] == "s1"
    assert list(alone.metadata["uid"]) == list(beside.metadata["uid"][mine])
    swapped = cut_windows(_noise(bursts=(3,), swap=True), length=1.0, step=1.0, reject=rule)
    assert list(alone.metadata["uid"]) == list(swapped.metadata["uid"])
    np.testing.assert_array_equal(alone.y, 1 - swapped.y)


@settings(max_examples=30, deadline=None)
@given(
    bursts=st.sets(st.integers(0, 39), max_size=6),
    length=st.sampled_from([0.5, 1.0, 1.7]),
    step=st.sampled_from([0.3, 1.0, 2.5]),
)
def test_every_sample_is_in_a_window_or_in_the_account(bursts: set[int], length: float, step: float) -> None:
    recording = _noise(bursts=tuple(sorted(bursts)))
    cutting = Cutting(length, step, reject="auto")
    fates = sample_fates(recording, cutting)
    windows = cut_recording(recording, cutting)
    inside = np.zeros(recording.raw.n_times, dtype=bool)
    for start in windows.metadata["start"]:
        first = round(start * RATE)
        inside[first : first + round(length * RATE)] = True
    names = list(FATES)
    np.testing.assert_array_equal(inside, fates.code == names.index("in_windows"))
    assert fates.table()["samples"].sum() == recording.raw.n_times
    row = account(recording, windows, length=length, step=step).iloc[0]
    assert row["seconds_in_windows"] == pytest.approx(inside.mean() * 40)


def test_windows_lose_trend_and_baseline() -> None:
    recording = _noise()
    raw = recording.raw.copy()
    raw.apply_function(lambda x: x + np.linspace(0, 1e-3, 4000) + 1e-4)
    drifting = recording.with_raw(raw)
    straight = cut_windows(drifting, length=1.0, step=1.0, detrend=1, dtype="float64")
    plain = cut_windows(recording, length=1.0, step=1.0, detrend=1, dtype="float64")
    np.testing.assert_allclose(straight.X, plain.X, atol=1e-12)
    centered = cut_windows(drifting, length=1.0, step=1.0, detrend=0, dtype="float64")
    assert np.abs(centered.X.mean(axis=2)).max() < 1e-15
    based = cut_windows(drifting, length=1.0, step=1.0, baseline=(0.0, 0.2), dtype="float64")
    whole = cut_windows(drifting, length=1.0, step=1.0, dtype="float64").X
    np.testing.assert_allclose(based.X, whole - whole[:, :, :20].mean(axis=2, keepdims=True), atol=1e-18)
    assert "freed of a straight line" in straight.history[0]
    assert "mean from 0 to 0.2 s" in based.history[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"reject": "robust"}, "is no rule. Expected auto, autoreject, or a number"),
        ({"reject": -5}, "above=-5"),
        ({"reject": {"above": None, "flat": None}}, "above and flat are both nothing"),
        ({"reject": {"abov": 3}}, "Did you mean 'above'"),
        ({"reject": 1.0}, "rejects all 40 windows of a, b. Expected some of every class"),
        ({"reject": {"above": "autoreject"}, "length": 9.0, "step": 9.0}, "has 4 windows side by side"),
        ({"baseline": [0.5, 2.0]}, "does not lie in a window of 1 s"),
        ({"baseline": [0.0, 0.001]}, "holds no sample"),
        ({"baseline": 3}, "Expected two numbers of seconds"),
        ({"detrend": -1}, "detrend=-1"),
        ({"detrend": 1, "copy": False}, "copy=False with"),
    ],
)
def test_what_cannot_be_done_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        cut_windows(_noise(), **{"length": 1.0, "step": 1.0, **given})


def test_one_class_that_is_rejected_as_a_whole_is_named() -> None:
    recording = _noise(bursts=tuple(range(20, 40)))
    with pytest.raises(BiotransferError, match="rejects all 20 windows of b"):
        cut_windows(recording, length=1.0, step=1.0, reject=300)


@pytest.mark.parametrize(
    ("modality", "data"),
    [
        ("eeg", {"data": "mental-arithmetic", "subjects": ["00", "01"]}),
        ("emg", {"data": "myodisco", "subjects": ["S1"], "classes": ["flexion", "extension"]}),
    ],
)
def test_real_windows_are_rejected_by_a_recipe_and_told_of(
    real_data: Path, modality: str, data: dict
) -> None:
    from biotransfer.evidence.baselines import Nuisance
    from biotransfer.studies.recipe.sides import Section
    from biotransfer.studies.running.data import Request, open_request

    sides = []
    for reject in (None, {"above": "auto", "factor": 1.2}):
        cutting = {"length": 1.0, "step": 1.0, "reject": reject, "detrend": 0}
        section = Section.of(modality, modality, {**data, "windows": cutting})
        assert section.plain()["windows"]["reject"] == (reject and Reject(**reject).plain())
        sides.append(open_request(Request(section, None, str(real_data), nuisance=Nuisance())))
    every, some = sides
    assert 0.3 * len(every.signals) < len(some.signals) < len(every.signals)
    assert set(some.signals.metadata["uid"]) < set(every.signals.metadata["uid"])
    assert len(some.nuisance) == len(some.signals)
    assert np.abs(some.signals.X.mean(axis=2)).max() < 1e-8
