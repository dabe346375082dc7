"""The mains frequency is found where there is hum, and only there."""

from dataclasses import replace

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import load_dataset
from biotransfer.signals.mains import find_hum, find_line_freq
from biotransfer.signals.quality import inspect_recordings
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from tests.recordings import make_recording


@pytest.mark.parametrize("simulate", [simulate_eeg, simulate_emg])
@pytest.mark.parametrize("line", [None, 50.0, 60.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_line_is_found_where_there_is_one(simulate, line, seed):
    assert find_line_freq(simulate(n_subjects=3, mains=line, mains_uv=60.0, seed=seed)) == line


@pytest.mark.parametrize("line", [50.0, 60.0])
def test_multiples_tell_the_line_that_a_device_took_out(line):
    rng = np.random.default_rng(0)
    times = np.arange(30 * 1000) / 1000
    data = rng.normal(0, 1e-5, (4, len(times)))
    data += 1e-5 * np.sin(2 * np.pi * 3 * line * times)
    hum = find_hum([make_recording(data, 1000.0)])
    assert (hum.line, hum.freqs, hum.declared) == (line, (3 * line,), False)


def test_one_person_of_ten_is_enough_and_one_of_many_is_not():
    quiet = simulate_eeg(n_subjects=1, mains=None, seed=1)[0]
    loud = simulate_eeg(n_subjects=1, mains=60.0, mains_uv=60.0, seed=2)[0]
    people = [replace(quiet, subject=f"q{i}") for i in range(30)]
    assert find_line_freq([*people[:9], loud]) == 60.0
    assert find_line_freq([*people, loud]) is None


def test_what_is_declared_wins_and_hum_is_asked_for_there():
    loud = simulate_eeg(n_subjects=1, mains=60.0, mains_uv=60.0, seed=2)[0]
    raw = loud.raw.copy()
    raw.info["line_freq"] = 50.0
    hum = find_hum([loud.with_raw(raw)])
    assert (hum.line, hum.freqs, hum.declared) == (50.0, (), True)
    assert "50 Hz" in str(hum)
    assert find_hum([loud], line=60.0).freqs == (60.0,)


@pytest.mark.parametrize(("declared", "kinds"), [(50.0, {"line_differs"}), (60.0, set())])
def test_a_line_that_is_declared_and_not_there_is_noticed(declared, kinds):
    loud = simulate_eeg(n_subjects=2, mains=60.0, mains_uv=60.0, seed=2)
    for recording in loud:
        recording.raw.info["line_freq"] = declared
    assert {f.kind for f in inspect_recordings(loud)} - {"mains", "unfiltered"} == kinds


def test_short_noise_shows_no_line():
    rng = np.random.default_rng(3)
    for seconds in (0.5, 2.0, 5.0):
        signals = [make_recording(rng.normal(0, 1e-5, (32, int(256 * seconds))), 256.0, subject=f"s{i}")
                   for i in range(20)]  # fmt: skip
        assert find_line_freq(signals) is None
    with pytest.raises(BiotransferError, match="is empty"):
        find_line_freq([])


def test_the_line_of_real_recordings(real_data):
    def hum(name, **asked):
        return find_hum(load_dataset(name, data_dir=real_data, download=False, **asked))

    assert hum("muse-mental-state").freqs == (50.0, 100.0)
    assert hum("myodisco", subjects=["S1", "S2"]).line is None
    assert hum("one-subject-myo").line is None
    assert hum("mental-arithmetic").line == 50.0
