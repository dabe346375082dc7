"""Planted defects are found, each by its own name; clean signals stay clean."""

from dataclasses import replace

import mne
import numpy as np
import pytest
from scipy.signal import welch

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import from_raws, load_dataset
from biotransfer.signals.datasets.common import Piece, join_pieces
from biotransfer.signals.quality import group_findings, inspect_recording, inspect_recordings
from biotransfer.signals.recording import EDGE
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from biotransfer.signals.spectra import power_spectrum

SFREQ = 256.0
SECONDS = 30


def noise(n_chans=3, seed=0, seconds=SECONDS, uv=20.0):
    return np.random.default_rng(seed).normal(0, uv * 1e-6, (n_chans, int(seconds * SFREQ)))


def recording_of(data, subject="P", edges=(), label=True):
    names = [f"E{i}" for i in range(len(data))]
    raw = mne.io.RawArray(data, mne.create_info(names, SFREQ, "eeg"), verbose="error")
    length = data.shape[1] / SFREQ
    onset, duration, text = [0.0], [length], ["rest"]
    raw.set_annotations(
        mne.Annotations(
            (onset if label else []) + list(edges),
            (duration if label else []) + [0.0] * len(edges),
            (text if label else []) + [EDGE] * len(edges),
        )
    )
    return from_raws({subject: raw}, modality="eeg", classes=["rest"])[0]


def found(recording):
    return [(f.kind, f.channel) for f in inspect_recording(recording)]


@pytest.mark.parametrize("seed", range(5))
def test_clean_signals_have_no_findings(seed):
    assert (
        inspect_recordings([recording_of(noise(seed=seed)), recording_of(noise(seed=seed + 99), "Q")]) == []
    )


@pytest.mark.parametrize("simulate", [simulate_eeg, simulate_emg])
def test_clean_simulated_signals_have_no_findings_and_hum_is_found(simulate):
    assert inspect_recordings(simulate(n_subjects=2, mains=None, seed=1)) == []
    loud = inspect_recordings(simulate(n_subjects=1, mains=50.0, mains_uv=100.0, seed=1))
    assert {f.kind for f in loud} == {"mains", "unfiltered"}


@pytest.mark.parametrize(("simulate", "said"), [(simulate_eeg, "emg"), (simulate_emg, "eeg")])
def test_sides_that_are_exchanged_are_asked_about(simulate, said):
    """By their channels' names where these say it, and where a file says what its channels are."""
    recording = simulate(n_subjects=1, mains=None, seed=1)[0]
    of = recording.modality
    with pytest.raises(
        BiotransferError, match=f"holds {of} channels: are the paths of emg and eeg exchanged"
    ):
        replace(recording, modality=said)
    raw = recording.raw.copy()
    raw.rename_channels({name: f"{of.upper()}{i}" for i, name in enumerate(recording.ch_names)})
    raw.set_channel_types(dict.fromkeys(raw.ch_names, said))
    exchanged = replace(recording, raw=raw, modality=said)
    (finding,) = [f for f in inspect_recordings([exchanged]) if f.kind == "named_otherwise"]
    assert "exchanged?" in finding.message


def test_a_quiet_coarsely_counted_channel_is_not_clipped():
    counts = np.round(np.random.default_rng(0).normal(0, 2, (2, int(SECONDS * SFREQ))))
    assert found(recording_of(counts * 1e-6)) == []


@pytest.mark.parametrize("limit", [1.5, 2.5])
def test_clipping_is_found_in_its_channel_with_its_share(limit):
    data = noise()
    data[1] = np.clip(data[1], -limit * 20e-6, limit * 20e-6)
    (finding,) = inspect_recording(recording_of(data))
    assert (finding.kind, finding.channel, finding.severity) == ("clipped", "E1", "warning")
    assert finding.value == (np.abs(data[1]) == limit * 20e-6).mean()


def test_one_sided_clipping_counts_that_side_only():
    data = noise()
    data[0] = np.minimum(data[0], 30e-6)
    (finding,) = inspect_recording(recording_of(data))
    assert finding.value == (data[0] == 30e-6).mean()


def test_flat_channels_and_flat_stretches():
    data = noise()
    data[0] = 0.0
    data[2, 1000 : 1000 + 512] = data[2, 1000]
    whole, stretch = inspect_recording(recording_of(data))
    assert (whole.kind, whole.channel, whole.severity, whole.value) == ("flat", "E0", "error", 1.0)
    assert (stretch.kind, stretch.channel, stretch.severity) == ("flat", "E2", "warning")
    assert stretch.value == pytest.approx(512 / data.shape[1], abs=2e-4)


@pytest.mark.parametrize("line", [50.0, 60.0])
def test_hum_is_found_with_its_share_of_the_power(line):
    data = noise()
    times = np.arange(data.shape[1]) / SFREQ
    data[1] += 20e-6 * np.sin(2 * np.pi * line * times)
    (finding,) = inspect_recording(recording_of(data))
    assert (finding.kind, finding.channel) == ("mains", "E1")
    assert f"{line:g} Hz" in finding.message
    assert finding.value == pytest.approx(200 / (200 + 400), abs=0.03)


