"""Single features of amplitude and its change from sample to sample; x is a channel less its mean, in uV."""

from __future__ import annotations

import numpy as np

from ....errors import check
from .. import primitives as p
from ..series import Series, mean_square
from .values import Values, check_count, pairs_of


def mav(s: Series) -> np.ndarray:
    """Mean absolute value: mean |x|."""
    return s.size.mean(axis=-1)


def mean(s: Series) -> np.ndarray:
    """Mean of the signal as it was recorded, its offset included."""
    return s.X.mean(axis=-1)


def iav(s: Series) -> np.ndarray:
    """Integral of the absolute value: sum |x|."""
    return s.size.sum(axis=-1)


def rms(s: Series) -> np.ndarray:
    """Root mean square: sqrt(mean x^2)."""
    return np.sqrt(s.power)


def var(s: Series) -> np.ndarray:
    """Variance: mean x^2."""
    return s.power


def isd(s: Series) -> np.ndarray:
    """Integral square descriptor: sum x^2."""
    return s.power * s.n_times


def mpk(s: Series) -> np.ndarray:
    """Maximum peak: max x."""
    return s.x.max(axis=-1)


def wl(s: Series) -> np.ndarray:
    """Waveform length: sum |dx|."""
    return s.step_size.sum(axis=-1)


def ll(s: Series) -> np.ndarray:
    """Line length: mean |dx| (Esteller et al. 2001)."""
    return s.step_size.mean(axis=-1)


def mavfd(s: Series) -> np.ndarray:
    """Mean absolute value of the first difference: mean |dx|, also called DAMV."""
    return s.step_size.mean(axis=-1)


def dasdv(s: Series) -> np.ndarray:
    """Difference absolute standard deviation value: sqrt(mean dx^2)."""
    return np.sqrt(mean_square(s.steps))


def mzp(s: Series) -> np.ndarray:
    """Root of the second moment: sqrt(sum dx^2 / n)."""
    return np.sqrt(np.square(s.steps).sum(axis=-1) / s.n_times)


def mdiff(s: Series) -> np.ndarray:
    """Mean difference derivative: sum dx^2 / n."""
    return np.square(s.steps).sum(axis=-1) / s.n_times


def mfl(s: Series) -> np.ndarray:
    """Maximum fractal length: log10 sqrt(sum dx^2), of 0.001 uV or more."""
    return np.log10(np.maximum(np.sqrt(np.square(s.steps).sum(axis=-1)), p.FLAT))


def msr(s: Series) -> np.ndarray:
    """Mean of the complex square root: |mean sqrt(x)|, x < 0 giving an imaginary root."""
    root = np.sqrt(s.size)
    up = s.x > 0
    return np.hypot(np.where(up, root, 0.0).mean(axis=-1), np.where(up, 0.0, root).mean(axis=-1))


def ls(s: Series) -> np.ndarray:
    """L-scale: the second L-moment, 2 b1 - b0 of the sorted samples."""
    rank = np.arange(s.n_times) / (s.n_times - 1)
    return np.sort(s.x, axis=-1) @ ((2 * rank - 1) / s.n_times)


def ld(s: Series) -> np.ndarray:
    """Log detector: exp(mean log(|x| + 1 uV)); the 1 uV lets a sample be zero."""
    return np.exp(np.log1p(s.size).mean(axis=-1))


def mlk(s: Series) -> np.ndarray:
    """Mean logarithm kernel: log(sum |x|) / n, the sum 0.001 uV or more."""
    return np.log(np.maximum(s.size.sum(axis=-1), p.FLAT)) / s.n_times


def cor(s: Series) -> np.ndarray:
    """Coefficient of regularization: (sum dx^2 / n) / ((sum ddx^2 / n) sum x^2)."""
    first, second = (np.square(d).sum(axis=-1) / s.n_times for d in (s.steps, s.bends))
    return s.where(first / s.positive(second * isd(s)))


