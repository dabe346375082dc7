"""Every step of the catalog, whatever it does, keeps to what its entry says."""

import itertools
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.preprocessing import (
    STEPS,
    apply_steps,
    describe_steps,
    preprocess,
    resolve_steps,
    settle_steps,
)
from biotransfer.signals.recording import EDGE, MODALITIES, Recording, annotation_spans
from tests.recordings import make_recording, snapshot

RATE = 200.0
SECONDS = 12.0
EDGES = (5.0, 9.0)
NAMES = {
    "eeg": ["Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"],
    "emg": [f"M{i}" for i in range(6)],
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "resample": {"sfreq": 100.0},
    "ica": {"by": "mne", "remove": ["muscle artifact"], "components": 4},
    "drop_channels": {"channels": ["C3", "M2"]},
    "reference": {"channels": ["aux"]},
    "bipolar": {"pairs": [["F3", "C3"], ["F4", "C4"]]},
}
"""What a step needs, where it needs something."""
EMG_EXAMPLES = {"bipolar": {"pairs": [["M0", "M1"], ["M3", "M2"]]}}
ONLY_EEG = {"set_montage", "rest_reference", "ica"}
BEFORE = {"rest_reference": ["set_montage"], "ica": ["set_montage"]}
"""Steps that must have been, and steps that muscles do not have."""
WITHIN = {"rename_channels", "pick_channels", "drop_channels", "set_montage", "reference", "bipolar",
          "rectify", "average_reference"}  # fmt: skip
"""Steps that look at single samples: no edge matters to them."""

CASES = [(m, name) for m in MODALITIES for name in STEPS if m == "eeg" or name not in ONLY_EEG]


def _step(name: str, modality: str) -> dict[str, Any]:
    return {
        "name": name,
        **((EMG_EXAMPLES if modality == "emg" else {}) | {}).get(name, EXAMPLES.get(name, {})),
    }


def _steps(name: str, modality: str) -> list[Any]:
    return [*BEFORE.get(name, []), _step(name, modality)]


def mixed(modality: str, seed: int = 0, subject: str = "s1", spoil: slice | None = None) -> Recording:
    """Return channels of both modalities, a trigger, another type, one marked bad, edges and labels."""
    rng = np.random.default_rng(seed)
    names = [*NAMES["eeg"], "trigger", *NAMES["emg"], "aux"]
    types = ["eeg"] * 10 + ["stim"] + ["emg"] * 6 + ["misc"]
    n = round(SECONDS * RATE)
    shared = rng.standard_normal(n)
    data = (rng.standard_normal((len(names), n)) + 2 * shared) * 1e-5
    if spoil is not None:
        data[:, spoil] *= 7.0
    notes = [(0.5, 5.0, "a"), (6.0, 5.5, "b"), *((at, 0.0, EDGE) for at in EDGES)]
    recording = make_recording(data, RATE, notes, types=types, modality=modality, subject=subject)
    raw = recording.raw
    raw.rename_channels(dict(zip(raw.ch_names, names, strict=True)))
    return recording


def _others(recording: Recording) -> dict[str, np.ndarray]:
    """Signals of all channels that are not of the modality."""
    raw = recording.raw
    kinds = zip(raw.ch_names, raw.get_channel_types(), raw.get_data(), strict=True)
    return {name: x for name, kind, x in kinds if kind != recording.modality}


@pytest.mark.parametrize(("modality", "name"), CASES)
def test_a_step_leaves_its_input_alone_and_gives_the_same_again(modality: str, name: str) -> None:
    recording = mixed(modality)
    before = snapshot(recording)
    one, two = (preprocess(recording, _steps(name, modality)) for _ in range(2))
    assert snapshot(recording) == before
    assert snapshot(one) == snapshot(two)
    assert np.isfinite(one.raw.get_data(picks=one.picks)).all()


