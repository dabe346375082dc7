"""What a figure shows, as a table: the points of its lines, bars, marks and matrices."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAD = ("panel", "series", "x", "y", "value")
_MOST_ROWS = 4000


def drawn_data(figure: Figure) -> str:
    """Return what a figure shows as CSV.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        A figure.

    Returns
    -------
    str
        Columns :data:`HEAD`; ``value`` is of the cells of a matrix. "" for a figure of more than 4000 points,
        such as one of traces: the study folder has those.
    """
    rows = [row for place, ax in enumerate(figure.axes) for row in _rows(ax, place)]
    if not rows or len(rows) > _MOST_ROWS:
        return ""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(HEAD)
    writer.writerows(rows)
    return stream.getvalue()


def _rows(ax: Axes, place: int) -> Iterator[tuple[Any, ...]]:
    from matplotlib.container import BarContainer

    panel = (ax.get_title(loc="left") or str(place + 1)).replace("\n", ", ")
    for line in ax.lines:
        series = str(line.get_gid() or line.get_label())
        if not series.startswith("_"):
            points = np.broadcast_arrays(
                *(np.atleast_1d(np.asarray(v, dtype=object)) for v in line.get_data())
            )
            yield from ((panel, series, x, y, "") for x, y in zip(*points, strict=True))
    for bars in ax.containers:
        for bar in bars if isinstance(bars, BarContainer) else ():
            x, y, width, height = bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height()
            yield (panel, bars.get_label(), x + width / 2, y + height / 2, max(width, height, key=abs))
    for marks in ax.collections:
        offsets: np.ndarray = np.ma.filled(np.ma.asarray(marks.get_offsets(), dtype=float), np.nan)
        if len(offsets) and not str(marks.get_label()).startswith("_"):
            yield from ((panel, marks.get_label(), x, y, "") for x, y in offsets)
    for image in ax.images:
        cells: np.ndarray = np.ma.filled(np.ma.asarray(image.get_array(), dtype=float), np.nan)
        across, down = (
            _names(axis, n) for axis, n in zip((ax.xaxis, ax.yaxis), cells.shape[1::-1], strict=True)
        )
        for (i, j), value in np.ndenumerate(cells):
            yield (panel, "cell", across[j], down[i], value)


def _names(axis: Any, n: int) -> list[Any]:
    """Return what stands beside the cells of a matrix: their names, or numbers."""
    names = [label.get_text() for label in axis.get_ticklabels()]
    return names if len(names) == n and all(names) else list(range(n))
