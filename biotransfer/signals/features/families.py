"""Families of single features, chosen by name: of surface EMG and of EEG, in one space of names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from ...catalog import Entry
from ...errors import check, did_you_mean
from ..windows import Windows
from ..windows.columns import Column, by_channel, by_pair
from . import primitives as p
from .series import Series, series
from .singles import GROUPS, SINGLES
from .singles.values import pairs_of

Which = Sequence[str | Mapping[str, Any]]
Chosen = list[tuple[Entry, dict[str, Any]]]


def emg_family(windows: Windows, *, which: Which | None = None) -> Windows:
    """Describe windows by features of surface EMG, every channel by itself.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V.
    which : list, optional
        Names of single features (MAV; see: biotransfer list singles), of groups (HTD, LS9), or mappings with
        parameters ({name: AR, order: 9}). Default: the group EMG, which is what takes little time and exists
        at the usual sampling rates; SAMPEN, FUZZYEN, HFD, KFD, DFA, DFTR, RMSPHASOR and WLPHASOR are added
        by name.

    Returns
    -------
    Windows
        Features such as ``MAV_EMG1``, float64, finite for flat channels; their units in ``columns``. The mean
        of each channel is removed first, for all but MEAN.

    Raises
    ------
    BiotransferError
        When a name is unknown, a parameter out of range, or a feature does not exist at this sampling rate or
        window length.

    Notes
    -----
    Source: the formulas of LibEMG, doi:10.1109/ACCESS.2023.3304544. Differs from it in that signals are in uV
    and centered; a plateau is no change of slope; MFL is the root of the sum of squares, AR by Yule and
    Walker, CC the model's cepstrum, COMP of each window by itself; spectra are not padded; wavelets stop at
    the deepest level that the window's length allows; FUZZYEN is of the channel over its deviation.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_emg
    >>> from biotransfer.signals.windows import cut_windows
    >>> made = emg_family(cut_windows(simulate_emg(n_subjects=1)), which=["HTD", {"name": "AR", "order": 2}])
    >>> len(made.names), made.units[0]
    (48, 'uV')
    """
    return _family(windows, "emg_family", "EMG", which)


def eeg_family(windows: Windows, *, which: Which | None = None) -> Windows:
    """Describe windows by features of EEG, every channel by itself.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V.
    which : list, optional
        Names of single features (SEF; see: biotransfer list singles), of groups (HJORTH), or mappings with
        parameters ({name: SEF, share: 0.9}). Default: the group EEG, which is band powers absolute
        (``alpha_Pz``) and relative, ratios of bands, differential entropy, slope and edge of the spectrum,
        Hjorth's, fractal dimensions, permutation and spectral entropy; SAMPEN, APPEN, FUZZYEN and DFA, which
        take longer, are added by name.

    Returns
    -------
    Windows
        Features such as ``SEF95_Pz``, float64, finite for flat channels; their units in ``columns``. The mean
        of each channel is removed first, for all but MEAN.

    Raises
    ------
    BiotransferError
        When a name is unknown, a parameter out of range, or a feature does not exist at this sampling rate or
        window length.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_eeg
    >>> from biotransfer.signals.windows import cut_windows
    >>> windows = cut_windows(simulate_eeg(n_subjects=1))
    >>> eeg_family(windows, which=["APERIODIC"]).units[:5]
    ('1', '1', '1', '1', 'log10(uV^2/Hz)')
    """
    return _family(windows, "eeg_family", "EEG", which)


def wavelets(windows: Windows, *, wavelet: str = "db4", levels: int | None = None) -> Windows:
    """Describe windows by the levels of a discrete wavelet transform of every channel.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V.
    wavelet : {"haar", "db4", "sym8"}
        Which filters.
    levels : int, 1 to 30, optional
        How many; as many as the windows' length allows when not given.

    Returns
    -------
    Windows
        Features of the approximation A and the details D1 (the finest) upwards, float64, finite for flat
        channels: ``WENG_D1_Pz`` logarithm of the energy, ``WREL_D1_Pz`` its share, ``WENT_D1_Pz`` the entropy
        of its course in time.

    Raises
    ------
    BiotransferError
        When windows are too short for a level.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_eeg
    >>> from biotransfer.signals.windows import cut_windows
    >>> len(wavelets(cut_windows(simulate_eeg(n_subjects=1)), levels=2).names)
    36
    """
    chosen = {"wavelet": wavelet, "levels": levels}
    which = [{"name": name, **chosen} for name in ("WENG", "WREL", "WENT")]
    made = _family(windows, "wavelets", "", which)
    said = {key: value for key, value in chosen.items() if value not in (None, "db4")}
    return replace(made, history=(*windows.history, p.step_name("wavelets", **said)))


def check_emg(*, which: Which | None) -> None:
    """Refuse what :func:`emg_family` does not know."""
    choose("emg_family", "EMG", which)


def check_eeg(*, which: Which | None) -> None:
    """Refuse what :func:`eeg_family` does not know."""
    choose("eeg_family", "EEG", which)


def choose(name: str, usual: str, which: Which | None) -> Chosen:
    """Return the single features that are asked for, with all of their parameters.

    Parameters
    ----------
    name : str
        Of the feature set, for messages.
    usual : str
        The group that stands when nothing is asked for.
    which : list or None
        Names of features or groups, or mappings with a name and parameters. What is named with parameters
        holds over the same feature in a group.

    Raises
    ------
    BiotransferError
        On an unknown name or parameter, or an empty list.
    """
    asked = (usual,) if which is None else which
    check(
        isinstance(asked, (list, tuple)) and len(asked) > 0,
        f"features {name}: which={which!r}. Expected a list of names. Write which: [HTD, MNF].",
    )
    chosen: dict[str, tuple[Entry, dict[str, Any]]] = {}
    given: set[str] = set()
    for item in asked:
        if isinstance(item, str) and item in GROUPS and item not in SINGLES:
            for member in GROUPS[item]:
                chosen.setdefault(member, SINGLES.resolve(member))
            continue
        one = item.get("name") if isinstance(item, Mapping) else item
        known = [*SINGLES, *(group for group in GROUPS if group not in SINGLES)]
        check(
            isinstance(one, str) and one in SINGLES,
            f"features {name}: which holds {item!r}, which is no feature and no group."
            f"{did_you_mean(one, known)} Use any of: {', '.join(known)}.",
        )
        assert isinstance(one, str)
        check(one not in given, f"features {name}: which names {one} twice. Name each once.")
        given.add(one)
        chosen[one] = SINGLES.resolve(item)
    return list(chosen.values())


def _family(windows: Windows, name: str, usual: str, which: Which | None) -> Windows:
    chosen = choose(name, usual, which)
    p.check_signals(windows, name)
    n = len(windows)
    columns: list[Column] = []
    out = np.empty((n, 0))
    for rows, part in series(windows):
        made = [
            (entry, stat, values)
            for entry, parameters in chosen
            for stat, values in _values(entry, part, parameters)
        ]
        if not columns:
            columns = [one for entry, stat, _ in made for one in _columns(entry, stat, windows.names)]
            out = np.empty((n, len(columns)))
        place = 0
        for _, _, values in made:
            width = values.shape[1]
            out[rows, place : place + width] = values
            place += width
    said = {} if which is None else {"which": [dict(w) if isinstance(w, Mapping) else w for w in which]}
    return windows.with_features(out, columns, p.step_name(name, **said))


def _values(entry: Entry, part: Series, parameters: Mapping[str, Any]) -> list[tuple[str, np.ndarray]]:
    found = entry.function(part, **parameters)
    return list(found.items()) if isinstance(found, Mapping) else [(entry.name, found)]


def _columns(entry: Entry, stat: str, ch_names: Sequence[str]) -> list[Column]:
    unit = unit_of(entry, stat)
    if entry.facts["of"] == "pairs":
        return by_pair(stat, zip(*pairs_of(len(ch_names)), strict=True), ch_names, unit)
    return by_channel([stat], ch_names, unit)


def unit_of(entry: Entry, stat: str) -> str:
    """Return the unit of a statistic of a single feature.

    Examples
    --------
    >>> unit_of(SINGLES["TM"], "TM4"), unit_of(SINGLES["WLPHASOR"], "WLPHASOR_ratio")
    ('uV^4', '1')
    """
    units: str | Mapping[str, str] = entry.facts["unit"]
    by_stat = {"*": units} if isinstance(units, str) else units
    said = next(unit for pattern, unit in by_stat.items() if fnmatchcase(stat, pattern))
    number = re.search(r"\d+$", stat)
    return said.replace("#", number[0] if number else "")
