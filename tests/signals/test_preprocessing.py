"""Steps do what they are named for, to the channels they are meant for, and say what cannot be done."""

import itertools
import time
import warnings
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.preprocessing import (
    PRESETS,
    SHORTCUTS,
    STEPS,
    describe_steps,
    preprocess,
    resolve_steps,
    settle_steps,
)
from biotransfer.signals.recording import EDGE, Recording
from biotransfer.signals.simulate import simulate_emg
from biotransfer.signals.windows import cut_windows
from tests.recordings import make_recording, snapshot

IIR = {"order": 4, "ftype": "butter", "output": "sos"}
RECIPES: list[Any] = [
    "eeg",
    "emg",
    "none",
    ["average_reference", "envelope"],
    {"preset": "emg", "sfreq": 128.0, "notch": None},
    [{"name": "resample", "sfreq": 320}, {"name": "notch", "freqs": [50.0, 100.0]}],
]


NOTCH = [{"name": "notch", "freqs": 50.0}]


def _sine(freq: float, sfreq: float = 200.0, seconds: float = 20.0, *, modality: str = "emg") -> Recording:
    wave = 1e-4 * np.sin(2 * np.pi * freq * np.arange(round(seconds * sfreq)) / sfreq)
    return make_recording(np.stack([wave, wave / 2]), sfreq, types=modality, modality=modality)


def _gain(recording: Recording, steps: Any) -> float:
    """Amplitude that comes out over amplitude that goes in, away from the ends."""
    inside = slice(recording.raw.n_times // 4, -recording.raw.n_times // 4)
    before = recording.raw.get_data()[0, inside]
    after = preprocess(recording, steps).raw.get_data()[0, inside]
    return float(after.std() / before.std())


def _mixed(sfreq: float = 256.0) -> tuple[Recording, Recording]:
    """The same signals as an EEG and as an EMG recording, beside a trigger, a bad and a misc channel."""
    rng = np.random.default_rng(0)
    data = rng.standard_normal((7, round(6 * sfreq))) * 1e-5
    types = ["eeg", "emg", "stim", "eeg", "emg", "misc", "emg"]
    eeg = make_recording(data, sfreq, types=types)
    eeg.raw.info["bads"] = ["emg6"]
    return eeg, make_recording(data, sfreq, types=types, modality="emg")


@pytest.mark.parametrize("freq", [4.0, 10.0, 20.0, 30.0])
def test_eeg_preset_keeps_its_band(freq: float) -> None:
    assert _gain(_sine(freq, 256.0, modality="eeg"), "eeg") == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("freq", "most"), [(0.2, 0.05), (50.0, 0.001), (60.0, 0.1), (100.0, 0.01)])
def test_eeg_preset_takes_the_rest_out(freq: float, most: float) -> None:
    assert _gain(_sine(freq, 256.0, seconds=60, modality="eeg"), {"preset": "eeg", "mains": 50}) < most


@pytest.mark.parametrize("freq", [30.0, 40.0, 60.0, 80.0, 95.0])
def test_emg_preset_keeps_its_band_up_to_nyquist(freq: float) -> None:
    assert _gain(_sine(freq), "emg") == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(("freq", "most"), [(2.0, 0.001), (10.0, 0.07), (50.0, 0.001)])
def test_emg_preset_takes_drift_and_hum_out(freq: float, most: float) -> None:
    assert _gain(_sine(freq), {"preset": "emg", "mains": 50}) < most


def test_corners_halve_the_amplitude_as_documented() -> None:
    for spec, freq in (({"low": 20.0, "high": None}, 20.0), ({"low": None, "high": 30.0}, 30.0)):
        assert _gain(_sine(freq), [{"name": "bandpass", **spec}]) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("freq", [49.5, 50.0, 50.5])
def test_notch_takes_20_db_and_leaves_the_neighbors(freq: float) -> None:
    assert _gain(_sine(freq, seconds=60), NOTCH) < 0.1
    for other in (45.0, 55.0):
        assert _gain(_sine(other, seconds=60), NOTCH) == pytest.approx(1, abs=0.05)


def test_filters_do_not_delay() -> None:
    pulse = np.zeros((1, 2001))
    pulse[0, 1000] = 1e-3
    for steps in ("eeg", [{"name": "bandpass", "low": None, "high": 30.0}], NOTCH):
        out = preprocess(make_recording(pulse, 256.0), steps).raw.get_data()[0]
        assert np.argmax(np.abs(out)) == 1000
        np.testing.assert_allclose(out[:1000], out[:1000:-1], atol=2e-3 * np.abs(out).max())


