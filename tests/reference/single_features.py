"""Single features, one window and one channel at a time, by other packages or by the published formulas.

Every function takes ``x``, a channel in uV, and its sampling rate, and returns its columns in order.
``PAIRS`` take all channels of a window. Nothing here imports the package that is tested.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import antropy
import numpy as np
import pywt
import scipy.linalg
import scipy.signal
import scipy.stats

EEG_BANDS = {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)}


def periodogram(x: np.ndarray, sfreq: float) -> tuple[np.ndarray, np.ndarray]:
    return scipy.signal.periodogram(x, sfreq, window="boxcar", detrend="constant")


def hann(x: np.ndarray, sfreq: float) -> tuple[np.ndarray, np.ndarray]:
    return scipy.signal.periodogram(x, sfreq, window="hann", detrend="constant")


def _c(x: np.ndarray) -> np.ndarray:
    return x - np.mean(x)


def _msr(x: np.ndarray, _: float) -> list[float]:
    return [abs(np.mean(np.sqrt(_c(x).astype(complex))))]


def _ls(x: np.ndarray, _: float) -> list[float]:
    """Half of Gini's mean difference: the definition of the second L-moment over all pairs."""
    n = len(x)
    return [np.abs(x[:, None] - x[None, :]).sum() / (2 * n * (n - 1))]


def _zc(x: np.ndarray, _: float) -> list[float]:
    return [float(np.sum(np.abs(np.diff(np.sign(_c(x)))) == 2))]


def _ssc(x: np.ndarray, _: float) -> list[float]:
    return [float(sum((b - a) * (b - c) > 0 for a, b, c in zip(x[:-2], x[1:-1], x[2:], strict=True)))]


def _tdpsd(x: np.ndarray, _: float) -> list[float]:
    def describe(w: np.ndarray) -> np.ndarray:
        n = len(w)
        d1, d2 = np.diff(w), np.diff(np.diff(w))
        m0 = (np.sqrt(np.sum(w**2)) / (n - 1)) ** 0.1 / 0.1
        m2 = np.sqrt(np.sum(d1**2) / (n - 1)) ** 0.1 / 0.1
        m4 = np.sqrt(np.sum(d2**2) / (n - 1)) ** 0.1 / 0.1
        values = [
            m0,
            m0 - m2,
            m0 - m4,
            np.sqrt(abs((m0 - m2) * (m0 - m4))) / m0,
            m2 / np.sqrt(m0 * m4),
            np.sqrt(np.sum(np.abs(d1)) / np.sum(np.abs(d2))),
        ]
        return np.log(np.abs(values))

    a, b = describe(_c(x)), describe(np.log(_c(x) ** 2 + np.spacing(1)))
    return list(-2 * a * b / (a**2 + b**2))


def autoregression(x: np.ndarray, order: int = 4) -> np.ndarray:
    x = _c(x)
    lags = np.correlate(x, x, "full")[len(x) - 1 : len(x) + order] / len(x)
    return scipy.linalg.solve_toeplitz(lags[:-1], lags[1:])


def _cepstrum(x: np.ndarray, _: float) -> list[float]:
    """Inverse transform of the logarithm of the model's transfer function, of minimum phase."""
    n = 1 << 14
    spectrum = np.fft.fft(np.concatenate([[1.0], -autoregression(x)]), n)
    real = np.fft.ifft(-np.log(np.abs(spectrum))).real
    return list(2 * real[1:5])


def _upto(x: np.ndarray, sfreq: float, share: float) -> float:
    freqs, power = periodogram(x, sfreq)
    total = 0.0
    for freq, value in zip(freqs, power, strict=True):
        total += value
        if total >= share * power.sum():
            return float(freq)
    raise AssertionError


def _sm(x: np.ndarray, sfreq: float) -> list[float]:
    freqs, power = periodogram(x, sfreq)
    return [float(np.sum(freqs**k * power) * freqs[1]) for k in (1, 2, 3)]


def _mnf(x: np.ndarray, sfreq: float) -> list[float]:
    freqs, power = periodogram(x, sfreq)
    return [float(np.average(freqs, weights=power))]


def _vcf(x: np.ndarray, sfreq: float) -> list[float]:
    freqs, power = periodogram(x, sfreq)
    middle = np.average(freqs, weights=power)
    return [float(np.average((freqs - middle) ** 2, weights=power))]


def _pkf(x: np.ndarray, sfreq: float) -> list[float]:
    freqs, power = periodogram(x, sfreq)
    return [float(freqs[np.argmax(power)])]


def _fr(x: np.ndarray, sfreq: float) -> list[float]:
    freqs, power = periodogram(x, sfreq)
    low, high = ((freqs >= a) & (freqs < b) for a, b in ((10, 45), (45, sfreq / 2)))
    return [float(np.log10(power[low].mean() / power[high].mean()))]


