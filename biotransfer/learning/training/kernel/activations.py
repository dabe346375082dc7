"""ReLU."""

from __future__ import annotations

from .compiling import compiled


@compiled
def rectify(out):
    """ReLU in place."""
    zero = out.dtype.type(0)
    for i in range(len(out)):
        out[i] = max(out[i], zero)


@compiled
def stop_rectified(slope, out):
    """Take the slope away where the ReLU gave nothing."""
    zero = out.dtype.type(0)
    for i in range(len(out)):
        slope[i] = slope[i] if out[i] > zero else zero