@pytest.mark.parametrize("modality", ["eeg", "emg"])
def test_the_same_numbers_as_mne_called_directly(modality: str) -> None:
    recording = _mixed()[modality == "emg"]
    raw = recording.raw.copy()
    settings = {"picks": recording.picks, "method": "iir", "iir_params": IIR, "verbose": "error"}
    raw.notch_filter([50.0], notch_widths=2.0, **settings)
    raw.filter(*((1.0, 45.0) if modality == "eeg" else (20.0, None)), **settings)
    np.testing.assert_array_equal(preprocess(recording, mains=50).raw.get_data(), raw.get_data())


def test_the_same_numbers_as_mne_on_many_short_files() -> None:
    recording = simulate_emg(n_subjects=1, classes=3, n_repetitions=4, seconds=2.0, seed=0)[0]
    raw = recording.raw.copy()
    settings = {"picks": recording.picks, "method": "iir", "iir_params": IIR, "verbose": "error"}
    raw.notch_filter([50.0], notch_widths=2.0, **settings)
    raw.filter(20.0, None, **settings)
    np.testing.assert_array_equal(preprocess(recording, "emg", mains=50).raw.get_data(), raw.get_data())


def test_average_reference_is_the_one_of_mne() -> None:
    recording = _mixed()[0]
    raw = recording.raw.copy().pick("eeg").set_eeg_reference("average", verbose="error")
    got = preprocess(recording, ["average_reference"])
    np.testing.assert_allclose(got.raw.get_data(picks=got.picks), raw.get_data(), atol=1e-20)


@pytest.mark.parametrize(("sfreq", "npad"), [(100.0, 128), (200.0, 128), (512.0, 100), (192.0, 100)])
def test_resample_is_the_one_of_mne_where_there_is_no_edge(sfreq: float, npad: int) -> None:
    recording = _mixed()[0]
    np.testing.assert_array_equal(
        preprocess(recording, "none", sfreq=sfreq).raw.get_data(),
        recording.raw.copy().resample(sfreq, npad=npad, verbose="error").get_data(),
    )


@pytest.mark.parametrize("steps", RECIPES[:4])
@pytest.mark.parametrize("modality", ["eeg", "emg"])
def test_other_channels_keep_their_samples(steps: Any, modality: str) -> None:
    recording = _mixed()[modality == "emg"]
    others = [i for i in range(7) if i not in recording.picks]
    assert len(others) >= 4
    out = preprocess(recording, steps)
    np.testing.assert_array_equal(out.raw.get_data(picks=others), recording.raw.get_data(picks=others))
    assert out.raw.ch_names == recording.raw.ch_names
    changed = out.raw.get_data(picks=out.picks) != recording.raw.get_data(picks=recording.picks)
    assert changed.any(axis=1).all() == (steps != "none")


@pytest.mark.parametrize("steps", RECIPES)
def test_input_is_not_changed_and_who_it_is_stays(steps: Any) -> None:
    rng = np.random.default_rng(1)
    recording = make_recording(
        rng.standard_normal((3, 1024)) * 1e-5, 256.0, [(0.0, 2.0, "a"), (2.0, 0.0, EDGE), (2.0, 1.5, "b")],
        types="emg", modality="emg", timestamps=np.arange(1024) / 256, session="x", run="7", notes=("n",),
    )  # fmt: skip
    before = snapshot(recording)
    out = preprocess(recording, steps)
    assert snapshot(recording) == before
    assert (out.uid, out.classes, out.notes) == (recording.uid, recording.classes, recording.notes)
    kept = [(a["onset"], a["duration"], a["description"]) for a in out.raw.annotations]
    assert kept == before[1]
    assert (out.timestamps is None) == (out.sfreq != recording.sfreq)


