"""Steps that take slow drifts out without a filter."""

from __future__ import annotations

from ...errors import check
from ..recording import Recording
from ..windows.trend import without_trend
from .common import for_stretches

_MOST = 10


def detrend(recording: Recording, *, order: int = 1) -> Recording:
    """Subtract the polynomial that fits best, from every stretch between edges.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    order : int, 0 to 10
        0 takes the mean out, 1 a straight line, up to 10.

    Returns
    -------
    Recording
        Copy without trend.

    Raises
    ------
    BiotransferError
        For an order that is none.

    Notes
    -----
    Least squares over all samples of a stretch; one of ``order`` samples or fewer becomes zero.
    """
    check(
        isinstance(order, int) and 0 <= order <= _MOST,
        f"preprocess detrend: order={order}. Expected 0 (mean) to {_MOST}, such as 1 (straight line).",
    )
    return for_stretches(lambda x: without_trend(x, order), recording)


def say_detrend(order: int) -> str:
    """Say what detrend did."""
    what = {0: "their mean", 1: "a straight line"}.get(order, f"a polynomial of order {order}")
    return f"freed of {what} between edges"
