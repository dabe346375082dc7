"""Small figures of single nouns: windows by person, a training, an account, all verdicts of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import check
from ...evidence.reading import (
    arm_label,
    direction_label,
    is_share,
    metric_label,
    network_label,
    outcome_label,
    protocol_label,
)
from ...results import Direction
from ...signals.account.tables import LOST
from ...signals.splits import ALL, budget_label
from ...signals.windows.fates import FATES
from .style import (
    BAND,
    CATEGORIES,
    INK,
    MUTED,
    PAGE_WIDTH,
    VERDICT_COLORS,
    arm_look,
    clean,
    headline,
    most_lines,
    new_figure,
    shorten,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...evidence.side_by_side import SideBySide
    from ...learning.training.curves import Curves
    from ...signals.windows import Windows
    from ...transfer.pretrain.training import Pretrained

_MOST_ROWS = 40


def plot_counts(windows: Windows) -> Figure:
    """Draw how many windows of every class each person has.

    Parameters
    ----------
    windows : Windows
        Signals or features.

    Returns
    -------
    matplotlib.figure.Figure
        One bar per person, at most 40 of them, in pieces by class.
    """
    counts = windows.counts()
    shown = counts.iloc[:_MOST_ROWS]
    more = "" if len(shown) == len(counts) else f", the first {len(shown)} of {len(counts)} people"
    parts = {str(name): shown[name].to_numpy(dtype=float) for name in shown}
    figure = _stacked([str(name) for name in shown.index], parts, "windows")
    headline(figure, f"{len(windows)} windows by person and class{more}")
    return figure


def plot_account(people: pd.DataFrame) -> Figure:
    """Draw the seconds of every person that are in windows, and those that are not, by reason.

    Parameters
    ----------
    people : DataFrame
        By person, of :func:`.account`.

    Returns
    -------
    matplotlib.figure.Figure
        One bar per person, at most 40 of them.

    Raises
    ------
    BiotransferError
        For a table by file.
    """
    check(
        "seconds_in_windows" in people,
        "people has no column seconds_in_windows. Pass the account by person: account(..., rows='person').",
    )
    shown = people.iloc[:_MOST_ROWS]
    parts = {FATES["in_windows"]: shown["seconds_in_windows"].to_numpy(dtype=float)}
    for fate in LOST:
        seconds = shown[f"lost_{fate}"].to_numpy(dtype=float)
        if seconds.any():
            parts[FATES[fate]] = seconds
    figure = _stacked([str(name) or "nobody" for name in shown["subject"]], parts, "seconds")
    headline(figure, "Where the signal of every person went")
    return figure


def _stacked(names: Sequence[str], parts: Mapping[str, np.ndarray], unit: str) -> Figure:
    """Draw one bar per name in pieces."""
    figure = new_figure(0.8 * PAGE_WIDTH, 1.3 + 0.22 * len(names))
    ax = figure.subplots()
    left = np.zeros(len(names))
    for place, (name, values) in enumerate(parts.items()):
        label = wrapped(name.replace("_", " "), 40)
        color = CATEGORIES[place % len(CATEGORIES)]
        ax.barh(range(len(names)), values, left=left, height=0.72, color=color, label=label)
        left += values
    clean(ax, grid="x")
    ax.set_yticks(range(len(names)), [shorten(name, 24) for name in names], parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlabel(unit, fontsize=9, color=MUTED)
    figure.legend(loc="outside lower left", ncols=3, fontsize=8.5, frameon=False, labelcolor=INK)
    return figure


def plot_training(curves: Curves) -> Figure:
    """Draw the balanced accuracy on test windows of every arm while it trains.

    Parameters
    ----------
    curves : Curves
        Of :func:`.train`.

    Returns
    -------
    matplotlib.figure.Figure
        One line per arm, the mean over people and seeds; hollow marks: before any update.

    Raises
    ------
    BiotransferError
        For curves that :func:`.train` did not make.
    """
    table = curves.to_frame("source->target", budget=ALL)
    kept = table[(table["split_part"] == "test") & (table["metric"] == "balanced_accuracy")]
    figure = new_figure(0.72 * PAGE_WIDTH, 3.4)
    ax = figure.subplots()
    arms = list(dict.fromkeys(kept["arm"]))
    for arm in arms:
        level = kept[kept["arm"] == arm].groupby("epoch")["value"].mean()
        look = arm_look(arm, arms)
        ax.plot(level.index, level, color=look.color, linestyle=look.dashes, label=arm_label(arm))
        ax.plot(level.index[:1], level.iloc[:1], look.marker, color=look.color, markerfacecolor="white")
    _look(ax, "passes over the training windows (epochs)", "balanced accuracy, test windows")
    ax.legend(fontsize=8.5, frameon=False, labelcolor=INK)
    return figure


def plot_loss(pretrained: Pretrained) -> Figure:
    """Draw what a source training minimised, epoch by epoch.

    Parameters
    ----------
    pretrained : Pretrained
        Of :func:`.pretrain`.

    Returns
    -------
    matplotlib.figure.Figure
        One line.
    """
    figure = new_figure(0.55 * PAGE_WIDTH, 2.6)
    ax = figure.subplots()
    ax.plot(np.arange(1, len(pretrained.loss) + 1), pretrained.loss, color=CATEGORIES[0], label="loss")
    _look(ax, "passes over the training windows (epochs)", "loss")
    return figure


def _look(ax: Axes, across: str, up: str) -> None:
    from matplotlib.ticker import MaxNLocator

    clean(ax)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    ax.set_xlabel(across, fontsize=9, color=MUTED)
    ax.set_ylabel(up, fontsize=9, color=MUTED, parse_math=False)


def plot_side_by_side(found: SideBySide) -> Figure:
    """Draw the gain of every claim of two studies with its interval, one below the other.

    Parameters
    ----------
    found : SideBySide
        Of :func:`.compare_studies`.

    Returns
    -------
    matplotlib.figure.Figure
        At most 40 claims: filled the first study, hollow the second, in the color of each verdict, with 95 %
        intervals over people; the band is the margin inside which a difference counts as none.

    Raises
    ------
    BiotransferError
        When neither study makes a claim.
    """
    check(found.pairs, "found holds no claim to draw. Compare studies with a transfer arm.")
    shown = found.pairs[:_MOST_ROWS]
    rows = [row for pair in shown for row in (pair.first, pair.second) if row is not None]
    metric = str(rows[0]["metric"])
    scale = 100.0 if is_share(metric) else 1.0
    labels = [wrapped(pair.label, 60) for pair in shown]
    figure = new_figure(PAGE_WIDTH, 1.0 + (0.26 + 0.14 * most_lines(labels)) * len(shown))
    ax = figure.subplots()
    margin = float(rows[0]["margin"]) * scale
    ax.axvspan(-margin, margin, color=BAND, zorder=0, gid="margin")
    ax.axvline(0, color=MUTED, linewidth=1.0, zorder=1)
    for y, pair in enumerate(shown):
        for row, place, name in ((pair.first, y - 0.14, "first"), (pair.second, y + 0.14, "second")):
            if row is None:
                continue
            color = VERDICT_COLORS.get(str(row["verdict"]), MUTED)
            if row["ci_low"] is not None and row["ci_low"] == row["ci_low"]:
                ax.plot(
                    [row["ci_low"] * scale, row["ci_high"] * scale], [place] * 2, color=color, linewidth=1.4
                )
            face = color if name == "first" else "white"
            ax.plot(
                row["difference"] * scale,
                place,
                "o",
                color=color,
                markerfacecolor=face,
                gid=f"gain:{name}:{y}",
            )
            frame = ax.get_yaxis_transform()
            ax.text(1.01, place, outcome_label(row), transform=frame, fontsize=8, color=color, va="center")
    clean(ax, grid="x")
    ax.set_yticks(range(len(labels)), labels, color=INK, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    unit = "points of " if is_share(metric) else ""
    ax.set_xlabel(f"gain, {unit}{metric_label(metric)}", fontsize=9, color=MUTED, parse_math=False)
    more = "" if len(shown) == len(found.pairs) else f", the first {len(shown)} of {len(found.pairs)}"
    headline(figure, f"What every claim came to in either study{more}")
    return figure


def claim_label(row: Mapping[str, Any], among: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the words for one row of verdicts: direction, and what differs among the others.

    Examples
    --------
    >>> claim_label({"source": "emg", "target": "eeg", "arm": "frozen_body"})
    'EMG → EEG · frozen body'
    """
    words = [direction_label(Direction(str(row["source"]), str(row["target"])))]
    if len({(other["network"], other["variant"]) for other in among}) > 1:
        words.append(network_label(row["network"], row["variant"]))
    if len({other["protocol"] for other in among}) > 1:
        words.append(f"tested on {protocol_label(row['protocol'])}")
    if len({other["budget"] for other in among}) > 1:
        words.append(budget_label(row["budget"]))
    return " · ".join([*words, arm_label(row["arm"])])


