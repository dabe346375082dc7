"""The published feature script's algorithm, one window after another in plain Python: a slow oracle.

Written from the description of the script (doi:10.1109/IS.2018.8710576), not from its text. It counts time
and samples as the script does, calls the same library functions on one window at a time, and shares no code
with the package.
"""

import itertools
import re
import warnings

import numpy as np
import scipy.fft
import scipy.linalg
import scipy.signal
import scipy.stats

N_SAMPLES = 150
HALVES = (0, 75, 150)
QUARTERS = (0, 37, 75, 112, 150)
QUARTER_PAIRS = tuple(itertools.combinations(range(4), 2))
REPEATED = re.compile(r"(mean|max|min)_(q3|q4|d_q3q4)_\d+")


def slices(times, period=1.0, hop=0.5):
    """Yield (first, end) of every window of a recording with the time stamps ``times``."""
    offset = 0.0
    while True:
        begin = times[0] + offset
        first = max(i for i in np.flatnonzero(times <= begin))
        end = max(i for i in np.flatnonzero(times <= begin + period))
        if times[end] - times[first] < 0.9 * period:
            return
        yield first, end
        offset += hop


def resampled(times, signals, first, end):
    """Return one window at 150 samples; ``signals`` has shape (n_samples, n_channels)."""
    return scipy.signal.resample(signals[first:end], num=N_SAMPLES, t=times[first:end], axis=0)[0]


def _parts(window, borders):
    return [window[a:b] for a, b in itertools.pairwise(borders)]


def _level(window, statistic, name):
    """A statistic of the window, the change between its halves, its quarters and their differences."""
    out = {f"{name}_{c}": value for c, value in enumerate(statistic(window, axis=0))}
    early, late = (statistic(half, axis=0) for half in _parts(window, HALVES))
    out.update({f"{name}_d_h2h1_{c}": value for c, value in enumerate(late - early)})
    quarters = [statistic(quarter, axis=0) for quarter in _parts(window, QUARTERS)]
    for q, values in enumerate(quarters):
        out.update({f"{name}_q{q + 1}_{c}": value for c, value in enumerate(values)})
    for a, b in QUARTER_PAIRS:
        differences = quarters[a] - quarters[b]
        out.update({f"{name}_d_q{a + 1}q{b + 1}_{c}": value for c, value in enumerate(differences)})
    return out


def _spread(window):
    def deviation(part):
        return np.std(part, axis=0, ddof=1)

    early, late = (deviation(half) for half in _parts(window, HALVES))
    out = {f"std_{c}": value for c, value in enumerate(deviation(window))}
    out.update({f"std_d_h2h1_{c}": value for c, value in enumerate(late - early)})
    return out


def _shape(window):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        skew = scipy.stats.skew(window, axis=0, bias=False)
        kurtosis = scipy.stats.kurtosis(window, axis=0, bias=False)
    out = {f"skew_{c}": value for c, value in enumerate(skew)}
    out.update({f"kurt_{c}": value for c, value in enumerate(kurtosis)})
    return out


def _covariance(window):
    covariance = np.cov(window.T)
    pairs = list(itertools.combinations_with_replacement(range(window.shape[1]), 2))
    out = {f"covM_{i}_{j}": covariance[i, j] for i, j in pairs}
    out.update({f"eigenval_{i}": value for i, value in enumerate(np.linalg.eigvals(covariance))})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logarithm = scipy.linalg.logm(covariance)
    out.update({f"logcovM_{i}_{j}": abs(logarithm[i, j]) for i, j in pairs})
    return out


def _spectrum(window):
    lowest, highest = window.min(), window.max()
    scaled = 2 * (window - lowest) / (highest - lowest) - 1
    n = len(window)
    magnitude = (np.abs(scipy.fft.fft(scaled, axis=0))[: n // 2] * 2 / n)[1:]
    axis = np.linspace(0.0, n / 2, n // 2)[1:]
    away = np.abs(axis - 50.0) > 1
    magnitude, axis = magnitude[away], axis[away]
    order = np.argsort(magnitude, axis=0)[::-1][:10]
    out = {}
    for c in range(window.shape[1]):
        out.update({f"topFreq_{k + 1}_{c}": axis[i] for k, i in enumerate(order[:, c])})
    for c in range(window.shape[1]):
        labels = [f"{int(10 * round(f, 1)):03d}" for f in axis]
        out.update({f"freq_{text}_{c}": value for text, value in zip(labels, magnitude[:, c], strict=True)})
    return out


def describe(window):
    """Return every feature of one window, shape (150, n_channels), in the unit the script sees, by name."""
    return {
        **_level(window, np.mean, "mean"),
        **_spread(window),
        **_shape(window),
        **_level(window, np.max, "max"),
        **_level(window, np.min, "min"),
        **_covariance(window),
        **_spectrum(window),
    }


def bird2020(times, signals):
    """Return rows (ndarray, one per window but the first) and column names of one recording."""
    rows, names, before = [], [], None
    for first, end in slices(times):
        now = describe(resampled(times, signals, first, end))
        if before is not None:
            lagged = {f"lag1_{name}": value for name, value in before.items() if not REPEATED.fullmatch(name)}
            row = {**lagged, **now}
            names = list(row)
            rows.append(list(row.values()))
        before = now
    return np.array(rows), names