def test_a_broad_rise_around_the_line_is_no_hum():
    data = mne.filter.filter_data(noise(uv=100.0), SFREQ, 44, 56, verbose="error") + noise(seed=9, uv=2.0)
    assert found(recording_of(data)) == []


def test_the_spectrum_is_welchs_and_never_crosses_a_boundary():
    data = noise(seconds=9)
    freqs, power = power_spectrum(recording_of(data), data)
    expected_freqs, expected = welch(
        data, SFREQ, window="hann", nperseg=256, noverlap=128, detrend="constant"
    )
    np.testing.assert_allclose(freqs, expected_freqs)
    np.testing.assert_allclose(power, expected, rtol=1e-12)
    steps = data + np.repeat([[0.0, 5e-3, -5e-3]], 768, axis=1)
    _, bounded = power_spectrum(recording_of(steps, edges=(3.0, 6.0)), steps)
    parts = [welch(steps[:, i : i + 768], SFREQ, nperseg=256)[1] for i in (0, 768, 1536)]
    np.testing.assert_allclose(bounded, np.mean(parts, axis=0), rtol=1e-12)
    assert power_spectrum(recording_of(data[:, :200]), data[:, :200]) is None


def test_short_and_unlabelled_recordings():
    (short,) = inspect_recording(recording_of(noise(seconds=4)))
    assert (short.kind, short.value) == ("short", 4.0)
    (bare,) = inspect_recording(recording_of(noise(), label=False))
    assert (bare.kind, bare.severity) == ("unlabelled", "error")


def test_copies_are_found_by_content():
    data = noise()
    near = data.copy()
    near[:, 100:110] += 1e-6
    cut = data[:, :4000]
    recordings = [recording_of(data, "A"), recording_of(near, "B"), recording_of(cut, "C"),
                  recording_of(noise(seed=5), "D"), recording_of(data[:2], "E")]  # fmt: skip
    findings = [f for f in inspect_recordings(recordings) if f.kind != "channels_differ"]
    pairs = [(f.recording.split("-")[1][0], f.message.split("sub-")[1][0]) for f in findings]
    assert {f.kind for f in findings} == {"near_copy"}
    assert pairs == [("B", "A"), ("C", "A"), ("C", "B")]
    assert findings[0].value == 1 - 10 / data.shape[1]


def test_findings_as_text():
    data = noise()
    data[0] = 0.0
    findings = inspect_recording(recording_of(data))
    assert [finding.channel for finding in findings] == ["E0"]
    assert str(findings[0]).startswith("error: flat: own/sub-P/ses-1/run-1: E0 stands still in 100.0%")
    with pytest.raises(BiotransferError, match="is empty"):
        inspect_recordings([])


def _two(a, b, **labels):
    """Two people, each class in a recording of its own."""
    names = [f"E{i}" for i in range(len(a))]
    out = {}
    for who, data, label in (("A", a, "rest"), ("B", b, labels.get("second", "rest"))):
        raw = mne.io.RawArray(data, mne.create_info(names, SFREQ, "eeg"), verbose="error")
        raw.set_annotations(mne.Annotations([0.0], [data.shape[1] / SFREQ], [label]))
        out[who] = raw
    return from_raws(out, modality="eeg", classes=["rest", "task"])


def test_a_copy_is_found_wherever_it_begins():
    data, own = noise(), noise(seed=5)
    own[:, 2000:6000] = data[:, 1000:5000]
    (finding,) = inspect_recordings(_two(data, own))
    assert (finding.kind, finding.recording) == ("shared", "own/sub-B/ses-1/run-1")
    assert "15.6 s" in finding.message
    late = noise(seed=6)
    late[:, 700:] = data[:, :-700]
    (finding,) = inspect_recordings(_two(data, late))
    assert finding.kind == "near_copy"


def test_what_stands_still_in_both_is_no_copy():
    data, other = noise(), noise(seed=5)
    data[:, 1000:5000] = other[:, 1000:5000] = 0.0
    assert {f.kind for f in inspect_recordings(_two(data, other))} == {"dead"}


def test_loud_channels_jumps_and_dead_recordings():
    data = noise(n_chans=6)
    data[4] *= 30
    assert found(recording_of(data)) == [("noisy", "E4")]
    data = noise()
    data[1, 3000:] += 2e-3
    (finding,) = inspect_recording(recording_of(data))
    assert (finding.kind, finding.channel) == ("jump", "E1")
    assert f"{3000 / SFREQ:.2f} s" in finding.message
    assert found(recording_of(data, edges=(3000 / SFREQ,))) == []
    (finding,) = inspect_recording(recording_of(np.zeros((3, 5000))))
    assert (finding.kind, finding.channel, finding.severity) == ("dead", "", "error")