def pap(s: Series) -> np.ndarray:
    """Peak average power: root moments m0 m2 / m4, m0 = sqrt(sum x^2), of dx, of ddx."""
    m0, m2, m4 = (np.sqrt(np.square(d).sum(axis=-1)) for d in (s.x, s.steps, s.bends))
    return s.where(m0 * m2 / s.positive(m4))


def mavslp(s: Series, *, segments: int = 2) -> Values:
    """Slope of the mean absolute value: its change from one segment of the window to the next.

    Parameters
    ----------
    segments : int, 2 to 1000
        Into how many pieces of one length the window is cut; samples that are left over count in none.
    """
    check_count("MAVSLP", "segments", segments, 2, s.n_times)
    length = s.n_times // segments
    pieces = s.size[..., : length * segments].reshape(*s.size.shape[:2], segments, length).mean(axis=-1)
    return {f"MAVSLP{i + 1}": pieces[..., i + 1] - pieces[..., i] for i in range(segments - 1)}


def tm(s: Series, *, orders: tuple[int, ...] = (3, 4, 5)) -> Values:
    """Temporal moments: mean |x^order|.

    Parameters
    ----------
    orders : tuple of int, 1 to 20
        Exponents, each a column TM3, TM4, ...
    """
    for order in orders:
        check_count("TM", "orders", order, 1, 8)
    return {f"TM{order}": (s.size**order).mean(axis=-1) for order in orders}


def wamp(s: Series, *, threshold: float = 10.0) -> np.ndarray:
    """Willison amplitude: how many |dx| exceed a threshold.

    Parameters
    ----------
    threshold : float, 0 or more
        In uV.
    """
    _check_threshold("WAMP", threshold)
    return (s.step_size > threshold).sum(axis=-1)


def zc(s: Series, *, threshold: float = 0.0) -> np.ndarray:
    """Zero crossings: how often the sign changes from one sample to the next, by a step of ``threshold``.

    Parameters
    ----------
    threshold : float, 0 or more
        In uV, against noise.
    """
    _check_threshold("ZC", threshold)
    crosses = s.x[..., :-1] * s.x[..., 1:] < 0
    return (crosses & (s.step_size >= threshold)).sum(axis=-1)


def ssc(s: Series, *, threshold: float = 0.0) -> np.ndarray:
    """Slope sign changes: how often the slope changes its sign, by a step above ``threshold`` on a side.

    Parameters
    ----------
    threshold : float, 0 or more
        In uV, against noise; a plateau is no change, which an amplifier with few bits has many of.
    """
    _check_threshold("SSC", threshold)
    turns = s.steps[..., :-1] * s.steps[..., 1:] < 0
    large = s.step_size > threshold
    return (turns & (large[..., :-1] | large[..., 1:])).sum(axis=-1)


def _check_threshold(name: str, threshold: float) -> None:
    check(threshold >= 0, f"feature {name}: threshold={threshold} uV. Expected 0 or more, such as 10.")


def rmsphasor(s: Series) -> Values:
    """Distance of channels set around a circle by their root mean squares, and the log ratio to dx's.

    log |a - b| and log |a - b| / |da - db| with a = RMS exp(2 pi i channel / n_chans).
    """
    return _phasor("RMSPHASOR", np.sqrt(s.power), np.sqrt(mean_square(s.steps)))


def wlphasor(s: Series) -> Values:
    """Distance of channels set around a circle by their waveform lengths, and the log ratio to dx's."""
    return _phasor("WLPHASOR", s.step_size.sum(axis=-1), np.abs(s.bends).sum(axis=-1))


def _phasor(name: str, length: np.ndarray, change: np.ndarray) -> Values:
    n_chans = length.shape[1]
    check(n_chans >= 2, f"feature {name} got {n_chans} channel. Expected 2 or more. Leave it out.")
    i, j = pairs_of(n_chans)
    around = np.exp(2j * np.pi * np.arange(n_chans) / n_chans)
    far, moved = (
        np.maximum(np.abs((values * around)[:, i] - (values * around)[:, j]), p.FLAT)
        for values in (length, change)
    )
    return {name: np.log(far), f"{name}_ratio": np.log(far / moved)}
