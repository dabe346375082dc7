"""Windows that are views of their recordings are the windows that are copied."""

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.features import extract_features
from biotransfer.signals.simulate import simulate_pair
from biotransfer.signals.splits import make_splits
from biotransfer.signals.windows import concatenate, cut_windows
from biotransfer.signals.windows.view import SignalView

EEG, EMG = simulate_pair(n_subjects=2, seed=1)
CUTS = [(EEG, 1.0, 0.2, "float32"), (EMG, 0.25, 0.25, "float64"), (EEG, 2.0, 0.5, "float32")]


@pytest.mark.parametrize(("recordings", "length", "step", "dtype"), CUTS)
def test_rows_read_out_of_a_view_are_the_copied_ones(recordings, length, step, dtype):
    copied = cut_windows(recordings, length=length, step=step, dtype=dtype)
    seen = cut_windows(recordings, length=length, step=step, dtype=dtype, copy=False)
    assert isinstance(seen.X, SignalView)
    assert (seen.X.shape, seen.X.dtype) == (copied.X.shape, copied.X.dtype)
    assert seen.digest() == copied.digest()
    rng = np.random.default_rng(0)
    n = len(copied)
    for rows in (0, -1, slice(3, 9), rng.integers(0, n, 20), rng.random(n) > 0.5, np.array([], int)):
        assert np.array_equal(seen.X[rows], copied.X[rows])
    assert np.array_equal(seen.X[:, 1], copied.X[:, 1])
    assert np.array_equal(seen.X[5, 1, 2:4], copied.X[5, 1, 2:4])
    assert np.array_equal(np.asarray(seen.X), copied.X)
    assert seen.metadata.equals(copied.metadata)
    assert np.array_equal(seen.take(np.arange(4)).X, copied.take(np.arange(4)).X)
    assert np.array_equal(extract_features(seen, "band_power").X, extract_features(copied, "band_power").X)
    assert [s.uid for s in make_splits(seen, "subject")] == [s.uid for s in make_splits(copied, "subject")]


def test_a_view_holds_no_more_than_the_signal_and_what_is_read_is_a_copy():
    seen = cut_windows(EEG, length=1.0, step=0.1, copy=False)
    signal = sum(r.raw.n_times for r in EEG) * len(EEG[0].picks) * 4
    assert seen.X.nbytes < 1.2 * signal
    before = seen.X[0].copy()
    seen.X[0][:] = 1.0
    rows = seen.X[[0, 1]]
    rows[:] = 2.0
    assert np.array_equal(seen.X[0], before)


def test_views_of_other_recordings_are_joined_by_copying():
    parts = [cut_windows(recording, copy=False) for recording in EEG[:2]]
    assert np.array_equal(concatenate(parts).X, cut_windows(EEG[:2]).X)


def test_resampled_windows_are_no_views():
    with pytest.raises(BiotransferError, match="copy=True"):
        cut_windows(EEG, n_times=64, copy=False)