def _psr(x: np.ndarray, sfreq: float) -> list[float]:
    freqs, power = periodogram(x, sfreq)
    near = np.abs(freqs - freqs[np.argmax(power)]) < 10.001
    return [float(power[near].sum() / power.sum())]


def _dftr(x: np.ndarray, sfreq: float) -> list[float]:
    amplitude = np.abs(np.fft.fft(_c(x)) / len(x))
    freqs = np.fft.fftfreq(len(x), 1 / sfreq)
    edges = [20, 92, 163, 235, 305, 378, 450]
    return [
        float(amplitude[(freqs > a) & (freqs < b)].mean() ** (2 / 3))
        for a, b in itertools.pairwise(edges)
        if b < sfreq / 2
    ]


def wavelet_energies(x: np.ndarray, wavelet: str) -> list[np.ndarray]:
    level = pywt.dwt_max_level(len(x), wavelet)
    return [c**2 for c in pywt.wavedec(_c(x), wavelet, mode="symmetric", level=level)]


def _wrel(x: np.ndarray, _: float) -> list[float]:
    sums = np.array([e.sum() for e in wavelet_energies(x, "db4")])
    return list(sums / sums.sum())


def _fuzzy(x: np.ndarray, _: float) -> list[float]:
    """Chen et al. 2007, every pair of patterns written out."""
    x = (x - x.mean()) / x.std()
    phi = []
    for size in (2, 3):
        patterns = np.array([x[i : i + size] - x[i : i + size].mean() for i in range(len(x) - 2)])
        apart = np.abs(patterns[:, None] - patterns[None]).max(axis=2)
        alike = np.exp(-(apart**2) / 0.2)
        phi.append((alike.sum() - len(patterns)) / (len(patterns) * (len(patterns) - 1)))
    return [math.log(phi[0]) - math.log(phi[1])]


def _bands(x: np.ndarray, sfreq: float) -> list[float]:
    freqs, density = hann(x, sfreq)
    return [density[(freqs >= a) & (freqs < b)].mean() for a, b in EEG_BANDS.values()]


def _relative(x: np.ndarray, sfreq: float) -> list[float]:
    freqs, density = hann(x, sfreq)
    powers = np.array([density[(freqs >= a) & (freqs < b)].sum() for a, b in EEG_BANDS.values()])
    return list(powers / powers.sum())


def _ratios(x: np.ndarray, sfreq: float) -> list[float]:
    power = dict(zip(EEG_BANDS, _bands(x, sfreq), strict=True))
    pairs = (("theta", "beta"), ("theta", "alpha"), ("alpha", "beta"))
    return [math.log10(power[a] / power[b]) for a, b in pairs]


def _de(x: np.ndarray, sfreq: float) -> list[float]:
    """Entropy of a Gaussian as scipy has it."""
    freqs, density = hann(x, sfreq)
    powers = [density[(freqs >= a) & (freqs < b)].sum() * freqs[1] for a, b in EEG_BANDS.values()]
    return [float(scipy.stats.norm(scale=math.sqrt(power)).entropy()) for power in powers]


def _aperiodic(x: np.ndarray, sfreq: float) -> list[float]:
    freqs, density = hann(x, sfreq)
    inside = (freqs >= 2) & (freqs <= 40)
    line = scipy.stats.linregress(np.log10(freqs[inside]), np.log10(density[inside]))
    return [-line.slope, line.intercept]


