"""A figure that shows itself in Jupyter, whatever backend is set."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

_SHARP = 1.5
"""Pixels per pixel that is shown."""


class Picture(Figure):
    """A plain matplotlib figure; only Jupyter sees a difference."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = (round(inches * 96) for inches in self.get_size_inches())
        return png_of(self), {"width": width, "height": height}


def png_of(figure: Figure) -> bytes:
    """Return a figure as PNG on white."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=96 * _SHARP, facecolor="white")
    return stream.getvalue()
