"""Transferability before training against what training gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...errors import check
from ...evidence.metrics import CONDITION, STUDY_KEYS
from ...evidence.reading import (
    arm_label,
    baseline_arm,
    compared_metric,
    data_label,
    is_share,
    metric_label,
    network_label,
    place_label,
)
from ...evidence.stats import holm
from ...evidence.transferability import SCORES
from ...evidence.transferability.ranking import rank_agreement
from ...results import Results
from .style import (
    CATEGORIES,
    INK,
    MUTED,
    PAGE_WIDTH,
    blank,
    clean,
    headline,
    new_figure,
    panel_grid,
    shorten,
    title,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = "oDs^vPXp"
_RESAMPLES = 500
_CASE = [*STUDY_KEYS, "arm"]


def score_gains(results: Results) -> pd.DataFrame:
    """Return every score beside the gain that training gave, folds and seeds averaged.

    Parameters
    ----------
    results : Results
        A study with scores and verdicts.

    Returns
    -------
    DataFrame
        One row per direction, network, variant, protocol, arm and score: ``value`` and ``random_value``
        (turned so that larger speaks for transfer), ``z``, ``gain`` and its ``verdict`` (of
        ``results.verdicts``), ``source`` and ``target``. Scores without a value, and arms without a verdict,
        are left out.

    Raises
    ------
    BiotransferError
        When the study has no scores.
    """
    check(
        "scores" in results.extras,
        "the study holds no scores. Add scores: true to the recipe and run it again.",
    )
    table = results.extras["scores"]
    sign = np.where(table["larger_is_better"].to_numpy(bool), 1.0, -1.0)
    table = table.assign(value=sign * table["value"], random_value=sign * table["random_value"])
    means = table.dropna(subset=["value"]).groupby([*_CASE, "score"], sort=False, observed=True)
    scores = means[["value", "random_value", "z"]].mean().reset_index()
    verdicts = results.verdicts[[*_CASE, "source", "target", "difference", "verdict"]]
    return scores.merge(verdicts.rename(columns={"difference": "gain"}), on=_CASE, how="inner")


def score_agreement(results: Results) -> pd.DataFrame:
    """Return whether each score ranks the sources of a target as training did.

    Parameters
    ----------
    results : Results
        A study with scores and verdicts.

    Returns
    -------
    DataFrame
        One row per score: what :func:`.rank_agreement` says, sources ranked inside
        each target (network, variant, protocol and arm), ``tau``, ``ci_low``, ``ci_high``, ``p``, ``n``;
        ``p_holm`` over the scores; ``beats_random`` (share of rows whose score lies above the random-weight
        network's); ``cases``.
    """
    table, rows = score_gains(results), []
    for name in dict.fromkeys(table["score"]):
        part = table[table["score"] == name]
        groups = np.array(
            [place_label(*key) for key in part[["target", *CONDITION, "arm"]].itertuples(index=False)]
        )
        found = rank_agreement(
            part["value"].to_numpy(), part["gain"].to_numpy(), groups, n_resamples=_RESAMPLES
        )
        ahead = float((part["value"] > part["random_value"]).mean())
        rows.append({"score": name, **found, "beats_random": ahead, "cases": len(part)})
    columns = ["score", "tau", "ci_low", "ci_high", "p", "n", "beats_random", "cases"]
    out = pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns, dtype=float)
    known = out["p"].notna().to_numpy()
    out["p_holm"] = np.nan
    if known.any():
        out.loc[known, "p_holm"] = holm(out.loc[known, "p"].to_numpy())
    return out


def plot_scores(results: Results, agreement: pd.DataFrame | None = None) -> Figure:
    """Draw every transferability score against the gain that training gave.

    Parameters
    ----------
    results : Results
        A study with scores and verdicts.
    agreement : DataFrame, optional
        What :func:`score_agreement` gave; computed when not given.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per score; a point is a direction (and network, split rule, arm), its color the target, its
        marker the source; a line joins it to what a random-weight network scores.
    """
    table = score_gains(results)
    agreement = score_agreement(results) if agreement is None else agreement
    ranked = agreement.set_index("score")
    names = list(dict.fromkeys(table["score"]))
    sources, targets = (list(dict.fromkeys(table[end])) for end in ("source", "target"))
    n_rows, n_columns = panel_grid(len(names), 3)
    figure = new_figure(min(3.3 * n_columns, PAGE_WIDTH), 2.7 * n_rows + 0.9)
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True)
    scale = 100.0 if is_share(compared_metric(results)) else 1.0
    for ax, name in zip(axes.flat, names, strict=False):
        _draw_points(ax, table[table["score"] == name], sources, targets, scale)
        tau, p = ranked.loc[name, "tau"], ranked.loc[name, "p"]
        said = "nothing to rank" if np.isnan(tau) else f"τ = {tau:.2f}, p = {p:.2g}"
        title(ax, f"{metric_label(name)}\n{said}")
        turned = "" if SCORES[name].facts["larger_is_better"] else "negative "
        ax.set_xlabel(f"{turned}{metric_label(name)}", fontsize=8.5, color=MUTED, parse_math=False)
    blank(axes, len(names))
    unit = "points" if is_share(compared_metric(results)) else metric_label(compared_metric(results))
    for ax in axes[:, 0]:
        ax.set_ylabel(f"gain, {unit}", fontsize=9, color=MUTED)
    figure.legend(
        handles=_legend(sources, targets), loc="outside lower left", ncols=4, fontsize=8.5, frameon=False,
        labelcolor=INK,
    )  # fmt: skip
    headline(
        figure,
        f"Scores before training, and the gain over {arm_label(baseline_arm(results))} that training gave",
    )
    return figure


def _draw_points(ax: Axes, part: pd.DataFrame, sources: list[str], targets: list[str], scale: float) -> None:
    ax.axhline(0, color=MUTED, linewidth=0.9, zorder=1)
    for row in part.to_dict("records"):
        color = CATEGORIES[targets.index(row["target"]) % len(CATEGORIES)]
        gain, network = row["gain"] * scale, network_label(row["network"], row["variant"])
        ax.plot([row["random_value"], row["value"]], [gain, gain], color=color, linewidth=0.8, alpha=0.45)
        ax.plot(
            row["value"], gain, _MARKERS[sources.index(row["source"]) % len(_MARKERS)], color=color,
            markersize=6.5, markeredgecolor="white", markeredgewidth=0.5, zorder=4,
            gid=f"score:{row['direction']}:{network}:{row['protocol']}:{row['arm']}",
        )  # fmt: skip
    clean(ax)


def _legend(sources: list[str], targets: list[str]) -> list[Any]:
    from matplotlib.lines import Line2D

    look: dict[str, Any] = {"linestyle": "", "markersize": 6.5, "markeredgecolor": "white"}
    return [
        *(
            Line2D([], [], marker="o", color=CATEGORIES[i % len(CATEGORIES)], **look,
                   label=f"target {shorten(data_label(name), 18)}")
            for i, name in enumerate(targets)
        ),
        *(
            Line2D([], [], marker=_MARKERS[i % len(_MARKERS)], color=MUTED, **look,
                   label=f"source {shorten(data_label(name), 18)}")
            for i, name in enumerate(sources)
        ),
    ]  # fmt: skip
