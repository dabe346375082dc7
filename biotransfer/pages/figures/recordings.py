"""One recording, or windows: signal with labels and bad stretches, spectrum, before and after filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import check
from ...signals.mains import STANDS_OUT, hum_ratio
from ...signals.preprocessing import preprocess
from ...signals.recording import Recording, annotation_spans
from ...signals.spectra import MAINS_HZ, harmonics, power_density, spectrum_of
from ...signals.windows import Windows
from .style import (
    CATEGORIES,
    FAINT,
    INK,
    MUTED,
    PAGE_WIDTH,
    clean,
    headline,
    new_figure,
    scale_bar,
    shorten,
    title,
    wrapped,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SECONDS = 10.0
_MOST_WINDOWS = 8
_MOST_CHANNELS = 64
_MOST_LINES = 8
_DECIBELS = 80.0
_MICRO = 1e6


@dataclass(frozen=True, eq=False)
class _Piece:
    """A stretch to draw: microvolt (n_chans, n_times), its rate, first second, labels and bad spans in s."""

    data: np.ndarray
    sfreq: float
    start: float
    classes: tuple[str, ...]
    labels: tuple[tuple[float, float, str], ...]
    bad: tuple[tuple[float, float], ...]
    borders: tuple[float, ...] = ()


def plot_recording(
    signals: Recording | Windows,
    *,
    start: float = 0.0,
    seconds: float = _SECONDS,
    channels: Sequence[str] | None = None,
) -> Figure:
    """Draw a stretch of all channels on one scale, labels shaded, bad stretches hatched.

    Parameters
    ----------
    signals : Recording or Windows
        Signals in V. Of Windows as many as fill ``seconds`` are drawn, at most 8, spread over all of them,
        side by side with a line between them.
    start : float
        First second of a recording to draw. Windows have none.
    seconds : float
        How long.
    channels : sequence of str, optional
        Which channels. Default: all good ones of the modality, at most 64.

    Returns
    -------
    matplotlib.figure.Figure
        Show it in a notebook, or save it: ``figure.savefig("recording.png", dpi=150)``.

    Raises
    ------
    BiotransferError
        For anything else than one Recording or Windows of signals, an unknown channel, or a stretch that is
        not there.

    Examples
    --------
    >>> from biotransfer import simulate_eeg
    >>> len(plot_recording(simulate_eeg(n_subjects=1)[0], seconds=4).axes)
    1
    """
    names = _channels(signals, channels)
    piece = _piece(signals, names, start, seconds)
    figure = new_figure(PAGE_WIDTH, min(1.1 + 0.3 * len(names), 9.0))
    ax = figure.subplots()
    _draw(ax, piece, names)
    ax.set_xlabel("s", fontsize=9, color=MUTED)
    shown = dict.fromkeys(name for *_, name in piece.labels)
    classes = list(signals.classes)
    handles = [_patch(_color(name, classes), name) for name in shown]
    if piece.bad:
        handles.append(_patch(FAINT, "bad", hatch="////"))
    if handles:
        figure.legend(handles=handles, loc="outside lower left", ncols=min(len(handles), 8), fontsize=9,
                      frameon=False, labelcolor=INK)  # fmt: skip
    headline(figure, _name(signals))
    return figure


def plot_psd(signals: Recording | Windows, *, channels: Sequence[str] | None = None) -> Figure:
    """Draw the power spectrum of every channel, with the hum of the mains marked where it stands out.

    Parameters
    ----------
    signals : Recording or Windows
        Signals in V.
    channels : sequence of str, optional
        Which channels. Default: all good ones of the modality, at most 64.

    Returns
    -------
    matplotlib.figure.Figure
        Up to 8 channels each in its color; of more, all in gray, and those in color whose mean level lies
        farthest from the median of the channels.

    Raises
    ------
    BiotransferError
        As for :func:`plot_recording`, and for recordings without a stretch of 1 s.
    """
    names = _channels(signals, channels)
    freqs, level = _levels(signals, names)
    figure = new_figure(0.75 * PAGE_WIDTH, 3.6)
    ax = figure.subplots()
    apart = np.argsort(-np.abs(level.mean(axis=1) - np.median(level.mean(axis=1))), kind="stable")
    colored = sorted(apart[:_MOST_LINES] if len(names) > _MOST_LINES else range(len(names)))
    for i in range(len(names)):
        if i not in colored:
            ax.plot(freqs, level[i], color=FAINT, linewidth=0.8)
    for k, i in enumerate(colored):
        ax.plot(
            freqs, level[i], color=CATEGORIES[k % len(CATEGORIES)], linewidth=1.3, label=shorten(names[i], 12)
        )
    _spectrum_axes(ax, freqs, level)
    _mark_hum(ax, freqs, level)
    ax.legend(fontsize=8, frameon=False, labelcolor=INK, ncols=2, loc="upper right")
    headline(figure, f"{_name(signals)}: power spectrum")
    return figure


def plot_before_after(
    before: Recording | Windows,
    after: Recording | Windows | None = None,
    *,
    steps: Any = None,
    start: float = 0.0,
    seconds: float = 5.0,
    channels: Sequence[str] | None = None,
) -> Figure:
    """Draw signals before and after preprocessing, in time and as spectra.

    Parameters
    ----------
    before : Recording or Windows
        Signals in V.
    after : Recording or Windows, optional
        The same after preprocessing. Default: what ``steps`` make of a recording.
    steps : str, mapping or list, optional
        See ``preprocess``. Default: the preset of the recording's modality.
    start, seconds, channels
        As for :func:`plot_recording`; at most 8 channels, spread over all of them.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels of signals, each on its own scale, and one of spectra: the median over channels, with the
        range of all of them.

    Raises
    ------
    BiotransferError
        As for :func:`plot_recording`, and for Windows without ``after``.
    """
    names = _channels(before, channels)
    if after is None:
        check(
            isinstance(before, Recording),
            "after is missing: windows cannot be preprocessed. Pass those of preprocessed recordings.",
        )
        assert isinstance(before, Recording)
        after = preprocess(before, steps)
    kept = [name for name in names if name in _all_channels(after)]
    check(kept, f"after={_name(after)!r} has none of the channels {', '.join(names[:5])}. Name others.")
    kept = [kept[i] for i in np.linspace(0, len(kept) - 1, min(len(kept), _MOST_LINES)).astype(int)]
    figure = new_figure(PAGE_WIDTH, 5.2)
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 2))
    colors = (CATEGORIES[1], CATEGORIES[0])
    spectra = figure.add_subplot(grid[:, 1])
    levels = []
    for row, (what, signals, color) in enumerate(
        zip(("before", "after"), (before, after), colors, strict=True)
    ):
        ax = figure.add_subplot(grid[row, 0])
        _draw(ax, _piece(signals, kept, start, seconds), kept, color=color)
        title(ax, what)
        freqs, level = _levels(signals, kept)
        levels.append(level)
        spectra.fill_between(
            freqs, level.min(axis=0), level.max(axis=0), color=color, alpha=0.15, linewidth=0
        )
        spectra.plot(freqs, np.median(level, axis=0), color=color, linewidth=1.4, label=what)
        if row:
            ax.set_xlabel("s", fontsize=9, color=MUTED)
            _spectrum_axes(spectra, freqs, np.concatenate([part.ravel() for part in levels])[None])
        else:
            _mark_hum(spectra, freqs, level)
    title(spectra, "spectrum: median, range")
    spectra.legend(fontsize=9, frameon=False, labelcolor=INK, loc="upper right")
    headline(figure, f"{_name(before)} before and after preprocessing")
    return figure


def _name(signals: Recording | Windows) -> str:
    if isinstance(signals, Recording):
        return signals.uid
    return f"{', '.join(sorted(set(signals.metadata['dataset'])))}: {len(signals)} windows"


def _all_channels(signals: Recording | Windows) -> list[str]:
    return signals.ch_names if isinstance(signals, Recording) else list(signals.names)


def _channels(signals: Any, asked: Sequence[str] | None) -> list[str]:
    check(
        isinstance(signals, (Recording, Windows)),
        f"signals={type(signals).__name__} is no Recording and no Windows. Pass one, such as recordings[0].",
    )
    check(
        isinstance(signals, Recording) or signals.sfreq is not None,
        "signals are features: they have no course in time. Pass what cut_windows(...) returned.",
    )
    there = _all_channels(signals)
    if asked is None:
        return there[:_MOST_CHANNELS]
    names = [asked] if isinstance(asked, str) else list(asked)
    unknown = [name for name in names if name not in there]
    check(
        not unknown and names,
        f"channels={names!r}: {', '.join(map(str, unknown)) or 'none'} is not there. Use some of: "
        f"{', '.join(there)}.",
    )
    return names


def _piece(signals: Recording | Windows, names: Sequence[str], start: float, seconds: float) -> _Piece:
    check(seconds > 0, f"seconds={seconds} is no length. Expected a number above 0, such as 10.")
    if isinstance(signals, Windows):
        return _windows_piece(signals, names, seconds)
    raw, sfreq = signals.raw, signals.sfreq
    first, last = round(start * sfreq), min(round((start + seconds) * sfreq), raw.n_times)
    check(
        0 <= first < last,
        f"start={start:g} s lies outside of {signals.uid!r}, which lasts {raw.n_times / sfreq:.1f} s. "
        "Choose an earlier start.",
    )
    data = raw.get_data(picks=list(names), start=first, stop=last) * _MICRO
    labels, bad, borders = [], [], []
    for span in annotation_spans(raw):
        ends = max(span.first, first) / sfreq, min(span.last, last) / sfreq
        if span.is_boundary and span.first == span.last and first < span.first < last:
            borders.append(span.first / sfreq)
        elif ends[1] > ends[0] and span.is_boundary:
            bad.append(ends)
        elif ends[1] > ends[0] and span.description in signals.classes:
            labels.append((*ends, span.description))
    return _Piece(data, sfreq, first / sfreq, signals.classes, tuple(labels), tuple(bad), tuple(borders))


def _windows_piece(windows: Windows, names: Sequence[str], seconds: float) -> _Piece:
    sfreq = float(windows.sfreq or 1.0)
    length = windows.X.shape[-1] / sfreq
    n = max(1, min(_MOST_WINDOWS, len(windows), int(seconds / length)))
    rows = np.linspace(0, len(windows) - 1, n).astype(int)
    picks = [list(windows.names).index(name) for name in names]
    data = np.concatenate([np.asarray(windows.X[i])[picks] for i in rows], axis=1) * _MICRO
    labels = tuple((k * length, (k + 1) * length, windows.classes[windows.y[i]]) for k, i in enumerate(rows))
    return _Piece(
        data, sfreq, 0.0, tuple(windows.classes), labels, (), tuple(k * length for k in range(1, n))
    )


def _color(name: str, classes: Sequence[str]) -> str:
    return CATEGORIES[classes.index(name) % len(CATEGORIES)] if name in classes else FAINT


def _patch(color: str, label: str, **look: Any) -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=color, alpha=0.35, label=wrapped(label.replace("_", " "), 40), linewidth=0, **look)


def _draw(ax: Axes, piece: _Piece, names: Sequence[str], color: str = INK) -> None:
    """Draw channels around their medians, all on one scale, over shaded labels."""
    data = piece.data - np.median(piece.data, axis=1, keepdims=True)
    spread = float(np.median(np.percentile(np.abs(data), 98, axis=1))) or float(np.abs(data).max()) or 1.0
    step = 2.4 * spread
    offsets = -step * np.arange(len(names))
    times = piece.start + np.arange(data.shape[1]) / piece.sfreq
    for first, last, name in piece.labels:
        ax.axvspan(first, last, color=_color(name, piece.classes), alpha=0.13, linewidth=0)
    for first, last in piece.bad:
        ax.axvspan(first, last, facecolor="none", edgecolor=FAINT, hatch="////", linewidth=0)
    for place in piece.borders:
        ax.axvline(place, color=INK, linewidth=0.8, linestyle=(0, (2, 2)))
    shown = np.clip(data, -2 * step, 2 * step) + offsets[:, None]
    ax.plot(times, shown.T, color=color, linewidth=0.6)
    clean(ax, grid=None)
    ax.spines["left"].set_visible(False)
    every = -(-len(names) // 32)
    ax.set_yticks(offsets[::every], [shorten(n, 10) for n in names[::every]], parse_math=False)
    ax.tick_params(axis="y", length=0, labelsize=8)
    ax.set_ylim(offsets[-1] - step, step)
    ax.set_xlim(times[0], times[0] + data.shape[1] / piece.sfreq)
    scale_bar(ax, spread, float(offsets[-1]))


def _levels(signals: Recording | Windows, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies above 0 and the power of the channels there, in dB re 1 microvolt^2/Hz."""
    picks = [_all_channels(signals).index(name) for name in names]
    if isinstance(signals, Recording):
        found = spectrum_of(signals)
        check(
            found is not None,
            f"{signals.uid!r} has no stretch of 1 s without a border: no spectrum. Draw another.",
        )
        assert found is not None
        freqs, power = found
    else:
        rows = np.linspace(0, len(signals) - 1, min(len(signals), 400)).astype(int)
        X = np.asarray(signals.X[rows], dtype=np.float64)
        freqs, density = power_density(X, float(signals.sfreq or 1.0))
        power = density.mean(axis=0)
    return freqs[1:], 10 * np.log10(np.maximum(power[picks][:, 1:] * _MICRO**2, 1e-12))