@pytest.mark.parametrize(
    "steps", [NOTCH, [{"name": "bandpass", "low": 5.0, "high": None}], ["envelope"],
              [{"name": "resample", "sfreq": 150.0}], [{"name": "resample", "sfreq": 333.0}]]
)  # fmt: skip
def test_a_step_in_one_stretch_does_not_ring_in_the_next(steps: Any) -> None:
    rng = np.random.default_rng(0)
    quiet = rng.standard_normal((2, 1200)) * 1e-6
    loud = quiet.copy()
    loud[:, 400:800] += 0.5
    edges = [(0.0, 6.0, "a"), (2.0, 0.0, EDGE), (4.0, 0.0, "edge of something")]
    sides = [
        preprocess(make_recording(x, 200.0, edges, types="emg", modality="emg"), steps) for x in (quiet, loud)
    ]
    rate = sides[0].sfreq
    one, two = (side.raw.get_data() for side in sides)
    assert one.shape[1] == round(6 * rate)
    np.testing.assert_array_equal(one[:, : round(2 * rate)], two[:, : round(2 * rate)])
    np.testing.assert_array_equal(one[:, round(4 * rate) :], two[:, round(4 * rate) :])
    alone = make_recording(quiet[:, 800:], 200.0, types="emg", modality="emg")
    alone = preprocess(alone, steps)
    np.testing.assert_allclose(one[:, round(4 * rate) :], alone.raw.get_data(), atol=1e-18)


def test_stretches_of_a_cropped_raw_are_where_the_edges_are() -> None:
    rng = np.random.default_rng(0)
    data = rng.standard_normal((1, 2000)) * 1e-6
    data[:, 1000:] += 0.5
    for meas_date in (None, 1e9):
        whole = make_recording(data, 200.0, [(0.0, 10.0, "a"), (5.0, 0.0, EDGE)], meas_date=meas_date)
        cropped = whole.with_raw(whole.raw.copy().crop(1.0, 9.0))
        out = preprocess(cropped, [{"name": "bandpass", "low": 5.0, "high": None}]).raw.get_data()
        assert np.abs(out).max() < 1e-4


