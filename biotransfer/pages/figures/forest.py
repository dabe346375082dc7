"""Forest plots: what every data set says of one claim, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...evidence.pooling import Pooled
from ...evidence.reading import arm_label, data_label, is_share, metric_label
from .style import BAND, FAINT, INK, MUTED, PAGE_WIDTH, VERDICT_COLORS, clean, headline, new_figure, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Transform

_COLUMNS = {"people": (42, "right"), "difference (95 %)": (58, "left"), "weight": (196, "right")}
"""Beside the picture: how far from it, in points, and how each is set."""


def plot_forest(pooled: Pooled, claim: Mapping[str, Any]) -> Figure:
    """Draw one claim: data sets with their 95 % intervals, their mean, and where a further one may lie.

    Parameters
    ----------
    pooled : Pooled
        Of :func:`.pool_studies`.
    claim : mapping
        One of ``pooled.claim_list``.

    Returns
    -------
    matplotlib.figure.Figure
        Squares are data sets, larger with more weight; the diamond is their mean with its interval, the thin
        bar through it where the truth of a further data set lies in 95 %; the hollow diamond is the positive
        control; the band is the margin.
    """
    shares = pooled.shares_of(claim)
    scale = 100.0 if is_share(claim["metric"]) else 1.0
    color = VERDICT_COLORS.get(claim["verdict"], MUTED)
    bottom = len(shares) + 0.4
    assay = claim["assay"]
    figure = new_figure(PAGE_WIDTH, 0.3 * (len(shares) + 2 + bool(assay)) + 1.5)
    ax = figure.subplots()
    margin = claim["margin"] * scale
    ax.axvspan(-margin, margin, color=BAND, zorder=0, gid="margin")
    ax.axvline(0, color=MUTED, linewidth=1.0, zorder=1)
    labels: list[tuple[float, str, str]] = []
    for row, share in enumerate(shares):
        mean = share["difference"] * scale
        if share["ci_low"] is not None:
            ends = [share[key] * scale for key in ("ci_low", "ci_high")]
            ax.plot(ends, [row, row], color=INK, linewidth=1.4, gid=f"interval:{share['data_set']}")
        size = 4 + 9 * share["weight"] ** 0.5
        ax.plot(mean, row, "s", color=INK, markersize=size, markeredgecolor="white", markeredgewidth=0.5)
        labels.append((row, shorten(share["data_set"], 30), INK))
        _say(ax, row, share["n_people"], share, scale, f"{100 * share['weight']:.0f} %")
    ax.axhline(bottom - 0.7, color=FAINT, linewidth=0.8)
    _diamond(ax, bottom, claim, scale, color, filled=True)
    if claim["next_low"] is not None and claim["ci_low"] is not None:
        ends = [claim["next_low"] * scale, claim["next_high"] * scale]
        ax.plot(ends, [bottom, bottom], "|-", color=color, linewidth=1.2, zorder=2, gid="further data set")
    labels.append((bottom, f"all {len(shares)} data sets", color))
    _say(ax, bottom, claim["n_people"], claim, scale, "")
    if assay:
        _diamond(ax, bottom + 1, assay, scale, MUTED, filled=False)
        labels.append((bottom + 1, "positive control: own donors", MUTED))
        _say(ax, bottom + 1, None, assay, scale, "")
    _look(ax, labels, claim, shares, scale)
    heading = f"{data_label(claim['source'])} → {data_label(claim['target'])}"
    headline(figure, f"{heading}, {arm_label(claim['arm'])}: {claim['verdict'].replace('_', ' ')}")
    return figure


def _diamond(
    ax: Axes, row: float, found: Mapping[str, Any], scale: float, color: str, *, filled: bool
) -> None:
    """Draw a mean as wide as its interval; a point where that is not estimable."""
    mean, low, high = found["difference"] * scale, found["ci_low"], found["ci_high"]
    if low is None:
        ax.plot(mean, row, "D", color=color, markersize=7, markerfacecolor=color if filled else "white")
        return
    ax.fill(
        [low * scale, mean, high * scale, mean], [row, row - 0.28, row, row + 0.28], zorder=3,
        facecolor=color if filled else "white", edgecolor=color, linewidth=1.2, gid="mean",
    )  # fmt: skip


def _say(
    ax: Axes, row: float, people: int | None, found: Mapping[str, Any], scale: float, weight: str
) -> None:
    """Write people, difference with interval and weight beside a row."""
    said = f"{found['difference'] * scale:+.1f}"
    if found["ci_low"] is not None:
        said += f" ({found['ci_low'] * scale:+.1f} to {found['ci_high'] * scale:+.1f})"
    for name, text in zip(_COLUMNS, ("" if people is None else str(people), said, weight), strict=True):
        _write(ax, name, row, text.replace("-", "\u2212"), ax.get_yaxis_transform(), INK)


def _write(ax: Axes, column: str, y: float, text: str, frame: Transform, color: str) -> None:
    away, side = _COLUMNS[column]
    ax.annotate(
        text, (1, y), (away, 0), xycoords=frame, textcoords="offset points", fontsize=9, va="center",
        ha=side, color=color, annotation_clip=False, parse_math=False,
    )  # fmt: skip


def _look(
    ax: Axes, labels: list[tuple[float, str, str]], claim: Mapping[str, Any], shares: list, scale: float
) -> None:
    clean(ax, grid="x")
    ax.set_yticks([row for row, _, _ in labels], [text for _, text, _ in labels], parse_math=False)
    for tick, (_, _, color) in zip(ax.get_yticklabels(), labels, strict=True):
        tick.set_color(color)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(labels[-1][0] + 0.6, -0.6)
    seen = [row[key] for row in (*shares, claim) for key in ("ci_low", "ci_high", "difference")]
    seen += [claim["next_low"], claim["next_high"], claim["margin"], -claim["margin"]]
    low, high = (f(v for v in seen if v is not None) * scale for f in (min, max))
    # What may lie anywhere must not flatten all others: arrows say that it goes on.
    spread = [
        row[key] * scale
        for row in shares
        for key in ("ci_low", "difference", "ci_high")
        if row[key] is not None
    ]
    reach = max(spread) - min(spread)
    low, high = max(low, min(spread) - 0.7 * reach), min(high, max(spread) + 0.7 * reach)
    room = 0.06 * (high - low)
    left, right = (
        min(low - room, -1.1 * claim["margin"] * scale),
        max(high + room, 1.1 * claim["margin"] * scale),
    )
    ax.set_xlim(left, right)
    at = len(shares) + 0.4
    ends = [
        value * scale
        for key in ("ci_low", "ci_high", "next_low", "next_high")
        if (value := claim[key]) is not None
    ]
    for edge, marker, beyond in (
        (left, "<", min(ends, default=0) < left),
        (right, ">", max(ends, default=0) > right),
    ):
        if beyond or not ends:
            ax.plot(edge, at, marker, color=INK, markersize=7, clip_on=False, zorder=5, gid="goes on")
    for name in _COLUMNS:
        _write(ax, name, 1.04, name, ax.transAxes, MUTED)
    unit = "points of " if is_share(claim["metric"]) else ""
    over = claim["against"].replace("_", " ")
    ax.set_xlabel(
        f"difference from {over}, {unit}{metric_label(claim['metric'])}",
        fontsize=9,
        color=MUTED,
        parse_math=False,
    )
