"""What both sides have under one name: statistics of channels that meet by a stated rule."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace

import numpy as np

from ...errors import check, check_option
from ...signals.windows import Windows
from ...signals.windows.columns import Column
from .transform import Transform, keep

RULES = ("order", "name", "pooled")
Key = tuple[Hashable, ...]


def matched(source: Windows, target: Windows, *, channels: str | None = None) -> tuple[Transform, Transform]:
    """Keep what both sides have under one name: statistics of features, or channels of signals.

    Parameters
    ----------
    source, target : Windows
        Scaled features or signals of training rows.
    channels : {"order", "name", "pooled"}, optional
        Which channels meet: the first of one side and the first of the other, the second and the second, and
        so on; those of one name; or all, each statistic being the mean over its side's channels (or pairs).
        By default by name where the sides share a channel, and for signals; else by order.

    Raises
    ------
    BiotransferError
        When nothing is shared, or signals are to be pooled.

    Notes
    -----
    EEG and EMG share no channel, so that by order the first electrode of one meets the first of the other:
    one shape and one statistic, not one place. Pooled, only the statistic has to mean the same.
    """
    if channels is not None:
        check_option("align matched: channels", channels, RULES)
    rule = channels or _usual_rule(source, target)
    check(
        rule != "pooled" or not (source.is_signal or target.is_signal),
        "align matched: channels='pooled' averages statistics, these windows are signals. Add features, or "
        "use channels: order or name.",
    )
    ours, theirs = _keyed(source, rule), _keyed(target, rule)
    shared = [key for key in theirs if key in ours]
    check(
        shared,
        f"align matched: source ({source.modality}: {', '.join(source.names[:3])}, ...) and target "
        f"({target.modality}: {', '.join(target.names[:3])}, ...) share no name, channels by {rule}. "
        "Use channels: order or pooled, features: statistical, whose statistics both modalities share, "
        "or align: none, which starts the first layer afresh.",
    )
    names = tuple(_name(key, rule, target.names[theirs[key][0]]) for key in shared)
    step = f"{len(shared)} columns named alike, channels by {rule}"
    first, second = (
        _take(windows, [keyed[key] for key in shared], names, step)
        for windows, keyed in ((source, ours), (target, theirs))
    )
    return first, second


def _channels(windows: Windows) -> list[str]:
    """Return the channels that columns are of, in the order in which they appear."""
    if windows.is_signal:
        return list(windows.names)
    found = [windows.columns[name].channels for name in windows.names if name in windows.columns]
    return list(dict.fromkeys(channel for channels in found for channel in channels))


def _usual_rule(source: Windows, target: Windows) -> str:
    shares = set(_channels(source)) & set(_channels(target))
    return "name" if shares or source.is_signal or target.is_signal else "order"


def _keyed(windows: Windows, rule: str) -> dict[Key, list[int]]:
    """Return the columns by what they are called under a rule."""
    place = {channel: str(i) for i, channel in enumerate(_channels(windows))}
    keyed: dict[Key, list[int]] = {}
    for i, name in enumerate(windows.names):
        keyed.setdefault(_key(_column(windows, name), rule, place), []).append(i)
    return keyed


def _column(windows: Windows, name: str) -> Column:
    return Column("", (name,)) if windows.is_signal else windows.columns.get(name, Column(name))


def _key(column: Column, rule: str, place: Mapping[str, str]) -> Key:
    """Return the statistic, and its channels: by position, by name in one order, or not at all."""
    if rule == "order":
        return (column.stat, *(place[channel] for channel in column.channels))
    if rule == "name":
        return (column.stat, *sorted(column.channels))
    return (column.stat, len(column.channels))


def _name(key: Key, rule: str, own: str) -> str:
    """Return what a shared column is called: as the target's own, by its statistic, or with positions."""
    if rule == "name":
        return own
    return str(key[0]) if rule == "pooled" else "_".join(str(part) for part in key if part != "")


def _take(windows: Windows, groups: list[list[int]], names: tuple[str, ...], step: str) -> Transform:
    """Return the transform that gives a column of every group, the mean where there are several."""
    columns = np.array([i for group in groups for i in group])
    if len(columns) == len(groups):
        return replace(keep(windows, columns, step), names=names)
    matrix = np.zeros((len(columns), len(groups)))
    place = 0
    for k, group in enumerate(groups):
        matrix[place : place + len(group), k] = 1 / len(group)
        place += len(group)
    return replace(keep(windows, columns, step), names=names, matrix=matrix)
