"""What a column of features is: a statistic of some channels, in a unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple


class Column(NamedTuple):
    """A column of features.

    Parameters
    ----------
    stat : str
        What was measured; one word means one thing, in one unit, in every modality.
    channels : tuple of str
        Where: one channel, a pair, or none where it is of all.
    unit : str
        Of the values, such as "uV" or "log10(uV^2/Hz)"; "1" of a number without one.

    Examples
    --------
    >>> Column("gamma", ("Pz",), "log10(uV^2/Hz)").name
    'gamma_Pz'
    """

    stat: str
    channels: tuple[str, ...] = ()
    unit: str = "1"

    @property
    def name(self) -> str:
        """The statistic and its channels, joined by underscores."""
        return "_".join((self.stat, *self.channels))


def by_channel(stats: Iterable[str], ch_names: Sequence[str], unit: str) -> list[Column]:
    """Return statistics of every channel, the channel running fastest."""
    return [Column(stat, (name,), unit) for stat in stats for name in ch_names]


def by_pair(stat: str, pairs: Iterable[Sequence[Any]], ch_names: Sequence[str], unit: str) -> list[Column]:
    """Return a statistic of pairs of channels, which are given by position."""
    return [Column(stat, (ch_names[i], ch_names[j]), unit) for i, j in pairs]
