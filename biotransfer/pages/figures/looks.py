"""A small picture of every recording of a data set, as it was loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import check, check_option
from ...evidence.reading import data_label
from ...results import Results
from ...signals.quality.looks import looks_of
from .style import (
    CATEGORIES,
    FAINT,
    INK,
    MUTED,
    PAGE_WIDTH,
    blank,
    clean,
    headline,
    new_figure,
    panel_grid,
    shorten,
    wrapped,
)

__all__ = ["draw_looks", "looks_of", "plot_looks"]

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_looks(results: Results, modality: str) -> Figure:
    """Draw the range of every channel over the whole of each recording, labels as a strip below.

    Parameters
    ----------
    results : Results
        A study.
    modality : str
        A key of ``results.data``, such as "eeg".

    Returns
    -------
    matplotlib.figure.Figure
        One panel per recording, at most 24 spread over the set and 8 channels of each, before any filter, on
        one scale for all: what is louder looks louder.

    Raises
    ------
    BiotransferError
        When the study holds no such data or stored no look at its recordings.
    """
    check_option("modality", modality, results.data)
    facts = results.data[modality]
    looks: list[dict[str, Any]] = facts.get("looks") or []
    check(looks, f"data.json holds no look at recordings of {modality!r}. Run the study again to rebuild it.")
    of = facts.get("n_recordings") or len(looks)
    return draw_looks(
        looks, list(facts["classes"]), f"{data_label(modality)} as loaded: {len(looks)} of {of} recordings"
    )


def draw_looks(looks: Sequence[Mapping[str, Any]], classes: list[str], heading: str) -> Figure:
    """Draw what :func:`.looks_of` gives, one panel per recording."""
    spans = [np.asarray(look["high"]) - np.asarray(look["low"]) for look in looks]
    step = 1.2 * float(np.median([np.median(np.percentile(span, 90, axis=1)) for span in spans])) or 1.0
    n_rows, n_columns = panel_grid(len(looks), 4)
    most = max(len(look["ch_names"]) for look in looks)
    figure = new_figure(PAGE_WIDTH, 0.7 + n_rows * (0.55 + 0.11 * most))
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    for ax, look in zip(axes.flat, looks, strict=False):
        low, high = (np.asarray(look[end], dtype=float) for end in ("low", "high"))
        seconds = float(look["seconds"])
        times = (np.arange(low.shape[1]) + 0.5) * seconds / low.shape[1]
        offsets = -step * np.arange(len(low))
        bottom = offsets[-1] - 1.5 * step
        for first, last in look["bad"]:
            ax.axvspan(first, last, facecolor="none", edgecolor=FAINT, hatch="////", linewidth=0)
        for i, offset in enumerate(offsets):
            ends = np.clip([low[i], high[i]], -1.5 * step, 1.5 * step) + offset
            ax.fill_between(times, *ends, color=INK, linewidth=0.3, alpha=0.75)
        for name, first, last in look["labels"]:
            ax.axvspan(
                first, last, 0, 0.06, color=CATEGORIES[classes.index(name) % len(CATEGORIES)], linewidth=0
            )
        clean(ax, grid=None)
        ax.spines["left"].set_visible(False)
        ax.set_yticks([])
        ax.set_xlim(0, seconds)
        ax.set_ylim(bottom, 1.5 * step)
        ax.set_xticks([0, seconds], ["0", f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"])
        ax.tick_params(axis="x", labelsize=7)
        name = str(look["recording"]).partition("/")[2].replace("sub-", "").replace("/ses-1", "")
        ax.set_title(shorten(name, 28), loc="left", fontsize=8, color=INK, parse_math=False)
    blank(axes, len(looks))
    used = {label[0] for look in looks for label in look["labels"]}
    handles = [_patch(name, i) for i, name in enumerate(classes) if name in used]
    figure.legend(handles=handles, loc="outside lower left", ncols=min(len(handles), 8), fontsize=8,
                  frameon=False, labelcolor=MUTED)  # fmt: skip
    headline(figure, heading)
    return figure


def _patch(name: str, place: int) -> Any:
    from matplotlib.patches import Patch

    return Patch(
        facecolor=CATEGORIES[place % len(CATEGORIES)], linewidth=0, label=wrapped(name.replace("_", " "), 40)
    )