def plot_verdicts(verdicts: pd.DataFrame) -> Figure:
    """Draw the gain of every claim of a study with its interval, beside that of its positive control.

    Parameters
    ----------
    verdicts : DataFrame
        ``results.verdicts``, or rows of it.

    Returns
    -------
    matplotlib.figure.Figure
        Dots are gains with their 95 % intervals over people, in the color of the verdict; hollow diamonds
        what the positive control gained; the band is the margin inside which a difference counts as none.

    Raises
    ------
    BiotransferError
        When no row has a verdict.
    """
    rows: list[Mapping[str, Any]] = verdicts[verdicts["verdict"].notna()].to_dict("records")
    check(rows, "verdicts holds no claim to draw. Pass results.verdicts of a study with a transfer arm.")
    shown = rows[:_MOST_ROWS]
    metric = str(shown[0]["metric"])
    scale = 100.0 if is_share(metric) else 1.0
    figure = new_figure(PAGE_WIDTH, 1.0 + 0.27 * len(shown))
    ax = figure.subplots()
    margin = float(shown[0]["margin"]) * scale
    ax.axvspan(-margin, margin, color=BAND, zorder=0, gid="margin")
    ax.axvline(0, color=MUTED, linewidth=1.0, zorder=1)
    for y, row in enumerate(shown):
        color = VERDICT_COLORS.get(str(row["verdict"]), MUTED)
        for what, marker, fill, height in (
            ("difference", "o", color, 0.0),
            ("assay_gain", "D", "white", 0.24),
        ):
            ends = ("ci_low", "ci_high") if what == "difference" else ("assay_low", "assay_high")
            if row[what] is None or row[what] != row[what]:
                continue
            own = color if what == "difference" else INK
            if all(row[end] is not None and row[end] == row[end] for end in ends):
                ax.plot([row[end] * scale for end in ends], [y + height] * 2, color=own, linewidth=1.4)
            ax.plot(row[what] * scale, y + height, marker, color=own, markerfacecolor=fill, markersize=6)
        ax.text(1.01, y, outcome_label(row), transform=ax.get_yaxis_transform(), fontsize=8.5, color=color,
                va="center")  # fmt: skip
    clean(ax, grid="x")
    names = [wrapped(claim_label(row, rows), 70) for row in shown]
    ax.set_yticks(range(len(names)), names, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(names) - 0.3, -0.6)
    unit = "points of " if is_share(metric) else ""
    ax.set_xlabel(f"gain, {unit}{metric_label(metric)}; hollow: positive control", fontsize=9, color=MUTED,
                  parse_math=False)  # fmt: skip
    more = "" if len(shown) == len(rows) else f", the first {len(shown)} of {len(rows)}"
    headline(figure, f"What every claim came to{more}")
    return figure
