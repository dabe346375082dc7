"""From a feature's name to what a neuroscientist calls it: a group, and the channel."""

from __future__ import annotations

import re

from ...signals.windows.columns import Column

_POWER = re.compile(r"^(?:power_(?P<hz>\d+(?:\.\d+)?)Hz|freq_(?P<tenths>\d+))$")
_CHANNELS = re.compile(r"^(?P<stem>.*?)_(?P<i>\d+)(?:_(?P<j>\d+))?$")
_EDGES = (0.0, 4.0, 8.0, 13.0, 30.0, 45.0, 70.0, 100.0)
_FAMILIES = {
    "mean": "level", "max": "peak", "min": "peak", "std": "amplitude", "skew": "shape", "kurt": "shape",
    "corr": "correlation of channels", "logcov": "covariance of channels", "covM": "covariance of channels",
    "logcovM": "covariance of channels", "eigenval": "principal directions",
    "topFreq": "strongest frequencies",
}  # fmt: skip


def frequency_band(frequency: float) -> str:
    """Return the band of a frequency in Hz; the edges serve EEG and EMG.

    Examples
    --------
    >>> frequency_band(10.0), frequency_band(150.0)
    ('8-13 Hz', '100+ Hz')
    """
    below = [edge for edge in _EDGES if edge <= frequency]
    low = below[-1] if below else _EDGES[0]
    position = _EDGES.index(low)
    high = _EDGES[position + 1] if position + 1 < len(_EDGES) else None
    return f"{low:g}+ Hz" if high is None else f"{low:g}-{high:g} Hz"


def feature_group(name: str, column: Column | None = None) -> tuple[str, str]:
    """Return what a feature measures, and where.

    Parameters
    ----------
    name : str
        Of a feature: where there is no column, ``stat_i``, ``stat_i_j``, ``power_012Hz_i`` with channels by
        number, as published names and matched ones have them.
    column : Column, optional
        Its statistic and channels, where they are known.

    Returns
    -------
    tuple of str
        Group, and channel ("Pz", a pair "C3-C4", or "" for none).

    Examples
    --------
    >>> feature_group("power_010Hz_2"), feature_group("corr_0_3"), feature_group("max_d_h2h1_1")
    (('power 8-13 Hz', '2'), ('correlation of channels', '0-3'), ('peak', '1'))
    >>> feature_group("power_010Hz_Pz", Column("power_010Hz", ("Pz",)))
    ('power 8-13 Hz', 'Pz')
    """
    stem, channel = (name, "") if column is None else (column.stat, "-".join(column.channels))
    stem = stem.removeprefix("lag1_")
    found = _CHANNELS.match(stem) if column is None else None
    if found:
        stem, channel = found["stem"], "-".join(filter(None, (found["i"], found["j"])))
    power = _POWER.match(stem)
    if power:
        hz = float(power["hz"]) if power["hz"] else float(power["tenths"]) / 10
        return f"power {frequency_band(hz)}", channel
    family = _FAMILIES.get(stem.split("_")[0])
    return (family or stem.rstrip("0123456789") or stem), channel
