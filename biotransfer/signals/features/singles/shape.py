"""Single features of the shape of a signal: moments, Hjorth, time-domain power spectrum, autoregression."""

from __future__ import annotations

import numpy as np

from ..series import Series, variance
from .values import Values, check_count

_SMALL = 1e-12


def skew(s: Series) -> np.ndarray:
    """Skewness: mean x^3 / (mean x^2)^1.5; 0 where a channel stands still."""
    return np.einsum("...t,...t,...t->...", s.unit, s.unit, s.unit) / s.n_times


def kurt(s: Series) -> np.ndarray:
    """Kurtosis: mean x^4 / (mean x^2)^2, 3 for a Gaussian; 0 where a channel stands still."""
    return np.square(s.unit * s.unit).mean(axis=-1)


def act(s: Series) -> np.ndarray:
    """Hjorth's activity: the variance."""
    return s.power


def mob(s: Series) -> np.ndarray:
    """Hjorth's mobility: sqrt(var dx / var x); 0 where a channel stands still."""
    return np.sqrt(variance(s.steps) / s.over(s.power))


def comp(s: Series) -> np.ndarray:
    """Hjorth's complexity: the mobility of dx over that of x; 0 where a channel stands still."""
    first, second = variance(s.steps), variance(s.bends)
    return s.where(np.sqrt(second * s.power) / s.positive(first))


def _root_moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the normalized root squared moments of orders 0, 2 and 4 of any series."""
    n = x.shape[-1]
    dx = np.diff(x, axis=-1)
    m0 = np.sqrt(np.square(x).sum(axis=-1)) / (n - 1)
    m2 = np.sqrt(np.square(dx).sum(axis=-1) / (n - 1))
    m4 = np.sqrt(np.square(np.diff(dx, axis=-1)).sum(axis=-1) / (n - 1))
    return tuple(np.power(m, 0.1) / 0.1 for m in (m0, m2, m4))


def _log(values: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(np.abs(values), _SMALL))


def tdpsd(s: Series) -> Values:
    """Time-domain power spectral descriptors, six values that depend little on how strong a contraction is.

    Root moments m0, m2, m4 of x, of dx, of ddx, to the power 0.1; log m0, log |m0 - m2|, log |m0 - m4|,
    sparseness log sqrt((m0 - m2)(m0 - m4)) / m0, irregularity log m2 / sqrt(m0 m4), waveform length factor
    log sqrt(sum |dx| / sum |ddx|): a of x and b of log x^2 give -2 a b / (a^2 + b^2). 0 where still.
    """
    described = []
    for x in (s.x, np.log(s.x**2 + np.finfo(float).eps)):
        m0, m2, m4 = _root_moments(x)
        dx = np.diff(x, axis=-1)
        lengths = [np.abs(d).sum(axis=-1) for d in (dx, np.diff(dx, axis=-1))]
        described.append(
            {
                "M0": _log(m0),
                "M2": _log(m0 - m2),
                "M4": _log(m0 - m4),
                "SPARSI": _log(np.sqrt(np.abs((m0 - m2) * (m0 - m4))) / np.maximum(m0, _SMALL)),
                "IRF": _log(m2 / np.maximum(np.sqrt(m0 * m4), _SMALL)),
                "WLF": _log(np.sqrt(lengths[0] / np.maximum(lengths[1], _SMALL))),
            }
        )
    of_signal, of_log = described
    return {
        name: s.where(-2 * a * of_log[name] / np.maximum(a**2 + of_log[name] ** 2, _SMALL))
        for name, a in of_signal.items()
    }


def ar(s: Series, *, order: int = 4) -> Values:
    """Coefficients a of x_t = sum a_k x_(t - k), by Yule and Walker (Levinson's recursion); 0 where still.

    Parameters
    ----------
    order : int, 1 to 100
        How many, columns AR1, AR2, ...
    """
    a = _autoregression(s, "AR", order)
    return {f"AR{k + 1}": a[..., k] for k in range(order)}


def cc(s: Series, *, order: int = 4) -> Values:
    """Cepstral coefficients of the autoregressive model: c_n = a_n + sum (k / n) c_k a_(n - k).

    Parameters
    ----------
    order : int, 1 to 100
        Of the model, and how many, columns CC1, CC2, ...
    """
    a = _autoregression(s, "CC", order)
    c = a.copy()
    for n in range(1, order):
        for k in range(n):
            c[..., n] += (k + 1) / (n + 1) * c[..., k] * a[..., n - k - 1]
    return {f"CC{k + 1}": c[..., k] for k in range(order)}


def _autoregression(s: Series, name: str, order: int) -> np.ndarray:
    """Return the coefficients of the model by Levinson and Durbin, shape (n_windows, n_chans, order)."""
    check_count(name, "order", order, 1, s.n_times // 2)
    n = s.n_times
    lags = [np.einsum("...t,...t->...", s.unit[..., : n - k], s.unit[..., k:]) / n for k in range(order + 1)]
    a = np.zeros((*s.still.shape, order))
    error = s.over(lags[0])
    for k in range(order):
        reach = lags[k + 1] - sum(a[..., i] * lags[k - i] for i in range(k))
        reflection = reach / error
        a[..., :k] = a[..., :k] - reflection[..., None] * a[..., :k][..., ::-1]
        a[..., k] = reflection
        error = np.maximum(error * (1 - reflection**2), np.finfo(float).tiny)
    return s.where(a)
