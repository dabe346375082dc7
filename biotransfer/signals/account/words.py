"""The account in a few lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from ..windows.fates import FATES
from .tables import LOST

_MOST_NAMED = 3
_TENTH = 0.1
_NAMED = re.compile(r"\S+\.\w+")
"""A file that a reason names: reasons that differ in nothing else are one."""


def say_account(people: pd.DataFrame, files: pd.DataFrame) -> list[str]:
    """Return what was found, what is used, and what was lost.

    Parameters
    ----------
    people : DataFrame
        By person, see :func:`.account`.
    files : DataFrame
        By file.

    Returns
    -------
    list of str
        Sentences without their stop.
    """
    return [line for line in (_say_files(files), _say_signal(people), _say_windows(people)) if line]


def show_people(people: pd.DataFrame) -> str:
    """Return the account by person as text: what differs between people, a line each."""
    lost = [f"lost_{fate}" for fate in LOST]
    shown = people.drop(columns=["why_not_used", *lost]).round({"seconds": 1, "seconds_in_windows": 1})
    kinds = [str(name) for name in shown if str(name).endswith("_uV")]
    return str(shown.round(dict.fromkeys(kinds, 2)).to_string(index=False))


def _say_files(files: pd.DataFrame) -> str:
    named = files[files["file"] != ""]
    if named.empty:
        return ""
    unused = named[~named["used"].astype(bool)]
    said = f"files: {len(named)} found"
    if unused.empty:
        return f"{said}, all of them used"
    reasons: dict[str, list[str]] = {}
    for row in unused.to_dict("records"):
        kind = str(row["why"]).replace(str(row["file"]), "it")
        reasons.setdefault(_NAMED.sub("another", kind), []).append(f"{row['file']} ({row['why']})")
    shown = [
        files[0] if len(files) == 1 else f"{len(files)} such as {files[0]}"
        for files in sorted(reasons.values(), key=lambda files: -len(files))
    ]
    more = f" and {len(shown) - _MOST_NAMED} more reasons" if len(shown) > _MOST_NAMED else ""
    return f"{said}, {len(unused)} not used: {', '.join(shown[:_MOST_NAMED])}{more}"


def _say_signal(people: pd.DataFrame) -> str:
    total, inside = people["seconds"].sum(), people["seconds_in_windows"].sum()
    said = (
        f"signal: {people['recordings'].sum()} recordings, {people['trials'].sum()} labelled stretches, "
        f"{total:.1f} s, of which {inside:.1f} s are in windows"
    )
    lost = {fate: float(people[f"lost_{fate}"].sum()) for fate in LOST}
    parts = [f"{FATES[fate]} {_seconds(seconds)}" for fate, seconds in lost.items() if seconds > 0]
    return f"{said}; not in windows: {', '.join(parts)}" if parts else said


def _say_windows(people: pd.DataFrame) -> str:
    columns = [name for name in people if str(name).startswith("windows_")]
    own = people[people["recordings"] > 0]
    if own.empty or not columns:
        return ""
    counts = own[columns].to_numpy()
    said = f"windows of a person and class: {counts.min()} to {counts.max()}"
    none = [
        f"{row['subject']} of {column.removeprefix('windows_')}"
        for row in own.to_dict("records")
        for column in map(str, columns)
        if row[column] == 0
    ]
    more = f" and {len(none) - _MOST_NAMED} more" if len(none) > _MOST_NAMED else ""
    return f"{said}; none: {_joined(none[:_MOST_NAMED])}{more}" if none else said


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= _TENTH else f"{value:.2g} s"


def _joined(items: Sequence[str]) -> str:
    return ", ".join(items)
