"""Channels that are no signal are found for the reason they are bad, and nothing else is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.preprocessing import describe_steps, preprocess, settle_steps
from biotransfer.signals.preprocessing.bad_channels import find_bad_channels
from biotransfer.signals.recording import Recording
from tests.recordings import make_recording, snapshot

NAMES = ["Fp1", "Fp2", "F3", "F4", "F7", "F8", "C3", "C4", "P3", "P4", "O1", "O2"]
RATE = 200.0


def scalp(seed: int = 0, *, spoil: dict[str, str] | None = None, **facts: Any) -> Recording:
    """Return channels that share sources, some of them spoilt: dead, loud, quiet, alone, marked."""
    rng = np.random.default_rng(seed)
    mix = 0.5 + rng.random((12, 4))
    sources = np.cumsum(rng.standard_normal((4, 6000)), axis=1)
    sources -= np.stack([np.convolve(s, np.ones(201) / 201, mode="same") for s in sources])
    data = (mix @ sources + rng.standard_normal((12, 6000))) * 1e-6
    data *= 1 + 0.1 * rng.random((12, 1))
    for name, how in (spoil or {}).items():
        i = NAMES.index(name)
        if how == "dead":
            data[i] = 3e-5
        elif how == "dead for long":
            data[i, 2000:] = data[i, 2000]
        elif how == "loud":
            data[i] *= 60
        elif how == "quiet":
            data[i] *= 1e-3
        elif how == "alone":
            data[i] = rng.standard_normal(6000) * data[i].std()
    recording = make_recording(data, RATE, [(0.0, 30.0, "a")], **facts)
    recording.raw.rename_channels(dict(zip(recording.raw.ch_names, NAMES, strict=True)))
    recording.raw.info["bads"] = [name for name, how in (spoil or {}).items() if how == "marked"]
    return recording


REASONS = {
    "dead": "flat",
    "dead for long": "flat",
    "loud": "deviates",
    "alone": "follows no other",
    "marked": "marked bad",
}


@pytest.mark.parametrize("how", REASONS)
def test_a_spoilt_channel_is_found_for_its_reason_and_no_other_one(how: str) -> None:
    for seed in range(3):
        assert find_bad_channels(scalp(seed)) == {}
        found = find_bad_channels(scalp(seed, spoil={"C4": how}))
        assert list(found) == ["C4"]
        assert found["C4"].startswith(REASONS[how])


def test_muscles_differ_by_factors_and_follow_nobody() -> None:
    rng = np.random.default_rng(0)
    data = rng.standard_normal((8, 4000)) * np.array([[1, 3, 0.5, 2, 8, 1, 0.4, 4]]).T * 1e-5
    clean = make_recording(data, RATE, types="emg", modality="emg")
    assert find_bad_channels(clean) == {}
    data[2] *= 1e-4
    data[5] = 0.0
    found = find_bad_channels(make_recording(data, RATE, types="emg", modality="emg"))
    assert {name: reason.split()[0] for name, reason in found.items()} == {"emg2": "deviates", "emg5": "flat"}


def test_a_few_electrodes_need_not_follow_each_other() -> None:
    data = np.random.default_rng(0).standard_normal((4, 4000)) * 1e-5
    assert find_bad_channels(make_recording(data, RATE)) == {}


def test_what_is_marked_bad_does_not_count_against_a_channel() -> None:
    recording = scalp()
    raw = recording.raw.copy()
    raw.apply_function(lambda x: np.where(np.arange(6000) < 2500, 1e-4, x), picks=["C3"])
    assert "C3" in find_bad_channels(recording.with_raw(raw))
    raw.annotations.append(0.0, 12.6, "BAD_contact")
    assert find_bad_channels(recording.with_raw(raw)) == {}


def _by_the_book(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deviation and largest correlations, written out as in the paper: channel by channel."""
    amplitude = np.array([0.7413 * np.subtract(*np.percentile(x, [75, 25])) for x in data])
    spread = 0.7413 * np.subtract(*np.percentile(amplitude, [75, 25]))
    z = (amplitude - np.median(amplitude)) / spread
    n = int(RATE)
    best = np.zeros((data.shape[1] // n, len(data)))
    for w in range(len(best)):
        part = data[:, w * n : (w + 1) * n]
        size = np.abs(np.corrcoef(part))
        size -= np.diag(np.diag(size))
        best[w] = np.quantile(size, 0.98, axis=0)
    return z, best


@pytest.mark.parametrize("seed", range(3))
def test_criteria_are_those_of_the_paper(seed: int) -> None:
    recording = scalp(seed, spoil={"O1": "alone", "F7": "loud"})
    z, _ = _by_the_book(recording.raw.get_data())
    slow = preprocess(recording, [{"name": "bandpass", "low": None, "high": 50.0}])
    _, best = _by_the_book(slow.raw.get_data())
    for deviation in (1.0, 2.0, 5.0):
        found = find_bad_channels(recording, deviation=deviation, correlation=None)
        assert set(found) == {name for name, value in zip(NAMES, z, strict=True) if abs(value) > deviation}
    for least, share in ((0.4, 0.01), (0.9, 0.2), (0.97, 0.5)):
        found = find_bad_channels(recording, deviation=None, correlation=least, share=share)
        alone = (best < least).mean(axis=0) > share
        assert set(found) == {name for name, is_alone in zip(NAMES, alone, strict=True) if is_alone}


def test_what_is_bad_in_one_is_left_out_of_all() -> None:
    from biotransfer import cut_windows

    people = [
        scalp(0, subject="p0"),
        scalp(1, subject="p1", spoil={"C4": "dead", "O1": "marked"}),
        scalp(2, subject="p2", spoil={"C4": "loud"}),
    ]
    before = [snapshot(r) for r in people]
    out = preprocess(people, ["bad_channels"])
    left = [name for name in NAMES if name not in ("C4", "O1")]
    assert [r.ch_names for r in out] == [left] * 3
    assert [snapshot(r) for r in people] == before
    windows = cut_windows([r.with_raw(r.raw, classes=("a",)) for r in out])
    assert windows.names == tuple(left)
    settled = settle_steps(people, ["bad_channels"])
    assert settled[0]["channels"]["set/sub-p1/ses-1/run-1"] == {"O1": "marked bad", "C4": "flat"}
    sentence = describe_steps(settled)
    assert "bad among 3 recordings: C4 in 2, O1 in 1" in sentence
    edited = [{**settled[0], "channels": {"set/sub-p1/ses-1/run-1": {"F3": "by eye"}}}]
    assert {len(r.ch_names) for r in preprocess([people[0], people[2]], edited)} == {11}


def test_interpolated_channels_come_near_what_was_there() -> None:
    """Signals that are smooth over the head are what splines are for; all channels stay."""
    placed = preprocess(scalp(), ["set_montage"])
    places = np.array([ch["loc"][:3] for ch in placed.raw.info["chs"]])
    waves = np.sin(np.arange(6000)[None] * np.array([[0.1], [0.17], [0.23]]))
    truth = (places / np.linalg.norm(places, axis=1, keepdims=True)) @ waves * 1e-5
    broken = truth.copy()
    broken[NAMES.index("C4")] = 0.0
    raws = []
    for data in (truth, broken):
        raw = placed.raw.copy()
        raw.apply_function(lambda _, data=data: data, channel_wise=False)
        raws.append(raw)
    steps = [{"name": "bad_channels", "then": "interpolate", "deviation": None, "correlation": None}]
    out = preprocess(placed.with_raw(raws[1]), steps)
    assert out.ch_names == NAMES
    filled = out.raw.get_data(picks=["C4"])[0]
    assert np.corrcoef(filled, truth[NAMES.index("C4")])[0, 1] > 0.98
    others = [name for name in NAMES if name != "C4"]
    np.testing.assert_array_equal(out.raw.get_data(picks=others), raws[1].get_data(picks=others))
    import mne

    raw = raws[1].copy()
    raw.info["bads"] = ["C4"]
    with mne.utils.use_log_level("error"):
        raw.interpolate_bads()
    np.testing.assert_allclose(filled, raw.get_data(picks=["C4"])[0], atol=1e-12)


def test_marked_channels_are_interpolated_and_good_again() -> None:
    recording = preprocess(scalp(spoil={"P3": "marked"}), ["set_montage"])
    out = preprocess(recording, [{"name": "bad_channels", "then": "interpolate"}])
    assert out.ch_names == NAMES
    assert out.raw.info["bads"] == []
    assert recording.raw.info["bads"] == ["P3"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"then": "drop"}, "then='drop' is unknown"),
        ({"then": "interpolate"}, r"have no position.*set_montage"),
        ({"deviation": -1.0}, "deviation=-1.0"),
        ({"correlation": 2.0}, r"correlation=2\.0 is out of range\. Expected: float, 0 to 1"),
        ({"share": -0.1}, "share=-0.1"),
        ({"flat": 1.0}, r"12 of 12 channels are bad .* keep fewer than half"),
        ({"then": "interpolate", "channels": {}}, "knows 0 recordings, and not 'set/sub-s1"),
    ],
)
def test_what_cannot_be_done_is_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        preprocess(scalp(spoil={"C4": "dead"}), [{"name": "bad_channels", **parameters}])


def test_real_recordings_keep_most_of_their_channels(real_data: Path) -> None:
    from biotransfer.signals.datasets import load_dataset

    people = load_dataset("mental-arithmetic", data_dir=real_data, subjects=["00", "01"])
    spoilt = people[0].raw.copy().load_data()
    name = people[0].ch_names[3]
    spoilt.apply_function(lambda x: 0 * x, picks=[name])
    changed = [people[0].with_raw(spoilt), *people[1:]]
    steps = ["set_montage", {"name": "bad_channels", "then": "interpolate"}]
    found = settle_steps(changed, steps)[1]["channels"]
    assert found[people[0].uid][name] == "flat"
    assert max(len(own) for own in found.values()) <= 6
    out = preprocess(changed, steps)
    assert {tuple(r.ch_names) for r in out} == {tuple(people[0].ch_names)}
    filled, before = (r.raw.get_data(picks=[name])[0] for r in (out[0], people[0]))
    assert np.corrcoef(filled, before)[0, 1] > 0.8
