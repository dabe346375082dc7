"""Sampling rates and gaps, from the time stamps of a device."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from ....errors import check

_LONGEST = 0.1
_STEPS = 5
_TOLERANCE = 0.05
_NICE = 0.005


def gaps(times: np.ndarray, name: str, limit: float | None = None) -> tuple[int, ...]:
    """Return the samples that follow a gap.

    Parameters
    ----------
    times : ndarray, shape (n_samples,), in s
        Time stamps.
    name : str
        The file, for the message.
    limit : float, optional
        The longest step in s that is no gap. Default: 0.1 s, or five usual steps where that is longer.

    Raises
    ------
    BiotransferError
        When time runs backwards.
    """
    steps = np.diff(times)
    back = np.flatnonzero(steps < 0)
    check(
        not len(back),
        f"{name!r}: time runs backwards at row {int(back[0]) + 2 if len(back) else 0}. Expected rising time "
        "stamps. Check time_column and time_unit, or sort or split the file.",
    )
    return tuple(int(i) + 1 for i in np.flatnonzero(steps > _limit(steps, limit)))


def estimate_rate(times: np.ndarray, name: str, limit: float | None = None) -> float:
    """Return the sampling rate in Hz that time stamps show, gaps left out.

    Raises
    ------
    BiotransferError
        When there are fewer than two, or all are equal.
    """
    steps = np.diff(times)
    inside = steps[steps <= _limit(steps, limit)]
    length = float(inside.sum())
    check(
        len(inside) > 0 and length > 0,
        f"{name!r}: its {len(times)} time stamps give no rate. Check time_column and time_unit, or leave "
        "time_column out and write sfreq.",
    )
    return len(inside) / length


def common_rate(rates: Sequence[tuple[str, float]], given: float | None) -> float:
    """Return one sampling rate for files whose clocks differ a little.

    Parameters
    ----------
    rates : sequence of (str, float)
        File and the rate in Hz that its time stamps show.
    given : float or None
        The rate that is said.

    Raises
    ------
    BiotransferError
        When a file runs at another rate, by more than 5 %.
    """
    nominal = _nice(statistics.median(rate for _, rate in rates)) if given is None else given
    for name, rate in rates:
        check(
            abs(rate / nominal - 1) <= _TOLERANCE,
            f"{name!r}: its time stamps run at {rate:.4g} Hz, others at {nominal:g} Hz. Expected one rate, "
            f"within {_TOLERANCE:.0%}. Check time_column and time_unit, or leave the file out by a pattern.",
        )
    return nominal


def _limit(steps: np.ndarray, limit: float | None) -> float:
    if limit is not None:
        return limit
    usual = float(np.percentile(steps, 90)) if len(steps) else 0.0
    return max(_LONGEST, _STEPS * usual)


def _nice(rate: float) -> float:
    """Return the whole number of Hz next to a rate, where that is within half a percent."""
    whole = float(round(rate))
    return whole if whole and abs(rate / whole - 1) <= _NICE else float(f"{rate:.4g}")
