"""To and from :class:`mne.Epochs`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import mne
import numpy as np
import pandas as pd

from ...edges import events_rate
from ...errors import BiotransferError, a_kind, check, check_is, check_option
from ..amplitude import UNITLESS, check_amplitude
from ..electrodes import electrode_positions
from ..plain import name_of
from ..recording import MODALITIES
from .container import METADATA, UNITS, Windows

_OLD_NAMES = {"t3", "t4", "t5", "t6"}


def to_epochs(windows: Windows, *, montage: Any = None) -> Any:
    """Return signals as :class:`mne.EpochsArray` with the metadata attached.

    Parameters
    ----------
    windows : Windows
        Signals.
    montage : mne.channels.DigMontage or str, optional
        Where EEG electrodes lie: ``recording.raw.get_montage()`` for places as they were measured, or the
        name of one of MNE's. Default: those of the 10-05 system on a template head, for channels that have
        its names in any spelling of capitals, T3 to T6 included; others have no place.

    Returns
    -------
    mne.EpochsArray
        In V, in the order of the windows.

    Raises
    ------
    BiotransferError
        When the windows are features, the montage is none, or has no place for a channel.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_eeg
    >>> from biotransfer.signals.windows import cut_windows
    >>> epochs = to_epochs(cut_windows(simulate_eeg(n_subjects=1, seed=0)))
    >>> epochs.get_montage().ch_names
    ['TP9', 'AF7', 'AF8', 'TP10']
    """
    check_is("windows", windows, Windows, "Type cut_windows(recordings).")
    check(windows.is_signal, "to_epochs needs signals, these are features. Pass the windows before features.")
    info = mne.create_info(list(windows.names), windows.sfreq, windows.modality)
    events = np.column_stack([np.arange(len(windows)), np.zeros(len(windows), int), windows.y])
    _set_places(info, windows, montage)
    return mne.EpochsArray(
        np.asarray(windows.X, dtype=np.float64),
        info,
        events=events,
        event_id={c: i for i, c in enumerate(windows.classes) if np.any(windows.y == i)},
        metadata=windows.metadata.assign(label=[windows.classes[i] for i in windows.y]),
        verbose="error",
    )


def _set_places(info: mne.Info, windows: Windows, montage: Any) -> None:
    """Give channels the places of a montage, or those that the 10-05 system has for their names."""
    if montage is None:
        known = {name.lower() for name in electrode_positions().ch_names} | _OLD_NAMES
        if windows.modality == "eeg" and known & {name.lower() for name in windows.names}:
            loosely: dict[str, Any] = {"match_case": False, "match_alias": True, "on_missing": "ignore"}
            info.set_montage(electrode_positions(), **loosely, verbose="error")
        return
    try:
        info.set_montage(montage, verbose="error")
    except (ValueError, TypeError) as error:
        raise BiotransferError(
            f"montage={montage!r} does not fit {windows.modality} channels {', '.join(windows.names[:8])} "
            f"({error}). Expected recording.raw.get_montage(), or the name of one of MNE's. Leave it out for "
            "places of the 10-05 system."
        ) from error


def from_epochs(
    epochs: Any,
    *,
    subject: Any,
    modality: str,
    dataset: str = "epochs",
    session: Any = "1",
    unit: str = "V",
) -> Windows:
    """Turn :class:`mne.Epochs` into Windows; the event's name is the label.

    All epochs of a person and session are of one recording, as they are when :func:`.cut_windows` cuts them
    from a Raw: a split that would train and test on epochs that share samples is refused.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        ``event_id`` names the classes. Events say at which sample of the Raw an epoch lies.
    subject, session, dataset : str or int
        Who was recorded; ``metadata`` columns of these names win when present. So do the columns ``run`` and
        ``recording`` (what no epoch crosses), ``start`` (in s) and ``source_file``.
    modality : {"eeg", "emg"}
        Which channels to take.
    unit : {"V", "none"}
        "none" where the values have no unit, such as z-scored ones; then nothing judges their amplitude.

    Returns
    -------
    Windows
        Signals in ``unit``, in the epochs' order.

    Raises
    ------
    BiotransferError
        Without a good channel of the modality; for NaN, or amplitudes that no electrode gives; where
        ``metadata`` leaves a subject open; where events number the epochs 0, 1, 2, ... and so do not say
        which of them overlap.
    """
    check(
        isinstance(epochs, mne.BaseEpochs),
        f"epochs is {a_kind(epochs)}. Expected mne.Epochs. For Raws use from_raws, for arrays from_arrays.",
    )
    check_option("modality", modality, MODALITIES)
    kinds = {modality: True}
    picks = mne.pick_types(epochs.info, meg=False, **kinds, exclude="bads")
    check(
        len(picks) > 0,
        f"modality={modality!r} but the epochs have no good channel of it, only "
        f"{', '.join(sorted(set(epochs.get_channel_types())))}. Call epochs.set_channel_types(...).",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"epochs\._get_data\(\) can't run because")
        data = epochs.get_data(picks=picks)
    check(
        len(data), "epochs hold no epoch. Expected one or more. Call epochs.drop_bad(reject=None, flat=None)."
    )
    check(np.isfinite(data).all(), "epochs hold NaN or infinite values. Drop those epochs first.")
    check_option("unit", unit, UNITS)
    if unit == "V":
        check_amplitude(data, modality, "epochs", UNITLESS)
    classes = tuple(epochs.event_id)
    codes = {code: i for i, code in enumerate(epochs.event_id.values())}
    table = _origins(epochs, {"dataset": dataset, "subject": subject, "session": session, "run": "1"})
    table["stop"] = table["start"] + data.shape[2] / epochs.info["sfreq"]
    table["uid"] = table["recording"] + "@" + table["start"].map("{:.4f}".format)
    return Windows(
        X=data.astype(np.float32),
        y=np.array([codes[c] for c in epochs.events[:, 2]], dtype=np.int64),
        metadata=table[list(METADATA)],
        classes=classes,
        names=tuple(epochs.ch_names[i] for i in picks),
        modality=modality,
        sfreq=float(epochs.info["sfreq"]),
        history=("mne.Epochs",),
        unit=unit,
    )


def _origins(epochs: Any, usual: Mapping[str, Any]) -> pd.DataFrame:
    """Return dataset, subject, session, run, recording, source_file and start of every epoch."""
    n = len(epochs)
    given = epochs.metadata if epochs.metadata is not None else pd.DataFrame(index=range(n))
    table = pd.DataFrame(index=np.arange(n))
    for column, value in usual.items():
        if column in given:
            table[column] = [name_of(f"metadata.{column}[{i}]", v) for i, v in enumerate(given[column])]
        else:
            table[column] = name_of(column, value)
    if "recording" in given:
        table["recording"] = [
            name_of(f"metadata.recording[{i}]", v) for i, v in enumerate(given["recording"])
        ]
    else:
        place = table["dataset"] + "/sub-" + table["subject"] + "/ses-" + table["session"]
        table["recording"] = place + "/run-" + table["run"]
    table["source_file"] = given["source_file"].to_numpy() if "source_file" in given else ""
    if "start" in given:
        table["start"] = _seconds(given["start"])
        return table
    onsets = np.asarray(epochs.events[:, 0], dtype=np.int64)
    numbered = n > 1 and len(epochs.times) > 1 and np.array_equal(onsets - onsets[0], np.arange(n))
    check(
        not numbered or table["recording"].nunique() == n,
        f"epochs.events number the {n} epochs {onsets[0]}, {onsets[0] + 1}, ... instead of saying at which "
        "sample each begins: nothing tells which of them overlap. Expected true onsets. Type epochs.metadata "
        "= pandas.DataFrame({'start': seconds}), or {'recording': one name for each stretch of signal}.",
    )
    table["start"] = onsets / events_rate(epochs) + epochs.tmin
    return table


def _seconds(values: pd.Series) -> np.ndarray:
    """Return the column ``start`` as numbers."""
    seconds = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(seconds))
    if len(bad):
        raise BiotransferError(
            f"metadata.start[{bad[0]}]={values.iloc[bad[0]]!r} is no number. Expected the seconds at which "
            "each epoch begins."
        )
    return seconds