def _spectrum_axes(ax: Axes, freqs: np.ndarray, level: np.ndarray) -> None:
    clean(ax, grid="both")
    highest = float(level.max())
    ax.set_xlim(0, float(freqs[-1]))
    ax.set_ylim(max(float(level.min()), highest - _DECIBELS) - 2, highest + 6)
    ax.set_xlabel("Hz", fontsize=9, color=MUTED)
    ax.set_ylabel("dB re 1 µV²/Hz", fontsize=9, color=MUTED)


def _mark_hum(ax: Axes, freqs: np.ndarray, level: np.ndarray) -> None:
    """Mark the frequencies at which hum stands out in a channel: those of the line that shows more."""
    shown: dict[float, list[float]] = {}
    for line in MAINS_HZ:
        for freq in harmonics(line, 2 * float(freqs[-1])):
            ratio = hum_ratio(freqs, 10 ** (level / 10), freq)
            if ratio is not None and np.nanmax(ratio) > STANDS_OUT:
                shown.setdefault(line, []).append(freq)
    for freq in max(shown.values(), key=len, default=[]):
        ax.axvline(freq, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1.5, gid=f"hum:{freq:g}")
        ax.text(freq, 0.995, f" {freq:g} Hz hum", transform=ax.get_xaxis_transform(), rotation=90, fontsize=7,
                va="top", ha="right", color=MUTED)  # fmt: skip