CHANNEL: dict[str, Callable[[np.ndarray, float], Sequence[float]]] = {
    "MAV": lambda x, _: [np.mean(np.abs(_c(x)))],
    "ZC": _zc,
    "SSC": _ssc,
    "WL": lambda x, _: [np.sum(np.abs(np.diff(x)))],
    "MAVSLP": lambda x, _: [
        np.mean(np.abs(_c(x)[len(x) // 2 : 2 * (len(x) // 2)])) - np.mean(np.abs(_c(x)[: len(x) // 2]))
    ],
    "MEAN": lambda x, _: [np.mean(x)],
    "IAV": lambda x, _: [np.sum(np.abs(_c(x)))],
    "RMS": lambda x, _: [np.sqrt(np.mean(_c(x) ** 2))],
    "VAR": lambda x, _: [np.var(x)],
    "TM": lambda x, _: [np.mean(np.abs(_c(x) ** order)) for order in (3, 4, 5)],
    "LD": lambda x, _: [np.exp(np.mean(np.log(np.abs(_c(x)) + 1)))],
    "MAVFD": lambda x, _: [np.mean(np.abs(np.diff(x)))],
    "DASDV": lambda x, _: [np.sqrt(np.mean(np.diff(x) ** 2))],
    "WAMP": lambda x, _: [np.sum(np.abs(np.diff(x)) > 10.0)],
    "MFL": lambda x, _: [np.log10(np.sqrt(np.sum(np.diff(x) ** 2)))],
    "LS": _ls,
    "MSR": _msr,
    "MPK": lambda x, _: [np.max(_c(x))],
    "MZP": lambda x, _: [np.sqrt(np.sum(np.diff(x) ** 2) / len(x))],
    "PAP": lambda x, _: [
        np.linalg.norm(_c(x)) / (np.linalg.norm(np.diff(x, 2)) / np.linalg.norm(np.diff(x)))
    ],
    "ISD": lambda x, _: [np.sum(_c(x) ** 2)],
    "COR": lambda x, _: [np.sum(np.diff(x) ** 2) / (np.sum(np.diff(x, 2) ** 2) * np.sum(_c(x) ** 2))],
    "MDIFF": lambda x, _: [np.sum(np.diff(x) ** 2) / len(x)],
    "MLK": lambda x, _: [np.log(np.sum(np.abs(_c(x)))) / len(x)],
    "SKEW": lambda x, _: [scipy.stats.skew(x)],
    "KURT": lambda x, _: [scipy.stats.kurtosis(x, fisher=False)],
    "ACT": lambda x, _: [np.var(x)],
    "MOB": lambda x, _: [antropy.hjorth_params(x)[0]],
    "COMP": lambda x, _: [antropy.hjorth_params(x)[1]],
    "TDPSD": _tdpsd,
    "AR": lambda x, _: autoregression(x),
    "CC": _cepstrum,
    "TTP": lambda x, _: [np.var(x)],
    "MNP": lambda x, sfreq: [periodogram(x, sfreq)[1].mean()],
    "PKF": _pkf,
    "MNF": _mnf,
    "MDF": lambda x, sfreq: [_upto(x, sfreq, 0.5)],
    "SM": _sm,
    "VCF": _vcf,
    "FR": _fr,
    "PSR": _psr,
    "DFTR": _dftr,
    "WENG": lambda x, _: [np.log(np.sum(e)) for e in wavelet_energies(x, "sym8")],
    "WV": lambda x, _: [np.log(np.var(e)) for e in wavelet_energies(x, "sym8")],
    "WWL": lambda x, _: [np.log(np.sum(np.abs(np.diff(e)))) for e in wavelet_energies(x, "sym8")],
    "WENT": lambda x, _: [scipy.stats.entropy(e) for e in wavelet_energies(x, "sym8")],
    "WREL": _wrel,
    "SAMPEN": lambda x, _: [antropy.sample_entropy(x, order=2, tolerance=0.2 * float(np.std(x)))],
    "FUZZYEN": _fuzzy,
    "APPEN": lambda x, _: [antropy.app_entropy(x, order=2, tolerance=0.2 * float(np.std(x)))],
    "PERMEN": lambda x, _: [antropy.perm_entropy(x, order=3, normalize=True)],
    "HFD": lambda x, _: [antropy.higuchi_fd(x, kmax=10)],
    "KFD": lambda x, _: [antropy.katz_fd(x)],
    "PFD": lambda x, _: [antropy.petrosian_fd(x)],
    "DFA": lambda x, _: [antropy.detrended_fluctuation(x)],
    "LL": lambda x, _: [np.mean(np.abs(np.diff(x)))],
    "SEF": lambda x, sfreq: [_upto(x, sfreq, 0.95)],
    "SPEN": lambda x, sfreq: [antropy.spectral_entropy(x, sfreq, method="fft", normalize=True)],
    "BAND": lambda x, sfreq: list(np.log10(_bands(x, sfreq))),
    "RELBAND": _relative,
    "BANDRATIO": _ratios,
    "DE": _de,
    "APERIODIC": _aperiodic,
}


def _phasor(lengths: np.ndarray, changes: np.ndarray) -> list[float]:
    n = len(lengths)
    points = [
        [value * complex(math.cos(2 * math.pi * c / n), math.sin(2 * math.pi * c / n)) for c, value in
         enumerate(values)]
        for values in (lengths, changes)
    ]  # fmt: skip
    apart = [[abs(p[i] - p[j]) for i in range(n) for j in range(i + 1, n)] for p in points]
    return [math.log(a) for a in apart[0]] + [math.log(a / b) for a, b in zip(*apart, strict=True)]


PAIRS: dict[str, Callable[[np.ndarray, float], Sequence[float]]] = {
    "RMSPHASOR": lambda X, _: _phasor(X.std(axis=-1), np.sqrt(np.mean(np.diff(X, axis=-1) ** 2, axis=-1))),
    "WLPHASOR": lambda X, _: _phasor(
        np.abs(np.diff(X, axis=-1)).sum(axis=-1), np.abs(np.diff(X, 2, axis=-1)).sum(axis=-1)
    ),
}