@pytest.mark.parametrize(("modality", "name"), CASES)
def test_a_step_changes_what_its_entry_says_and_nothing_else(modality: str, name: str) -> None:
    recording = mixed(modality)
    out = preprocess(recording, _steps(name, modality))
    changes = STEPS[name].facts["changes"]
    spans = [(s.first / recording.sfreq, s.description) for s in annotation_spans(recording.raw)]
    assert [(s.first / out.sfreq, s.description) for s in annotation_spans(out.raw)] == spans
    assert (out.subject, out.classes, out.uid) == (recording.subject, recording.classes, recording.uid)
    if "samples" not in changes:
        assert (out.raw.n_times, out.sfreq) == (recording.raw.n_times, recording.sfreq)
        for other, signal in _others(recording).items():
            np.testing.assert_array_equal(_others(out)[other], signal, err_msg=other)
    if "channels" not in changes:
        assert out.ch_names == recording.ch_names
    assert set(_others(out)) == set(_others(recording))


@pytest.mark.parametrize(("modality", "name"), [case for case in CASES if case[1] not in WITHIN])
def test_a_step_begins_anew_at_every_edge(modality: str, name: str) -> None:
    """What lies behind an edge does not reach the other side, once what was found in all of it is settled."""
    first, second = (round(at * RATE) for at in EDGES)
    plain, spoilt = mixed(modality), mixed(modality, spoil=slice(first, second))
    steps = settle_steps([plain], _steps(name, modality))
    one, two = (apply_steps(recording, steps) for recording in (plain, spoilt))
    ratio = one.sfreq / RATE
    a, b = one.raw.get_data(picks=one.picks), two.raw.get_data(picks=two.picks)
    for inside in (slice(0, round(first * ratio)), slice(round(second * ratio), None)):
        np.testing.assert_array_equal(a[:, inside], b[:, inside])


@pytest.mark.parametrize(("modality", "name"), CASES)
def test_a_step_says_what_it_did_before_and_after_it_looked(modality: str, name: str) -> None:
    asked = _steps(name, modality)
    settled = settle_steps([mixed(modality)], asked)
    for steps in (asked, settled):
        sentence = describe_steps(steps)
        assert sentence.startswith("Signals were ")
        assert sentence.endswith(".")
        assert "None" not in sentence
    assert settle_steps([mixed(modality, seed=1)], settled) == settled
    assert resolve_steps(settled) == settled


@pytest.mark.parametrize(("modality", "name"), CASES)
def test_a_step_is_the_same_on_one_recording_and_as_a_function(modality: str, name: str) -> None:
    recording = preprocess(mixed(modality), BEFORE.get(name, []))
    parameters = {k: v for k, v in _step(name, modality).items() if k != "name"}
    by_hand = STEPS[name].function(recording, **parameters)
    assert snapshot(by_hand) == snapshot(preprocess(recording, [_step(name, modality)]))


@pytest.mark.parametrize("name", [name for name in STEPS if STEPS[name].facts["settle"] is not None])
def test_what_a_step_finds_in_all_recordings_owes_nothing_to_labels(name: str) -> None:
    """Other labels on the same samples give the same parameters."""
    modality = "eeg" if name in ONLY_EEG else "emg"
    recordings = [mixed(modality, seed, f"s{seed}") for seed in range(3)]
    swapped = []
    for recording in recordings:
        raw = recording.raw.copy()
        other = {"a": "b", "b": "a"}
        raw.annotations.rename({old: new for old, new in other.items() if old in raw.annotations.description})
        swapped.append(recording.with_raw(raw))
    steps = _steps(name, modality)
    assert settle_steps(recordings, steps) == settle_steps(swapped, steps)


def test_only_eeg_has_positions() -> None:
    for name in ONLY_EEG:
        with pytest.raises(BiotransferError, match=r"is emg\. Expected eeg"):
            preprocess(mixed("emg"), [_step(name, "emg")])


# against others and closed forms


def test_detrend_takes_the_polynomial_that_numpy_fits() -> None:
    recording = mixed("eeg")
    data = recording.raw.get_data(picks=recording.picks)
    for order in (0, 1, 3):
        out = preprocess(recording, [{"name": "detrend", "order": order}])
        borders = [0, *(round(at * RATE) for at in EDGES), data.shape[1]]
        for begin, end in itertools.pairwise(borders):
            t = np.arange(end - begin, dtype=float)
            part = data[:, begin:end]
            fit = np.stack([np.polyval(np.polyfit(t, x, order), t) for x in part])
            np.testing.assert_allclose(
                out.raw.get_data(picks=out.picks)[:, begin:end], part - fit, atol=1e-16, rtol=1e-9
            )


