"""The published feature set in compatible mode: the script's columns, order and defects."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...errors import check
from ..windows import Windows
from ..windows.columns import Column, by_channel, by_pair
from . import primitives as p

N_TIMES = 150
N_TOP = 10
MAINS = 50.0
_ORDER_BITS = 27
_LARGEST_CONDITION = 1e6
_REPEATED = ("q3", "q4", "d_q3q4")
_PAIRS = tuple(itertools.combinations(range(4), 2))
_PARTS = (
    "",
    "_d_h2h1",
    *(f"_q{q + 1}" for q in range(4)),
    *(f"_d_q{a + 1}q{b + 1}" for a, b in _PAIRS),
)


def bird2020(windows: Windows, *, lag: bool = True, scale: float = p.MICROVOLTS) -> Windows:
    """Describe windows as the published script does, defects included.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V, float64 for the script's precision. Windows of
        another size than 150 samples are resampled to it (FFT). The script's own windows are
        ``cut_windows(recording, length=1.0, step=0.5, by="timestamps", n_times=150, dtype="float64")``.
    lag : bool
        Put the features of the window before in front, as ``lag1_*``. A window without an overlapping one
        before it in the same file and stretch makes no row; a row starts where its lag window starts.
    scale : float, above 0
        Multiplies the signals; the script saw microvolt.

    Returns
    -------
    Windows
        Features, float64. With n(C) = 123 C + C (C + 1) for C channels, 2 n(C) - 9 C columns, or n(C)
        without lag: 988 and 512 for 4 channels, 2040 and 1056 for 8.

    Raises
    ------
    BiotransferError
        When the windows are no signals, have one channel only, or none overlaps another; when the lag leaves
        a class without rows.

    Notes
    -----
    Source: the script of doi:10.1109/IS.2018.8710576, used by doi:10.1109/ACCESS.2020.2979074. What it does
    wrong is kept: the lag block repeats the neighbouring row, frequencies are off by 75/74 (so that "50 Hz"
    removes 49 and 50 Hz), one minimum and maximum scale all channels, |log| loses signs.

    The script leaves the order of eigenvalues to ``numpy.linalg.eigvals``. In 0.6 % of eight-channel windows
    (none with four channels) that order changes when the input changes by its last bit or the processor by
    its instruction set. Here it is the order for the covariance rounded to 27 bits of its largest entry, so
    that it does not depend on the unit of the signal. 27 was chosen because with it the one such window of
    the published script's reference output comes out as published on every processor tried, so that window
    is no test of the order. The values are those of the unrounded covariance.

    The matrix logarithm is taken through eigenvectors, and by ``scipy.linalg.logm``, one window at a time,
    where the largest eigenvalue is more than 1e6 times the smallest.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_pair
    >>> from biotransfer.signals.windows import cut_windows
    >>> eeg, emg = simulate_pair(n_subjects=1, seed=0)
    >>> bird2020(cut_windows(eeg, dtype="float64")).shape
    (988,)
    """
    p.check_signals(windows, "bird2020", min_times=2)
    n, n_chans = windows.X.shape[:2]
    check(
        n_chans >= 2,
        f"features='bird2020' got {n_chans} channel. Expected 2 or more, it needs their covariance. "
        "Use features: time_domain or band_power.",
    )
    names = _names(n_chans)
    columns = dict(zip(names, _columns(windows.names), strict=True))
    if not lag:
        out = np.empty((n, len(names)))
        for chunk, X in p.chunks(windows, scale):
            out[chunk] = _describe(X)
        step = p.step_name("bird2020", **_changes(lag, scale))
        return windows.with_features(out, names, step, columns=columns)

    before = _window_before(windows)
    rows = np.flatnonzero(before >= 0)
    check(
        rows.size > 0,
        f"lag=True needs windows that overlap the one before; none of these {n} does. "
        "Write windows: {length: 1.0, step: 0.5}, or features: {name: bird2020, lag: false}. In Python: "
        "cut_windows(..., length=1.0, step=0.5).",
    )
    kept = windows.take(rows)
    _check_classes(windows, kept)
    lagged = np.array([not _is_repeated(name) for name in names])
    n_lagged = int(lagged.sum())
    row_of = np.full(n, -1)
    row_of[rows] = np.arange(len(rows))
    row_after = np.full(n, -1)
    row_after[before[rows]] = np.arange(len(rows))
    out = np.empty((len(rows), n_lagged + len(names)))
    for chunk, X in p.chunks(windows, scale):
        features = _describe(X)
        here, after = row_of[chunk], row_after[chunk]
        out[here[here >= 0], n_lagged:] = features[here >= 0]
        out[after[after >= 0], :n_lagged] = features[np.ix_(after >= 0, lagged)]
    starts = windows.metadata["start"].to_numpy()[before[rows]]
    return kept.with_features(
        out,
        [f"lag1_{name}" for name in itertools.compress(names, lagged)] + names,
        p.step_name("bird2020", **_changes(lag, scale)),
        columns={
            **{
                f"lag1_{name}": one._replace(stat=f"lag1_{one.stat}")
                for name, one in itertools.compress(columns.items(), lagged)
            },
            **columns,
        },
        metadata=kept.metadata.assign(start=starts),
    )


def _changes(lag: bool, scale: float) -> dict[str, object]:
    return ({} if lag else {"lag": False}) | ({} if scale == p.MICROVOLTS else {"scale": scale})


def _window_before(windows: Windows) -> np.ndarray:
    """Return for each window the row of the one before it, or -1.

    The one before is the last to start earlier in the same recording, file and label; it has to overlap, so
    that no row spans a gap or the border between two stretches.
    """
    table = windows.metadata
    groups = pd.MultiIndex.from_arrays([table["recording"], table["source_file"], windows.y]).factorize()[0]
    start, stop = table["start"].to_numpy(float), table["stop"].to_numpy(float)
    order = np.lexsort((start, groups))
    earlier, later = order[:-1], order[1:]
    follows = (groups[earlier] == groups[later]) & (start[earlier] < start[later])
    follows &= start[later] < stop[earlier] - 1e-9
    before = np.full(len(windows), -1)
    before[later[follows]] = earlier[follows]
    return before


def _check_classes(windows: Windows, kept: Windows) -> None:
    lost = sorted({windows.classes[i] for i in set(windows.y) - set(kept.y)})
    check(
        not lost,
        f"lag=True leaves no row of {', '.join(lost)}: none of its windows overlaps another. "
        "Leave it out with classes=[...], or use features: {name: bird2020, lag: false}.",
    )


def _is_repeated(name: str) -> bool:
    """Whether the lag block leaves a column out, for this window's own columns hold the same samples."""
    return any(name.rsplit("_", 1)[0] == f"{level}_{part}" for level in p.LEVELS for part in _REPEATED)


