"""A look at the data: a stretch of signal of every class, and its spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import check, check_option
from ...evidence.reading import arm_label, data_label
from ...results import Results
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
    scale_bar,
    shorten,
    title,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_PANELS = 8
_DECIBELS = 70.0


def plot_signals(results: Results, modality: str) -> Figure:
    """Draw the stored stretch of every class: all channels on one scale, each around its median.

    Parameters
    ----------
    results : Results
        A study.
    modality : str
        A key of ``results.data``, such as "eeg".

    Returns
    -------
    matplotlib.figure.Figure
        One panel per class.

    Raises
    ------
    BiotransferError
        When the study holds no such data or stored no excerpt.
    """
    check_option("modality", modality, results.data)
    facts = results.data[modality]
    excerpts: dict[str, Any] = facts.get("excerpts") or {}
    check(excerpts, f"data.json holds no excerpt of {modality!r}. Run the study again to rebuild it.")
    order = [c for c in facts["classes"] if c in excerpts]
    signals = {c: np.asarray(excerpts[c]["signals"], dtype=float) for c in order}
    signals = {c: s - np.median(s, axis=1, keepdims=True) for c, s in signals.items()}
    names = list(facts["ch_names"])
    spread = max(float(np.percentile(np.abs(s), 98)) for s in signals.values()) or 1.0
    step = 2.2 * spread
    n_rows, n_columns = panel_grid(len(signals), 5)
    height = min(0.55 + 0.27 * len(names), 4.2)
    figure = new_figure(PAGE_WIDTH, 0.4 + n_rows * height)
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True)
    offsets = -step * np.arange(len(names))
    for i, (ax, (name, values)) in enumerate(zip(axes.flat, signals.items(), strict=False)):
        times = np.asarray(excerpts[name]["times"], dtype=float)
        ax.plot(times - times[0], (values + offsets[:, None]).T, color=CATEGORIES[0], linewidth=0.6)
        clean(ax, grid=None)
        ax.spines["left"].set_visible(False)
        shown = names if len(names) <= 24 else names[:: -(-len(names) // 24)]
        positions = [offsets[names.index(n)] for n in shown]
        ax.set_yticks(positions, [shorten(n, 10) for n in shown], parse_math=False)
        ax.tick_params(axis="y", length=0, labelsize=8)
        ax.set_ylim(offsets[-1] - step, step)
        ax.set_xlim(0, float(times[-1] - times[0]) or 1.0)
        title(ax, wrapped(arm_label(name), 24))
        if i >= len(signals) - n_columns:
            ax.set_xlabel("s", fontsize=9, color=MUTED)
    blank(axes, len(signals))
    scale_bar(axes.flat[len(signals) - 1], spread, -step * (len(names) - 1))
    who = sorted({str(e["subject"]) for e in excerpts.values()})
    headline(figure, f"{data_label(modality)} after preprocessing, subject {shorten(', '.join(who), 40)}")
    return figure


def plot_spectra(results: Results, modality: str) -> Figure:
    """Draw the power spectrum of every class.

    Parameters
    ----------
    results : Results
        A study.
    modality : str
        A key of ``results.data``, such as "eeg".

    Returns
    -------
    matplotlib.figure.Figure
        One panel per channel up to 8 channels; above, the mean over channels with the range that holds
        80 % of them. What lies 70 dB below the highest power, in the stop band of a filter, is cut off.

    Raises
    ------
    BiotransferError
        When the study holds no such data or stored no spectrum.
    """
    check_option("modality", modality, results.data)
    facts = results.data[modality]
    psd = facts.get("psd") or {}
    check(psd, f"data.json holds no spectrum of {modality!r}. Run the study again to rebuild it.")
    freqs = np.asarray(psd["freqs"], dtype=float)
    levels = {c: np.asarray(v, dtype=float) for c, v in psd["classes"].items()}
    names = list(facts["ch_names"])
    pooled = len(names) > _MOST_PANELS
    n_rows, n_columns = (1, 1) if pooled else panel_grid(len(names), 4)
    figure = new_figure(0.62 * PAGE_WIDTH if pooled else PAGE_WIDTH, 0.9 + n_rows * (3.0 if pooled else 1.9))
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    for i, (name, level) in enumerate(levels.items()):
        color = CATEGORIES[i % len(CATEGORIES)]
        label = wrapped(arm_label(name), 40)
        dashes = "-" if i < len(CATEGORIES) // 2 else (0, (4, 1))
        if pooled:
            low, high = np.percentile(level, [10, 90], axis=0)
            axes[0, 0].fill_between(freqs, low, high, color=color, alpha=0.12, linewidth=0)
            level = level.mean(axis=0, keepdims=True)
        for ax, values in zip(axes.flat, level, strict=False):
            ax.plot(freqs, values, color=color, linestyle=dashes, linewidth=1.3, label=label)
    everything = np.stack(list(levels.values()))
    lowest, highest = float(everything.min()), float(everything.max())
    floor = max(lowest, highest - _DECIBELS)
    last = freqs[np.flatnonzero((everything >= floor).any(axis=(0, 1)))[-1]]
    for j, ax in enumerate(axes.flat):
        if j >= (1 if pooled else len(names)):
            ax.set_axis_off()
            continue
        clean(ax, grid="both")
        ax.set_xlim(0, last)
        ax.set_ylim(floor, highest + 3)
        title(ax, f"mean of {len(names)} channels" if pooled else shorten(names[j], 24))
        if j >= n_rows * n_columns - n_columns:
            ax.set_xlabel("Hz", fontsize=9, color=MUTED)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=min(len(labels), 6), fontsize=9,
                  frameon=False, labelcolor=INK)  # fmt: skip
    for ax in axes[:, 0]:
        ax.set_ylabel("dB re 1 µV²/Hz", fontsize=9, color=MUTED)
    headline(figure, f"{data_label(modality)}: power spectrum of each class")
    for spine in (s for ax in axes.flat for s in ax.spines.values()):
        spine.set_edgecolor(FAINT)
    return figure
