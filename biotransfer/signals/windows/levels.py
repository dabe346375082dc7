"""What is taken out of every window by itself: a trend, a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...errors import check
from .container import Windows
from .trend import without_trend


def level(windows: Windows, detrend: int | None, baseline: Sequence[float] | None) -> Windows:
    """Return windows without trend and baseline, in the precision that they have.

    Parameters
    ----------
    windows : Windows
        Signals.
    detrend : int or None
        Order of the polynomial that is taken out; None takes none.
    baseline : sequence of two floats, in s, or None
        Part of a window whose mean is taken out of all of it.

    Raises
    ------
    BiotransferError
        When that part holds no sample.
    """
    X = windows.X
    if detrend is not None:
        X = without_trend(X.astype(np.float64), detrend)
    if baseline is not None:
        begin, end = (round(at * float(windows.sfreq or 0)) for at in baseline)
        check(
            end > begin,
            f"windows.baseline={list(baseline)} s holds no sample at {windows.sfreq:g} Hz. Choose a longer "
            "part.",
        )
        X = X - X[:, :, begin:end].mean(axis=2, keepdims=True, dtype=np.float64)
    return windows if X is windows.X else replace(windows, X=X.astype(windows.X.dtype))


def say_levels(detrend: int | None, baseline: Sequence[float] | None) -> list[str]:
    """Return what was done, one phrase each."""
    said = []
    if detrend is not None:
        what = {0: "their mean", 1: "a straight line"}.get(detrend, f"a polynomial of order {detrend}")
        said.append(f"each freed of {what}")
    if baseline is not None:
        said.append(f"each referred to its mean from {baseline[0]:g} to {baseline[1]:g} s")
    return said