def _axis() -> tuple[np.ndarray, np.ndarray]:
    """Return the script's frequencies and the bins it keeps: without DC and what it takes for mains."""
    axis = np.linspace(0.0, N_TIMES / 2, N_TIMES // 2)
    bins = np.flatnonzero(np.abs(axis - MAINS) > 1)[1:]
    return axis[bins], bins


def _columns(ch_names: Sequence[str]) -> list[Column]:
    """Return what the columns are, in the script's order; their units are those of its numbers, not said."""
    pairs = list(zip(*np.triu_indices(len(ch_names)), strict=True))
    columns = by_channel([f"mean{part}" for part in _PARTS], ch_names, "")
    columns += by_channel(["std", "std_d_h2h1", "skew", "kurt"], ch_names, "")
    for level in ("max", "min"):
        columns += by_channel([f"{level}{part}" for part in _PARTS], ch_names, "")
    columns += by_pair("covM", pairs, ch_names, "")
    columns += [Column(f"eigenval_{i}", (), "") for i in range(len(ch_names))]
    columns += by_pair("logcovM", pairs, ch_names, "")
    tenths = [int(10 * np.round(f, 1)) for f in _axis()[0]]
    tops = [f"topFreq_{k + 1}" for k in range(N_TOP)]
    freqs = [f"freq_{tenth:03d}" for tenth in tenths]
    return columns + [Column(stat, (c,), "") for stats in (tops, freqs) for c in ch_names for stat in stats]


def _names(n_chans: int) -> list[str]:
    """Return the published names, in which channels go by number."""
    return [column.name for column in _columns([str(c) for c in range(n_chans)])]


def _describe(X: np.ndarray) -> np.ndarray:
    """Describe signals of shape (n_windows, n_chans, n_times); return (n_windows, 123 C + C (C + 1))."""
    n, n_chans, n_times = X.shape
    if n_times != N_TIMES:
        from scipy.signal import resample

        X = np.ascontiguousarray(resample(X, N_TIMES, axis=-1))
    out = np.empty((n, 123 * n_chans + n_chans * (n_chans + 1)))
    place = 0

    def put(values: np.ndarray) -> None:
        nonlocal place
        width = values[0].size
        out[:, place : place + width].reshape(values.shape)[...] = values
        place += width

    halves = p.cuts(N_TIMES)[0]
    mean = X.mean(axis=-1)
    D = X - mean[..., None]
    m2, m3, m4 = p.central_moments(D)
    first, second = (np.sqrt(p.variance(X[..., half])) for half in halves)
    put(_level(X, "mean"))
    put(np.sqrt(m2 * (N_TIMES / (N_TIMES - 1))))
    put(second - first)
    flat = m2 <= (np.finfo(float).eps * mean) ** 2
    m2 = np.where(flat, np.nan, m2)
    put(p.unbiased_skew(m2, m3, N_TIMES))
    put(p.unbiased_kurtosis(m2, m4, N_TIMES))
    for level in ("max", "min"):
        put(_level(X, level))
    C = p.covariance(D)
    pairs = np.triu_indices(n_chans)
    values, vectors = np.linalg.eigh(C)
    put(C[:, pairs[0], pairs[1]])
    put(_in_script_order(values, C))
    put(_abs_log(C, values, vectors)[:, pairs[0], pairs[1]])
    axis, magnitude = _spectrum(X, D)
    top = np.argsort(magnitude, axis=-1)[..., : -N_TOP - 1 : -1]
    put(axis[top])
    put(magnitude)
    return out


def _level(X: np.ndarray, name: str) -> np.ndarray:
    """Return a level of the window, its change between the halves, the quarters and their differences.

    The shape is (n_windows, 12, n_chans).
    """
    level = p.LEVELS[name]
    halves, quarters = p.cuts(X.shape[-1])
    first, second = (level(X[..., half], axis=-1) for half in halves)
    quarter = [level(X[..., part], axis=-1) for part in quarters]
    differences = [quarter[a] - quarter[b] for a, b in _PAIRS]
    return np.stack([level(X, axis=-1), second - first, *quarter, *differences], axis=1)


def _in_script_order(values: np.ndarray, C: np.ndarray) -> np.ndarray:
    """Put ascending eigenvalues of C in the order of ``numpy.linalg.eigvals``; see the notes of bird2020."""
    largest = np.abs(C).max(axis=(1, 2), keepdims=True)
    unit = np.exp2(np.floor(np.log2(np.where(largest > 0, largest, 1.0))) - _ORDER_BITS)
    rounded = np.rint(C / unit) * unit
    rank = np.argsort(np.argsort(np.linalg.eigvals(rounded).real, axis=-1), axis=-1)
    return np.take_along_axis(values, rank, axis=-1)


def _abs_log(C: np.ndarray, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return |log C| entry by entry."""
    sound = values[:, 0] * _LARGEST_CONDITION > values[:, -1]
    out = np.empty_like(C)
    out[sound] = np.abs(p.matrix_log(values[sound], vectors[sound]))
    if not sound.all():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i in np.flatnonzero(~sound):
                out[i] = np.abs(_log_of_singular(C[i]))
    return out


def _log_of_singular(C: np.ndarray) -> np.ndarray:
    """Return scipy's logarithm; NaN where it finds none, which for one matrix depends on the processor."""
    from scipy.linalg import logm

    try:
        return np.asarray(logm(C))
    except (ValueError, np.linalg.LinAlgError):
        return np.full_like(C, np.nan)


def _spectrum(X: np.ndarray, D: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the script's frequency axis and the magnitudes, shape (n_windows, n_chans, n_freqs).

    The script maps the window's minimum to -1 and its maximum to 1: a factor of 2 / (max - min) and an offset
    that only DC sees.
    """
    from scipy.fft import rfft

    axis, bins = _axis()
    spread = X.max(axis=(1, 2)) - X.min(axis=(1, 2))
    factor = 4 / N_TIMES / np.where(spread > 0, spread, np.nan)
    return axis, np.abs(rfft(D, axis=-1)[..., bins]) * factor[:, None, None]
