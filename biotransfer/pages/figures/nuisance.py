"""What the label can be read from besides the signal: nuisance families, mains hum by class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...errors import check, check_option
from ...evidence.checks import family_table
from ...evidence.checks.common import final_values
from ...evidence.checks.levels import baseline_levels
from ...evidence.reading import arm_label, arms_of, data_label, ends_in, network_label, protocol_label
from ...evidence.stats import SHARES, mean_interval
from ...results import Results
from .style import (
    CATEGORIES,
    FAINT,
    INK,
    MUTED,
    PAGE_WIDTH,
    arm_look,
    blank,
    clean,
    headline,
    new_figure,
    panel_grid,
    shorten,
    title,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_CHANNELS = 4
_NUISANCE = "#B03A00"


def plot_nuisance(results: Results, target: str) -> Figure:
    """Draw what every arm and every family of nuisance features reaches, before and after a notch.

    Parameters
    ----------
    results : Results
        A study with nuisance baselines.
    target : str
        A key of ``results.data``, such as "eeg".

    Returns
    -------
    matplotlib.figure.Figure
        One panel per split rule: balanced accuracy, mean over people with its 95 % interval.

    Raises
    ------
    BiotransferError
        When the study holds no nuisance baselines of ``target``.
    """
    families = family_table(results)
    check(len(families), "the study holds no nuisance baselines. Run it with nuisance: true.")
    check_option("target", target, families["target"].unique())
    families = families[families["target"] == target]
    finals = final_values(results.at_largest_budget(), "balanced_accuracy")
    finals = finals[finals["direction"].isin(ends_in(results, target))]
    protocols = list(dict.fromkeys(families["protocol"]))
    panels = [_levels(results, finals, families, protocol) for protocol in protocols]
    n_rows, n_columns = panel_grid(len(panels), 2)
    tallest = max(len(panel) for panel in panels)
    figure = new_figure(
        PAGE_WIDTH if n_columns > 1 else 0.8 * PAGE_WIDTH, n_rows * (0.22 * tallest + 0.9) + 0.3
    )
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True)
    for ax, protocol, panel in zip(axes.flat, protocols, panels, strict=False):
        part = families[families["protocol"] == protocol]
        _draw_levels(ax, panel, float(part["chance"].mean()))
        title(ax, protocol_label(protocol))
    blank(axes, len(panels))
    headline(figure, f"{data_label(target)}: what the label can be read from")
    return figure


def _levels(
    results: Results, finals: pd.DataFrame, families: pd.DataFrame, protocol: str
) -> list[dict[str, Any]]:
    """Return the rows of one panel from top to bottom: arms, then families."""
    rows: list[dict[str, Any]] = []
    part = finals[finals["protocol"] == protocol]
    several = len(part[["direction", "network", "variant"]].drop_duplicates()) > 1
    arms = arms_of(results)
    groups = part.groupby(["direction", "network", "variant", "arm"], sort=False)
    for (direction, network, variant, arm), mine in sorted(groups, key=lambda g: arms.index(g[0][-1])):
        values = mine["value"].to_numpy()
        low, high = mean_interval(values, limits=SHARES)
        source = results.directions[direction].source
        where = f" ({network_label(network, variant)}, from {source})" if several else ""
        look = arm_look(str(arm), arms)
        points = [(float(values.mean()), low, high, True)]
        rows.append({"name": arm_label(str(arm)) + where, "points": points, "color": look.color,
                     "marker": look.marker})  # fmt: skip
    shallow = baseline_levels(results)
    ends = shallow["direction"].isin(ends_in(results, families["target"].iloc[0]))
    shallow = shallow[ends & (shallow["protocol"] == protocol)]
    for _, row in shallow.drop_duplicates(["name", "value"]).iterrows():
        points = [(row["value"], row["low"], row["high"], True)]
        source = results.directions[row["direction"]].source
        where = f", as for {row['network']} from {source}" if several else ""
        rows.append({"name": f"{arm_label(row['name'])} (shallow{where})", "points": points, "color": INK,
                     "marker": "|"})  # fmt: skip
    here = families[families["protocol"] == protocol]
    raw = here[here["stage"] == "raw"].sort_values("value", ascending=False)
    for _, row in raw.iterrows():
        quiet = here[(here["stage"] == "notch") & (here["family"] == row["family"])]
        points = [(row["value"], row["low"], row["high"], True)]
        points += [(q["value"], q["low"], q["high"], False) for _, q in quiet.iterrows()]
        name = "all nuisance" if row["family"] == "all" else row["family"]
        rows.append({"name": name + ("" if row["counts"] else " (not judged)"), "points": points,
                     "color": _NUISANCE if row["counts"] else MUTED, "marker": "s"})  # fmt: skip
    return rows


def _draw_levels(ax: Axes, rows: list[dict[str, Any]], chance: float) -> None:
    from matplotlib.ticker import PercentFormatter

    ax.axvline(chance, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
    for i, row in enumerate(rows):
        for j, (value, low, high, filled) in enumerate(row["points"]):
            y = i + 0.26 * j
            if np.isfinite([low, high]).all():
                ax.plot([low, high], [y, y], color=row["color"], linewidth=1.8 if filled else 0.9,
                        solid_capstyle="butt", alpha=0.8)  # fmt: skip
            ax.plot(value, y, row["marker"], color=row["color"], markersize=6 if filled else 5,
                    markerfacecolor=row["color"] if filled else "white", zorder=4,
                    gid=f"level:{row['name']}:{'raw' if filled else 'notch'}")  # fmt: skip
    n_arms = sum(row["marker"] != "s" or row["color"] not in (_NUISANCE, MUTED) for row in rows)
    ax.axhline(n_arms - 0.5, color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
    clean(ax, grid="x")
    ax.set_yticks(range(len(rows)), [wrapped(row["name"], 50) for row in rows], color=INK, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_xlabel("balanced accuracy", fontsize=9, color=MUTED)


def plot_mains(results: Results, target: str) -> Figure:
    """Draw the share of the power that lies at the mains frequency, by person, class and channel.

    Parameters
    ----------
    results : Results
        A study with nuisance baselines.
    target : str
        A key of ``results.data``, such as "eeg".

    Returns
    -------
    matplotlib.figure.Figure
        One panel per channel, at most the four whose shares differ most between classes: median over windows,
        before (filled) and after (hollow) a notch.

    Raises
    ------
    BiotransferError
        When the study measured no mains hum in ``target``.
    """
    check_option("target", target, results.data)
    facts = results.data[target].get("nuisance")
    check(facts, f"the study measured no mains hum in {target!r}. Run it with nuisance: true.")
    assert facts is not None
    classes, share = list(results.data[target]["classes"]), facts["share"]
    people = list(share["raw"])
    values = {
        stage: np.array(
            [
                [np.full(len(facts["ch_names"]), np.nan) if c not in of else of[c] for c in classes]
                for of in share[stage].values()
            ],
            dtype=float,
        )
        for stage in ("raw", "notch")
    }
    present = np.isfinite(values["raw"])
    spread = np.where(present, values["raw"], -np.inf).max(1) - np.where(present, values["raw"], np.inf).min(
        1
    )
    shown = np.sort(np.argsort(-spread.mean(0), kind="stable")[:_MOST_CHANNELS])
    figure = new_figure(PAGE_WIDTH, 2.7)
    axes = figure.subplots(1, len(shown), squeeze=False, sharey=True)[0]
    offsets = np.linspace(-0.25, 0.25, len(classes)) if len(classes) > 1 else np.zeros(1)
    for ax, channel in zip(axes, shown, strict=True):
        for k, name in enumerate(classes):
            x = np.arange(len(people)) + offsets[k]
            for stage, face in (("raw", CATEGORIES[k % len(CATEGORIES)]), ("notch", "white")):
                ax.plot(x, 100 * values[stage][:, k, channel], "o", color=CATEGORIES[k % len(CATEGORIES)],
                        markerfacecolor=face, markersize=5 if stage == "raw" else 3.5,
                        label=arm_label(name) if stage == "raw" else None, gid=f"{stage}:{name}")  # fmt: skip
        clean(ax)
        ax.set_xticks(range(len(people)), [shorten(p, 8) for p in people], color=INK, parse_math=False,
                      rotation=0 if len(people) <= 8 else 90)  # fmt: skip
        title(ax, str(facts["ch_names"][channel]))
    axes[0].set_ylabel(f"% of power at {facts['line']:g} Hz", fontsize=9, color=MUTED)
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8.5)
    headline(figure, f"{data_label(target)}: mains hum by person and class, before any filter")
    return figure
