"""What the account finds: people of whom much signal, or a class, is in no window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..quality.finding import Finding, error, warning
from ..windows.fates import FATES

MUCH = 0.5
_CHOSEN = ("in_windows", "between")


def window_findings(counted: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yield the people whose labelled signal gives no window of a class, or few.

    Parameters
    ----------
    counted : sequence of mapping
        Of every recording and class: subject, label, windows, and seconds by fate; see
        :func:`.account_recording`.

    Notes
    -----
    lost: half of the labelled signal of a person or more is in no window, apart from what lies between two
    windows whose step is longer than they are. Source: own.
    """
    totals: dict[tuple[str, str], dict[str, float]] = {}
    for row in counted:
        total = totals.setdefault((row["subject"], row["label"]), dict.fromkeys(("windows", *FATES), 0.0))
        for name in total:
            total[name] += row[name]
    people: dict[str, dict[str, float]] = {}
    for (who, label), total in totals.items():
        seconds = sum(total[fate] for fate in FATES)
        if seconds > 0 and not total["windows"]:
            message = f"{who!r} has {seconds:.1f} s of {label} and no window of it: {_why(total)}."
            yield error("no_windows", "", message, seconds)
            continue
        mine = people.setdefault(who, dict.fromkeys(FATES, 0.0))
        for fate in FATES:
            mine[fate] += total[fate]
    for who, mine in people.items():
        seconds = sum(mine.values())
        lost = seconds - sum(mine[fate] for fate in _CHOSEN)
        if seconds > 0 and lost / seconds >= MUCH:
            message = f"{lost / seconds:.0%} of the labelled signal of {who!r} is in no window: {_why(mine)}."
            yield warning("lost", "", message, lost / seconds)


def _why(total: Mapping[str, float]) -> str:
    return ", ".join(f"{FATES[f]} {total[f]:.1f} s" for f in FATES if f not in _CHOSEN and total[f] > 0)
