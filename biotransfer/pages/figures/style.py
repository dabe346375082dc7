"""What all figures share: one color per arm everywhere, panels per condition, labels that do not collide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import fill, wrap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE_WIDTH = 10.0
BAND = "#EEF2F6"
INK, MUTED, FAINT, GRID = "#1c2430", "#5b6675", "#aab2bd", "#e4e8ed"
_LABEL_POINTS = 10.5
_MOST_LINES = 4
VERDICT_COLORS = {
    "positive": "#00724F",
    "negative": "#B03A00",
    "equivalent": "#3B5B8C",
    "inconclusive": MUTED,
}


@dataclass(frozen=True)
class Look:
    """How an arm is drawn; marker and dashes tell it apart without color."""

    color: str
    marker: str = "o"
    dashes: str | tuple[float, tuple[float, ...]] = "-"
    leading: bool = False


# Okabe & Ito's palette, which people with any color vision tell apart.
_LOOKS = {
    "scratch": Look(INK, "o", "-", leading=True),
    "transferred": Look("#0072B2", "D", "-", leading=True),
    "frozen_body": Look("#56B4E9", "s", (0, (5, 1.5))),
    "permuted": Look("#E69F00", "^", (0, (3, 1))),
    "redrawn": Look("#D55E00", "v", (0, (1, 1))),
    "shuffled_source": Look("#009E73", "P", (0, (4, 1, 1, 1))),
    "noise_source": Look("#CC79A7", "X", (0, (2, 1))),
    "same_modality": Look("#7A6A4F", "p", (0, (6, 1, 1, 1, 1, 1))),
}
_SPARE = ("#6A3D9A", "#B2182B", "#1B7837", "#8C510A", "#35978F", "#525252")
CATEGORIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A6A4F", "#1c2430",
              "#6A3D9A", "#8C8C8C")  # fmt: skip


def arm_look(arm: str, arms: Sequence[str] = ()) -> Look:
    """Return the look of an arm: fixed for the known ones, by position among the others of ``arms``."""
    if arm in _LOOKS:
        return _LOOKS[arm]
    others = [a for a in arms if a not in _LOOKS]
    position = others.index(arm) if arm in others else 0
    return Look(_SPARE[position % len(_SPARE)], "Hhd8<>*"[position % 7], (0, (3 + position, 1)))


def shorten(text: object, length: int = 22) -> str:
    """Return ``text``, cut in the middle when it is longer than ``length``.

    Examples
    --------
    >>> shorten("a name that goes on and on", 11)
    'a nam…nd on'
    """
    text = str(text)
    if len(text) <= length:
        return text
    head = (length - 1 + 1) // 2
    return text[:head] + "…" + text[len(text) - (length - 1 - head) :]


def wrapped(text: object, width: int = 22) -> str:
    r"""Return a name on as many lines as ``width`` letters ask for; what four do not hold is shortened.

    Examples
    --------
    >>> wrapped("frozen body of a shuffled source", 22)
    'frozen body of a\nshuffled source'
    """
    lines = wrap(str(text), width, break_on_hyphens=False) or [""]
    return "\n".join(lines if len(lines) <= _MOST_LINES else wrap(shorten(text, _MOST_LINES * width), width))


def most_lines(labels: Iterable[str]) -> int:
    """Return how many lines the highest of some labels has: rows are that high."""
    return max((label.count("\n") + 1 for label in labels), default=1)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches, outside pyplot, that shows itself in Jupyter."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    from .picture import Picture

    return Picture(figsize=(width, height), layout=ConstrainedLayoutEngine(h_pad=0.07, w_pad=0.05))


def panel_grid(n: int, columns: int) -> tuple[int, int]:
    """Return rows and columns for ``n`` panels."""
    columns = min(columns, n)
    return -(-n // columns), columns


def clean(ax: Axes, *, grid: str | None = "y") -> None:
    """Give an axes the common look: few lines, quiet ticks."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)
    ax.tick_params(colors=MUTED, labelsize=9, length=3)
    if grid:
        ax.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def title(ax: Axes, text: str) -> None:
    """Write a panel's title at its upper left."""
    ax.set_title(text, loc="left", fontsize=10, color=INK, fontweight="bold", parse_math=False)


def headline(figure: Figure, text: str) -> None:
    """Write a figure's title at its upper left, on as many lines as its width asks for."""
    text = fill(text, max(int(figure.get_figwidth() / 0.085), 20))  # inches of a letter of 11 points
    figure.suptitle(text, x=0.01, ha="left", fontsize=11, color=INK, parse_math=False)


def blank(axes: np.ndarray, used: int) -> None:
    """Hide the axes of a grid behind the first ``used`` ones."""
    for ax in axes.flat[used:]:
        ax.set_axis_off()


def scale_bar(ax: Axes, spread: float, bottom: float) -> None:
    """Draw a bar of a round number of microvolt right of a panel."""
    size = _round_number(1.8 * spread)
    ax.plot([1.03, 1.03], [bottom, bottom + size], color=INK, linewidth=1.6, clip_on=False,
            transform=ax.get_yaxis_transform(), gid="scale")  # fmt: skip
    ax.text(1.06, bottom + size / 2, f"{size:g} µV", transform=ax.get_yaxis_transform(), fontsize=8,
            va="center", color=INK)  # fmt: skip


def _round_number(value: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that does not exceed ``value``."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(m * power for m in (1, 2, 5) if m * power <= value * (1 + 1e-9)))


def spread_labels(values: Iterable[float], low: float, high: float, height_points: float) -> np.ndarray:
    """Move label positions apart so that none overlaps, each as near to its value as it can be.

    Parameters
    ----------
    values : iterable of float
        Where the labels belong, in data units.
    low, high : float
        The axis limits.
    height_points : float
        The axis' height in points.

    Returns
    -------
    ndarray, shape (n_labels,), float64
        Positions in data units, in the order of ``values``.
    """
    wanted = np.asarray(list(values), dtype=float)
    if not len(wanted):
        return wanted
    gap = min((high - low) * _LABEL_POINTS / height_points, (high - low) / max(len(wanted) - 1, 1))
    order = np.argsort(wanted, kind="stable")
    blocks: list[list[float]] = []  # sum of (wanted - offset), size
    for i, value in enumerate(wanted[order]):
        blocks.append([value - i * gap, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, size = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += size
    base = np.concatenate([np.full(int(size), total / size) for total, size in blocks])
    base = np.clip(base, low, high - gap * (len(wanted) - 1))
    placed = np.empty_like(wanted)
    placed[order] = base + gap * np.arange(len(wanted))
    return placed