def test_two_second_files_filter_without_a_warning_and_so_does_one_sample() -> None:
    lengths = [400, 399, 403, 1, 2, 7, 400]
    borders = np.concatenate([[0], np.cumsum(lengths)]) / 200.0
    notes = [(a, b - a, "a") for a, b in itertools.pairwise(borders)]
    notes += [(b, 0.0, EDGE) for b in borders[1:-1]]
    data = np.random.default_rng(0).standard_normal((8, sum(lengths))) * 1e-5
    recording = make_recording(data, 200.0, notes, types="emg", modality="emg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for steps in ("emg", ["envelope"], {"preset": "emg", "sfreq": 90}, {"preset": "none", "sfreq": 256}):
            assert np.isfinite(preprocess(recording, steps).raw.get_data()).all()


def test_resampled_labels_stay_where_they_were() -> None:
    recording = simulate_emg(n_subjects=1, n_repetitions=2, seconds=2.0)[0]
    before = cut_windows(recording, length=0.5, step=0.5)
    after = cut_windows(preprocess(recording, "none", sfreq=256), length=0.5, step=0.5)
    assert after.sfreq == 256.0
    np.testing.assert_array_equal(before.y, after.y)
    np.testing.assert_allclose(before.metadata["start"], after.metadata["start"], atol=1 / 200)


@pytest.mark.parametrize(("old", "new"), [(200.0, 256.0), (256.0, 200.0), (200.0, 221.3), (500.0, 128.0)])
def test_resample_keeps_a_sine_in_every_stretch(old: float, new: float) -> None:
    wave = 1e-4 * np.sin(2 * np.pi * 7 * np.arange(round(8 * old)) / old)[None]
    recording = make_recording(wave, old, [(0.0, 8.0, "a"), (2.0, 0.0, EDGE), (5.0, 0.0, EDGE)])
    out = preprocess(recording, "none", sfreq=new).raw.get_data()[0]
    phase = 2 * np.pi * 7 * np.arange(len(out)) / new
    for begin, end in ((0, 2), (2, 5), (5, 8)):
        inside = slice(round((begin + 0.3) * new), round((end - 0.3) * new))
        reference = np.exp(-1j * phase[inside])
        lag = np.angle(1j * (out[inside] * reference).sum()) / (2 * np.pi * 7)
        assert abs(lag) < 0.75 / new
        if new != 221.3:
            np.testing.assert_allclose(out[inside], 1e-4 * np.sin(phase[inside]), atol=2e-6)


def test_envelope_follows_the_amplitude() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(8000) / 1000
    modulation = 1 + 0.8 * np.sin(2 * np.pi * 0.5 * times)
    data = rng.standard_normal((1, 8000)) * modulation * 1e-4
    recording = make_recording(data, 1000.0, types="emg", modality="emg")
    out = preprocess(recording, [{"name": "envelope", "cutoff": 3.0}]).raw.get_data()[0, 500:-500]
    assert out.min() > 0
    assert np.corrcoef(out, modulation[500:-500])[0, 1] > 0.95
    assert out.mean() == pytest.approx(1e-4 * np.sqrt(2 / np.pi), rel=0.05)


@pytest.mark.parametrize(
    ("steps", "sfreq"),
    [
        ([{"name": "bandpass", "low": 20.0, "high": 150.0}], 200.0),
        ([{"name": "bandpass", "low": 20.0, "high": 100.0}], 200.0),
        ([{"name": "bandpass", "low": 120.0, "high": None}], 200.0),
        ([{"name": "notch", "freqs": [100.0]}], 200.0),
        ([{"name": "notch", "freqs": [99.0]}], 200.0),
        ([{"name": "envelope", "cutoff": 100.0}], 200.0),
        ("eeg", 80.0),
    ],
)
def test_a_filter_above_nyquist_is_refused_with_a_number_that_works(steps: Any, sfreq: float) -> None:
    recording = _sine(10.0, sfreq)
    with pytest.raises(BiotransferError) as caught:
        preprocess(recording, steps)
    message = str(caught.value)
    assert f"{sfreq / 2:g} Hz, the Nyquist frequency of 'set/sub-s1/ses-1/run-1'" in message
    assert f"sampled at {sfreq:g} Hz" in message
    name, value = message.split("Use ")[1].split(" or less")[0].split("=")
    named = {"low": "bandpass", "high": "bandpass", "freqs": "notch", "cutoff": "envelope"}[name]
    change = {name: [float(value)] if name == "freqs" else float(value)}
    if named == "bandpass" and name == "low":
        change["high"] = None
    preprocess(recording, [{"name": named, **change}] if named != "bandpass" else
               [{"name": "bandpass", "low": None, "high": None, **change}])  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"name": "bandpass", "low": 30.0, "high": 20.0}], "low=30.0 Hz is not below high=20.0 Hz"),
        ([{"name": "bandpass", "low": None, "high": None}], "low and high are both None"),
        ([{"name": "bandpass", "low": 1e-320}], "low=1e-320 is out of range"),
        ([{"name": "resample", "sfreq": 90000.0}], "adds samples and no signal"),
        ([{"name": "bandpass", "low": 0.0}], "low=0.0 is out of range. Expected: float, 0.001 or more"),
        ([{"name": "bandpass", "low": -1.0}], "is out of range"),
        ([{"name": "bandpass", "order": 0}], "order=0"),
        ([{"name": "notch", "freqs": []}], "names no frequency"),
        ([{"name": "notch", "freqs": [1.0]}], "stop band of 1.5 Hz on either side"),
        ([{"name": "notch", "freqs": ["fifty"]}], "freqs=.*fifty.* is a list"),
        ([{"name": "notch", "freqs": "fifty"}], "freqs='fifty' is unknown"),
        ([{"name": "notch", "width": 0.0}], "width=0.0"),
        ([{"name": "resample", "sfreq": 0}], "sfreq=0"),
        ([{"name": "resample", "sfreq": "fast"}], "sfreq='fast'"),
        ([{"name": "envelope", "cutoff": 0.0}], "cutoff=0.0"),
    ],
)
def test_values_that_make_no_sense_are_refused(steps: Any, message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        preprocess(_sine(10.0), steps)


def test_one_channel_has_no_average_reference() -> None:
    recording = make_recording(np.zeros((1, 400)), 200.0)
    with pytest.raises(BiotransferError, match="one good channel, 'eeg0'"):
        preprocess(recording, ["average_reference"])


def test_presets_are_plain_lists_of_named_steps() -> None:
    assert resolve_steps("eeg") == [
        {"name": "notch", "freqs": "found", "width": 2.0, "order": 4},
        {"name": "bandpass", "low": 1.0, "high": 45.0, "order": 4},
    ]
    assert resolve_steps("emg")[1] == {"name": "bandpass", "low": 20.0, "high": None, "order": 4}
    assert resolve_steps("none") == []


@pytest.mark.parametrize("spec", RECIPES)
def test_resolving_twice_changes_nothing_and_touches_no_preset(spec: Any) -> None:
    before = repr(PRESETS), repr(spec)
    once = resolve_steps(spec)
    assert resolve_steps(once) == once
    once.append({"name": "more"})
    for step in once:
        step["name"] = "spoiled"
    assert (repr(PRESETS), repr(spec)) == before


def test_everything_can_be_overridden_by_call_and_by_recipe() -> None:
    for by_call, by_recipe, expected in (
        ({"bandpass": {"high": 40}}, {"bandpass": {"high": 40}}, ("bandpass", "high", 40)),
        ({"notch": {"freqs": 60}}, {"mains": 60}, ("notch", "freqs", [60])),
        ({"sfreq": 200}, {"resample": {"sfreq": 200}}, ("resample", "sfreq", 200)),
        (
            {"average_reference": {}},
            {"average_reference": {}},
            ("average_reference", "name", "average_reference"),
        ),
    ):
        steps = resolve_steps("eeg", **by_call)
        assert steps == resolve_steps({"preset": "eeg", **by_recipe})
        assert {s["name"]: s for s in steps}[expected[0]][expected[1]] == expected[2]
    assert [s["name"] for s in resolve_steps("eeg", notch=None)] == ["bandpass"]
    assert [s["name"] for s in resolve_steps("eeg", mains=None)] == ["bandpass"]
    assert [s["name"] for s in resolve_steps("eeg", sfreq=100)] == ["notch", "bandpass", "resample"]
    assert resolve_steps([{"name": "resample", "sfreq": 100}], sfreq=128) == [
        {"name": "resample", "sfreq": 128}
    ]
    assert resolve_steps({"name": "envelope"}) == [{"name": "envelope", "cutoff": 5.0, "order": 4}]
    assert preprocess(_sine(10.0), sfreq=128).sfreq == 128.0


@pytest.mark.parametrize(
    ("spec", "changes", "message"),
    [
        ("eegg", {}, "Did you mean 'eeg'"),
        (["bandpas"], {}, "Did you mean 'bandpass'"),
        ([{"name": "bandpass", "hi": 3.0}], {}, "no parameter 'hi'"),
        ([{"name": "bandpass", "hihg": 3.0}], {}, "Did you mean 'high'"),
        ([{"name": "bandpass", "low": "one"}], {}, "low='one' is a str"),
        (["resample"], {}, "needs sfreq"),
        ("eeg", {"bandpas": {}}, "Did you mean 'bandpass'"),
        ("eeg", {"bandpass": 40}, "no mapping of parameters"),
        ("eeg", {"bandpass": {"hihg": 40}}, "Did you mean 'high'"),
        ({"bandpass": {"high": 40}}, {}, "names no preset"),
        ({"preset": "eeg", "sfrq": 200}, {}, "Did you mean 'sfreq'"),
        (["notch", "notch"], {"notch": None}, "stands 2 times"),
        (None, {}, "no preset, list or mapping"),
        (3, {}, "no preset, list or mapping"),
        ([3], {}, "neither a name nor a mapping"),
    ],
)
def test_unknown_presets_steps_and_keys_are_answered(
    spec: Any, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BiotransferError, match=message):
        resolve_steps(spec, **changes)


def test_shortcuts_name_parameters_that_exist() -> None:
    for step, parameter in SHORTCUTS.values():
        assert parameter in {p.name for p in STEPS[step].parameters}


def test_the_methods_sentence_holds_the_numbers() -> None:
    sentence = describe_steps({"preset": "eeg", "sfreq": 128, "mains": [50, 60]})
    for part in ("notch-filtered at 50 and 60 Hz", "from 1 to 45 Hz", "order 4", "then resampled to 128 Hz"):
        assert part in sentence
    assert "high-pass filtered at 20 Hz" in describe_steps("emg")
    assert "low-pass filtered at 30 Hz" in describe_steps([{"name": "bandpass", "low": None, "high": 30.0}])
    assert describe_steps("none") == "No preprocessing was applied."


def test_many_recordings_are_preprocessed_one_by_one() -> None:
    recordings = [_sine(10.0), _sine(30.0)]
    for one, many in zip(recordings, preprocess(recordings, "emg", sfreq=100), strict=True):
        np.testing.assert_array_equal(preprocess(one, "emg", sfreq=100).raw.get_data(), many.raw.get_data())


def test_the_one_of_many_that_fails_is_named() -> None:
    slow = make_recording(np.random.default_rng(0).normal(size=(1, 500)) * 1e-6, sfreq=50.0, subject="slow")
    with pytest.raises(BiotransferError, match=r"recordings\[1\], <Recording set/sub-slow/.*50 Hz"):
        preprocess([_sine(10.0), slow], "eeg", notch=None)
    with pytest.raises(BiotransferError, match=r"^(?!recordings)"):
        preprocess([slow], "eeg", notch=None)


@pytest.mark.slow
def test_fourteen_people_with_eighty_files_each_take_seconds(real_data: Path) -> None:
    from biotransfer.signals.datasets import load_dataset

    recordings = load_dataset(
        "myodisco", data_dir=real_data, classes=["hand_close", "hand_open", "flexion", "extension"]
    )
    begin = time.perf_counter()
    out = preprocess(recordings, mains=50)
    assert time.perf_counter() - begin < 10
    assert len(out) == 14
    settings = {"picks": out[0].picks, "method": "iir", "iir_params": IIR, "verbose": "error"}
    raw = recordings[3].raw.copy().notch_filter([50.0], notch_widths=2.0, **settings)
    np.testing.assert_array_equal(out[3].raw.get_data(), raw.filter(20.0, None, **settings).get_data())


def test_mains_of_real_eeg_is_gone(real_data: Path) -> None:
    from biotransfer.signals.datasets import read_muse_csv

    recording = read_muse_csv(real_data / "muse-mental-state" / "subjecta-concentrating-1.csv")

    def share(r: Recording) -> float:
        freqs, power = mne.time_frequency.psd_array_welch(
            r.raw.get_data(picks=r.picks), r.sfreq, n_fft=512, verbose="error"
        )[::-1]
        return float((power[:, np.abs(freqs - 50) < 1].sum(axis=1) / power.sum(axis=1)).max())

    assert share(recording) > 0.3
    assert share(preprocess(recording)) < 1e-4


def _with_hum(line: float | None, seed: int, sfreq: float = 500.0) -> Recording:
    rng = np.random.default_rng(seed)
    times = np.arange(round(20 * sfreq)) / sfreq
    data = rng.normal(0, 1e-5, (3, len(times)))
    for freq in () if line is None else (line, 3 * line):
        data += 1e-5 * np.sin(2 * np.pi * freq * times)
    return make_recording(data, sfreq, subject=f"s{seed}", types="emg", modality="emg")


@pytest.mark.parametrize("line", [50.0, 60.0])
def test_presets_notch_what_stands_out_in_any_of_the_recordings(line: float) -> None:
    recordings = [_with_hum(line, 0), _with_hum(None, 1)]
    for out, recording in zip(preprocess(recordings), recordings, strict=True):
        asked = preprocess(recording, "emg", notch={"freqs": [line, 3 * line]})
        np.testing.assert_array_equal(out.raw.get_data(), asked.raw.get_data())
    settled = settle_steps(recordings, "emg")
    assert settled == settle_steps(recordings, settled)
    assert f"notch-filtered at {line:g} and {3 * line:g} Hz" in describe_steps(settled)


def test_presets_notch_nothing_where_no_hum_is_and_say_so() -> None:
    recordings = [_with_hum(None, 0), _with_hum(None, 1)]
    for out, recording in zip(preprocess(recordings), recordings, strict=True):
        plain = preprocess(recording, "emg", notch=None)
        np.testing.assert_array_equal(out.raw.get_data(), plain.raw.get_data())
    assert "without a notch filter, as no hum" in describe_steps(settle_steps(recordings, "emg"))


def test_the_declared_line_is_the_one_that_is_notched() -> None:
    recording = _with_hum(60.0, 0)
    recording.raw.info["line_freq"] = 50.0
    assert settle_steps([recording], "emg")[0]["freqs"] == "none"
    recording.raw.info["line_freq"] = 60.0
    assert settle_steps([recording], "emg")[0]["freqs"] == [60.0, 180.0]


def test_found_is_a_word_and_others_are_not() -> None:
    for found in ({"mains": "found"}, {"notch": {"freqs": "found"}}, {"notch": {"freqs": None}}):
        assert resolve_steps("emg", **found) == resolve_steps("emg")
    with pytest.raises(BiotransferError, match="Did you mean 'found'"):
        resolve_steps("emg", mains="fund")