def test_rms_is_the_one_of_a_plain_loop() -> None:
    recording = mixed("emg")
    data = recording.raw.get_data(picks=recording.picks)
    for size in (2, 5, 20):
        out = preprocess(recording, [{"name": "rms_envelope", "window": size / RATE}])
        found = out.raw.get_data(picks=out.picks)
        borders = [0, *(round(at * RATE) for at in EDGES), data.shape[1]]
        for begin, end in itertools.pairwise(borders):
            for i in range(begin, end, 37):
                low = max(begin, i - size // 2)
                high = min(end, i - size // 2 + size)
                expected = np.sqrt(np.mean(data[:, low:high] ** 2, axis=1))
                np.testing.assert_allclose(found[:, i], expected, rtol=1e-9)


def test_reference_is_the_one_of_mne() -> None:
    recording = mixed("eeg")
    ours = preprocess(recording, [{"name": "reference", "channels": ["P3", "P4"], "keep": True}])
    theirs, _ = mne.set_eeg_reference(recording.raw.copy().pick("eeg"), ["P3", "P4"], verbose="error")
    np.testing.assert_allclose(ours.raw.get_data(picks=ours.picks), theirs.get_data(), atol=1e-20)
    dropped = preprocess(recording, [{"name": "reference", "channels": ["P3", "P4"]}])
    assert dropped.ch_names == [name for name in recording.ch_names if name not in ("P3", "P4")]


@pytest.mark.parametrize("modality", MODALITIES)
def test_bipolar_is_the_difference(modality: str) -> None:
    recording = mixed(modality)
    pairs = _step("bipolar", modality)["pairs"]
    out = preprocess(recording, [_step("bipolar", modality)])
    assert out.ch_names == ["-".join(pair) for pair in pairs]
    for name, (plus, minus) in zip(out.ch_names, pairs, strict=True):
        one, other = (recording.raw.get_data(picks=[channel])[0] for channel in (plus, minus))
        np.testing.assert_array_equal(out.raw.get_data(picks=[name])[0], one - other)


def test_rest_takes_what_all_channels_share_out() -> None:
    """A reference is a constant over channels: whichever was used, what comes out is the same."""
    recording = preprocess(mixed("eeg"), ["set_montage"])
    shifted = recording.raw.copy()
    wave = 1e-4 * np.sin(np.arange(shifted.n_times) / 9)
    shifted.apply_function(lambda x: x + wave, picks="eeg", channel_wise=False)
    one, two = (preprocess(r, ["rest_reference"]) for r in (recording, recording.with_raw(shifted)))
    np.testing.assert_allclose(one.raw.get_data(picks="eeg"), two.raw.get_data(picks="eeg"), atol=1e-9)
    with pytest.raises(BiotransferError, match=r"have no position.*set_montage"):
        preprocess(mixed("eeg"), ["rest_reference"])


# channels


def _named(names: list[str], subject: str = "s1", bads: tuple[str, ...] = (), seed: int = 0) -> Recording:
    data = np.random.default_rng(seed).standard_normal((len(names), 600)) * 1e-5
    recording = make_recording(data, 200.0, [(0.0, 3.0, "a")], subject=subject)
    recording.raw.rename_channels(dict(zip(recording.raw.ch_names, names, strict=True)))
    recording.raw.info["bads"] = list(bads)
    return recording


@pytest.mark.parametrize(
    ("given", "parameters", "expected"),
    [
        (["EEG Fp1-REF", "EEG FCZ-LE", "eeg c3-ref"], {"case": "10-20"}, ["Fp1", "FCz", "C3"]),
        (["Fc5.", "Cz..", "FPZ", "AF7"], {"case": "10-20"}, ["FC5", "Cz", "Fpz", "AF7"]),
        (
            ["POL T3", "T5"],
            {"prefixes": ["POL"], "names": {"T3": "T7", "T5": "P7", "T4": "T8"}},
            ["T7", "P7"],
        ),
        (["eeg1", "Eeg2"], {"case": "upper"}, ["EEG1", "EEG2"]),
        ([" a ", "b"], {}, ["a", "b"]),
    ],
)
def test_names_by_rule(given: list[str], parameters: dict[str, Any], expected: list[str]) -> None:
    recording = _named(given)
    out = preprocess(recording, [{"name": "rename_channels", **parameters}])
    assert out.ch_names == expected
    np.testing.assert_array_equal(out.raw.get_data(), recording.raw.get_data())
    again = preprocess(out, [{"name": "rename_channels", **parameters}])
    assert again.ch_names == expected


def test_two_channels_of_one_name_are_refused() -> None:
    with pytest.raises(BiotransferError, match=r"would have C3 twice.*from EEG C3, C3"):
        preprocess(_named(["EEG C3", "C3"]), ["rename_channels"])


def test_people_whose_channels_differ_agree() -> None:
    """Another order, another channel, one marked bad: what is left is the same for everybody."""
    from biotransfer import cut_windows

    people = [
        _named(["C3", "C4", "Cz", "Pz"], "one"),
        _named(["EEG Pz", "EEG Cz", "EEG C3", "EEG C4"], "two", bads=("EEG Cz",), seed=1),
        _named(["C4", "Oz", "C3", "Pz", "Cz"], "three", seed=2),
    ]
    out = preprocess(people, ["rename_channels", "pick_channels"])
    assert {tuple(r.ch_names) for r in out} == {("C3", "C4", "Pz")}
    np.testing.assert_array_equal(out[1].raw.get_data(picks=["C3"]), people[1].raw.get_data(picks=["EEG C3"]))
    part = [r.with_raw(r.raw, classes=("a",)) for r in out]
    assert cut_windows(part).names == ("C3", "C4", "Pz")
    with pytest.raises(BiotransferError, match="has none of the good channels"):
        preprocess([people[0], _named(["A", "B"], "other")], ["pick_channels"])


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"name": "pick_channels", "channels": ["C3", "C44"]}], "has no channel 'C44'. Did you mean 'C4'"),
        ([{"name": "pick_channels", "channels": []}], "names none"),
        ([{"name": "pick_channels", "channels": ["C3", "C3"]}], "C3 is named twice"),
        ([{"name": "pick_channels", "channels": ["Cz"]}], "Cz of .* is marked bad"),
        ([{"name": "drop_channels", "channels": ["C3", "C4"]}], "leaves no good channel"),
        ([{"name": "reference", "channels": []}], "names none"),
        ([{"name": "reference", "channels": ["A1"]}], "has no channel 'A1'"),
        ([{"name": "reference", "channels": ["C3", "C4"]}], "leaves no eeg channel"),
        ([{"name": "bipolar", "pairs": [["C3"]]}], "are no pairs"),
        ([{"name": "bipolar", "pairs": [["C3", "C3"]]}], "are no pairs"),
        ([{"name": "bipolar", "pairs": [["C3", "Cz"]]}], "has no channel 'Cz'"),
        ([{"name": "bipolar", "pairs": [["C3", "C4"], ["C3", "C4"]]}], "names a pair twice"),
        ([{"name": "rename_channels", "case": "Upper"}], "Did you mean 'upper'"),
        ([{"name": "set_montage", "montage": "10-02"}], "is unknown"),
        ([{"name": "detrend", "order": -1}], "order=-1"),
        ([{"name": "rms_envelope", "window": 0.001}], "is 0 samples at 200 Hz"),
        ([{"name": "normalize", "by": "day"}], "by='day' is unknown"),
        ([{"name": "normalize", "percentile": 0.0}], "percentile=0.0"),
        ([{"name": "normalize", "level": 0.0}], "level=0.0 is out of range"),
        ([{"name": "normalize", "mvc": "mvc"}], "mvc='mvc' marks no sample of 'sub-s1'"),
        ([{"name": "normalize", "scales": {"sub-s2": {}}}], "scales has no C3, C4 for 'sub-s1'"),
    ],
)
def test_values_that_make_no_sense_are_refused(steps: Any, message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        preprocess(_named(["C3", "C4", "Cz"], bads=("Cz",)), steps)


# one scale


@pytest.mark.parametrize("by", ["person", "session", "recording"])
def test_everyone_stands_on_one_scale(by: str) -> None:
    recordings = []
    for i, (subject, session) in enumerate([("p1", "1"), ("p1", "2"), ("p2", "1")]):
        data = np.random.default_rng(i).standard_normal((3, 4000)) * 10.0 ** -(3 + i) * [[1], [5], [0.2]]
        recordings.append(make_recording(data, types="emg", modality="emg", subject=subject, session=session))
    out = preprocess(recordings, [{"name": "normalize", "by": by, "percentile": 90.0}])
    groups: dict[str, list[int]] = {}
    for i, r in enumerate(recordings):
        unit = {"person": r.subject, "session": r.subject + r.session, "recording": str(i)}[by]
        groups.setdefault(unit, []).append(i)
    for members in groups.values():
        before = np.abs(np.concatenate([recordings[i].raw.get_data() for i in members], axis=1))
        for i in members:
            gain = 1e-3 / np.percentile(before, 90.0, axis=1)
            np.testing.assert_allclose(
                out[i].raw.get_data(), recordings[i].raw.get_data() * gain[:, None], rtol=1e-6
            )


def test_a_contraction_of_a_person_is_what_counts() -> None:
    rng = np.random.default_rng(0)
    rest, most = rng.standard_normal((2, 2, 800)) * 1e-5
    whole = np.concatenate([rest, most * 30], axis=1)
    notes = [(0.0, 8.0, "a"), (8.0, 8.0, "MVC")]
    recording = make_recording(whole, 100.0, notes, types="emg", modality="emg")
    out = preprocess(recording, [{"name": "normalize", "mvc": "MVC", "percentile": 100.0}])
    np.testing.assert_allclose(np.abs(out.raw.get_data()).max(axis=1), 1e-3, rtol=1e-6)
    assert "contractions marked 'MVC'" in describe_steps([{"name": "normalize", "mvc": "MVC"}])


def test_normalizing_a_person_ignores_all_others() -> None:
    people = [mixed("emg", seed, f"s{seed}") for seed in range(3)]
    alone, among = preprocess(people[:1], ["normalize"])[0], preprocess(people, ["normalize"])[0]
    assert snapshot(alone) == snapshot(among)


# on real recordings


def test_real_eeg_is_named_placed_and_referenced(real_data: Path) -> None:
    from biotransfer.signals.datasets import load_dataset

    people = load_dataset("mental-arithmetic", data_dir=real_data, subjects=["00", "01"])
    steps = [
        {"name": "rename_channels", "case": "10-20"}, "set_montage", "detrend", "average_reference",
        {"name": "pick_channels", "channels": ["F3", "F4", "Pz"]},
    ]  # fmt: skip
    for out in preprocess(people, steps):
        assert out.ch_names == ["F3", "F4", "Pz"]
        places = out.raw.get_montage().get_positions()["ch_pos"]
        assert places["F3"][0] < 0 < places["F4"][0]
        assert np.isfinite(out.raw.get_data()).all()


def test_real_emg_of_two_people_gets_one_scale(real_data: Path) -> None:
    from biotransfer.signals.datasets import load_dataset

    people = load_dataset("myodisco", data_dir=real_data, subjects=["S1", "S2"], classes=["flexion", "point"])
    out = preprocess(people, {"preset": "emg", "normalize": {"percentile": 99.0}, "rms_envelope": {}})
    assert len({r.subject for r in out}) == 2
    levels = [np.percentile(r.raw.get_data(picks=r.picks), 90) for r in out]
    raw_levels = [np.percentile(np.abs(r.raw.get_data(picks=r.picks)), 90) for r in people]
    assert np.ptp(np.log(levels)) < np.ptp(np.log(raw_levels)) + 0.5
    assert max(levels) < 1e-3