def test_filters_of_before_are_noticed():
    data = noise(n_chans=4)
    low = mne.filter.filter_data(data, SFREQ, None, 40, verbose="error")
    (finding,) = inspect_recording(recording_of(low))
    assert finding.kind == "filtered"
    assert 38 <= finding.value <= 60
    notched = mne.filter.notch_filter(data, SFREQ, 60, notch_widths=4, verbose="error")
    (finding,) = inspect_recording(recording_of(notched))
    assert (finding.kind, finding.value) == ("filtered", 60.0)


def test_labels_that_follow_a_clock_are_noticed():
    data = noise()
    raw = mne.io.RawArray(data, mne.create_info(3, SFREQ, "eeg"), verbose="error")
    times = np.arange(0, 30, 5.0)
    for lengths, kinds in ((np.full(6, 5.0), ["clock"]), (np.full(6, 4.0), [])):
        raw.set_annotations(mne.Annotations(times, lengths, ["rest", "task"] * 3))
        (recording,) = from_raws({"A": raw}, modality="eeg", classes=["rest", "task"])
        assert [f.kind for f in inspect_recording(recording)] == kinds
    by_file = [Piece(part, label, "1", f"{i}.csv") for i, (part, label) in enumerate(
        zip(np.array_split(data, 6, axis=1), ["rest", "task"] * 3, strict=True))]  # fmt: skip
    joined = join_pieces(by_file, raw.ch_names, SFREQ, "eeg")
    (recording,) = from_raws({"A": joined}, modality="eeg", classes=["rest", "task"])
    assert inspect_recording(recording) == []


def test_classes_apart_and_hum_that_tells_them():
    times = np.arange(int(SECONDS * SFREQ)) / SFREQ
    recordings = []
    for i in range(8):
        quiet, loud = noise(seed=2 * i), noise(seed=2 * i + 1)
        loud[1] += 1e-5 * np.sin(2 * np.pi * 50 * times)
        recordings += _two(quiet, loud, second="task")
        recordings[-2:] = [replace(r, subject=f"S{i}", run=f"{k}") for k, r in enumerate(recordings[-2:])]
    kinds = {f.kind: f for f in inspect_recordings(recordings)}
    assert set(kinds) == {"confounded", "hum_by_class", "mains", "unfiltered"}
    assert kinds["hum_by_class"].channel == "E1"
    assert kinds["hum_by_class"].value == 1.0


def test_groups_hold_every_finding_once_and_say_how_many():
    data = noise(n_chans=6)
    data[1], data[2] = 0.0, 0.0
    data[4] *= 30
    findings = inspect_recordings([recording_of(data, "A"), recording_of(noise(n_chans=6, seed=3), "B")])
    groups = group_findings(findings)
    assert sorted((f for g in groups for f in g.findings), key=str) == sorted(findings, key=str)
    assert [(g.kind, len(g.findings)) for g in groups] == [("flat", 2), ("noisy", 1)]
    assert str(groups[0]).startswith("error: flat: 2 channels of 1 recording: a channel stands still")
    assert [g.kind for g in groups] == [g.kind for g in group_findings(findings[::-1])]


def test_what_is_wrong_with_the_muse_recordings(real_data):
    recordings = load_dataset("muse-mental-state", data_dir=real_data, download=False)
    findings = inspect_recordings(recordings)
    assert {f.kind for f in findings} == {
        "noticed", "gap", "rounded_time", "clipped", "noisy", "mains", "hum_by_class", "unfiltered",
        "confounded", "short", "unused_file",
    }  # fmt: skip

    def where(kind, channel=None):
        return {f.recording.split("sub-")[1] for f in findings
                if f.kind == kind and channel in (None, f.channel)}  # fmt: skip

    assert where("gap") == {"b/ses-1/run-relaxed-2"}
    assert where("short") == {"c/ses-1/run-neutral-2", "d/ses-1/run-concentrating-2"}
    assert len(where("clipped", "AF8")) == 7
    assert where("clipped", "TP9") == set()
    copies = [f for f in findings if f.kind == "noticed" and "name-concentrating-1.csv" in f.message]
    assert [f.recording for f in copies] == ["muse-mental-state/sub-a/ses-1/run-concentrating-1"]
    hum = {f.recording: f.value for f in findings if f.kind == "mains" and f.channel == "AF8"}
    shares = {r.run: [] for r in recordings}
    for r in recordings:
        if r.subject in "ab":
            shares[r.run].append(hum.get(r.uid, 0.0))
    assert min(shares["concentrating-1"] + shares["concentrating-2"]) > 0.4
    assert {v for run, values in shares.items() if "concentrating" not in run for v in values} == {0.0}


def test_the_other_sets_stand_still_nowhere(real_data):
    for name, people in (("mental-arithmetic", ["00", "10"]), ("myodisco", ["S4"])):
        recordings = load_dataset(name, data_dir=real_data, download=False, subjects=people)
        kinds = {f.kind for f in inspect_recordings(recordings)}
        assert not kinds & {"dead", "flat", "jump", "mains", "near_copy", "shared"}
