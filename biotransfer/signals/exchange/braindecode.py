"""Recordings and windows as data sets of braindecode, and back: one data set for one recording.

Source: Schirrmeister et al., doi:10.1002/hbm.23730; tried with braindecode 1.8.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import mne
import numpy as np
import pandas as pd

from ...errors import a_kind, check, check_option
from ..amplitude import UNITLESS, check_amplitude
from ..datasets.loaded import Loaded
from ..datasets.own.naming import check_labels, number_runs
from ..datasets.own.raws import from_raws
from ..plain import name_of
from ..recording import MODALITIES, Recording, is_boundary, label_names, natural_sorted, set_again
from ..windows import METADATA, Windows, concatenate, from_epochs, to_epochs
from ..windows.braindecode import load_braindecode
from ..windows.container import UNITS

_PLACES = ("i_window_in_trial", "i_start_in_trial", "i_stop_in_trial", "target")
_CLASSES = "classes"
_KEYS = ("subject", "session", "run", "dataset", "source_file")
_WHO = "Call dataset.set_description({'subject': ...}), one for each data set in it."


def to_braindecode(data: Recording | Sequence[Recording] | Windows) -> Any:
    """Return recordings or windows as a BaseConcatDataset of braindecode.

    Parameters
    ----------
    data : Recording, sequence of Recording, or Windows of signals
        What to hand over.

    Returns
    -------
    braindecode.datasets.BaseConcatDataset
        Of recordings: a RawDataset each, with the good channels of its modality, annotations as they are, and
        subject, session, run, dataset and source_file as its description. Of windows: a WindowsDataset for
        each recording, in the order in which recordings first come; its metadata are those of the windows,
        with ``target``, the index of the class, and ``label``, its name.

    Raises
    ------
    BiotransferError
        When braindecode is not installed, or for features, or none of these.

    Notes
    -----
    ``create_windows_from_events`` makes a class of every annotation, boundaries too. Pass it
    ``mapping={name: i for i, name in enumerate(recording.classes)}``, or cut windows first: ``cut_windows``
    lets none touch a boundary.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_eeg
    >>> from biotransfer.signals.windows import cut_windows
    >>> windows = cut_windows(simulate_eeg(n_subjects=2, n_runs=1, seed=0))
    >>> [dataset.description["subject"] for dataset in to_braindecode(windows).datasets]
    ['S1', 'S2']
    """
    theirs = load_braindecode("braindecode.datasets")
    if isinstance(data, Windows):
        check(data.is_signal, "to_braindecode needs signals, these are features. Pass windows of signals.")
        check(len(data) > 0, "data holds no window. Expected one or more.")
        groups = data.metadata.groupby("recording", sort=False).indices
        return theirs.BaseConcatDataset([_windows_of(theirs, data.take(rows)) for rows in groups.values()])
    given = [data] if isinstance(data, Recording) else list(data) if isinstance(data, Iterable) else []
    check(
        given and all(isinstance(item, Recording) for item in given),
        f"data is {a_kind(data)}. Expected recordings, or windows of signals. Make recordings by "
        "from_raws(...), windows by cut_windows(...).",
    )
    return theirs.BaseConcatDataset(
        [theirs.RawDataset(r.raw.copy().pick(r.picks), _description_of(r)) for r in given]
    )


def _description_of(recording: Recording) -> dict[str, Any]:
    return {name: getattr(recording, name) for name in _KEYS} | {_CLASSES: json.dumps(recording.classes)}


def _windows_of(theirs: Any, windows: Windows) -> Any:
    """Return windows of one recording as braindecode has them."""
    epochs = to_epochs(windows)
    table = epochs.metadata.reset_index(drop=True)
    rate = float(windows.sfreq or 1.0)
    first = np.round(table["start"].to_numpy(float) * rate).astype(int)
    places = dict(zip(_PLACES, (0, first, first + windows.shape[1], windows.y), strict=True))
    with mne.utils.use_log_level("ERROR"):
        epochs.metadata = table.assign(**places)
    description = {name: table[name].iloc[0] for name in _KEYS}
    return theirs.WindowsDataset(epochs, description | {_CLASSES: json.dumps(windows.classes)})


def from_braindecode(
    dataset: Any,
    *,
    modality: str = "eeg",
    classes: Sequence[str] | None = None,
    name: str = "braindecode",
    unit: str = "V",
) -> Loaded | Windows:
    """Use a data set of braindecode: of Raws as recordings, of windows as windows.

    Parameters
    ----------
    dataset : BaseConcatDataset, or one of the data sets in it
        RawDataset, EEGWindowsDataset or WindowsDataset, of one kind. Subject, session and run are those of
        the description; a data set without a run is numbered within its subject and session.
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : sequence of str, optional
        Of Raws: annotations, or targets, that are labels, in class order; default: all, sorted. Of windows:
        names of the targets, the smallest first; default: the mapping of ``create_windows_from_events``, or
        the targets themselves.
    name : str
        Of the data set, where the description has none.
    unit : {"V", "none"}
        Of windows: "none" where the values have no unit, such as standardized ones; then nothing judges their
        amplitude.

    Returns
    -------
    Loaded or Windows
        Of Raws: a recording each. Where a RawDataset names a target, it labels all of it. Of windows: all of
        them, in order; those of one data set are of one recording.

    Raises
    ------
    BiotransferError
        When braindecode is not installed; for another object, data sets of two kinds, a transform that is
        applied on the fly, a description without subject, targets in channels, or recordings or windows that
        are not valid.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_emg
    >>> from biotransfer.signals.windows import cut_windows
    >>> windows = cut_windows(simulate_emg(n_subjects=2, seed=0))
    >>> from_braindecode(to_braindecode(windows), modality="emg").digest() == windows.digest()
    True
    """
    theirs = load_braindecode("braindecode.datasets")
    base = load_braindecode("braindecode.datasets.base")
    check_option("modality", modality, MODALITIES)
    check_option("unit", unit, UNITS)
    parts = list(dataset.datasets) if isinstance(dataset, theirs.BaseConcatDataset) else [dataset]
    kinds = (base.RawDataset, base.EEGWindowsDataset, base.WindowsDataset)
    for i, part in enumerate(parts):
        check(
            isinstance(part, kinds),
            f"dataset holds {a_kind(part)}. Expected RawDataset, EEGWindowsDataset or "
            "WindowsDataset of "
            "braindecode, or a BaseConcatDataset of them.",
        )
        check(
            part.transform is None,
            f"dataset.datasets[{i}] has a transform, which is applied on the fly and is no part of the data. "
            "Expected none. Type dataset.transform = None; augmentations are a matter of training.",
        )
    found = {next(kind.__name__ for kind in kinds if isinstance(part, kind)) for part in parts}
    check(
        len(found) == 1, f"dataset holds {' and '.join(sorted(found))}. Expected one kind. Take them apart."
    )
    keys = _keys_of(parts, name)
    if found == {"RawDataset"}:
        check(unit == "V", "unit='none' is one of windows; recordings are in V. Cut windows before scaling.")
        return _recordings_of(parts, keys, modality, classes)
    order, codes = _targets(parts, classes)
    pairs = [(part, key) for part, key in zip(parts, keys, strict=True) if len(part)]
    made = [_windows_from(part, key, modality, order, codes, unit) for part, key in pairs]
    check(made, "dataset holds no window. Expected one or more.")
    windows = concatenate(made)
    twice = windows.metadata["uid"].duplicated()
    check(
        not twice.any(),
        f"dataset: {int(twice.sum())} windows stand twice, the first "
        f"{windows.metadata['uid'][twice].min()!r}. "
        "Expected another subject, session or run in the description of every data set.",
    )
    return windows


def _keys_of(parts: Sequence[Any], name: str) -> list[dict[str, str]]:
    """Return dataset, subject, session, run and source_file of every data set, no two of one recording."""
    told = [{} if part.description is None else dict(part.description) for part in parts]
    keys = []
    for i, said in enumerate(told):
        check(
            "subject" in said,
            f"description of dataset.datasets[{i}] has {', '.join(map(str, said)) or 'nothing'}, no subject. "
            f"Expected whose it is. {_WHO}",
        )
        usual = {"dataset": name, "session": "1", "source_file": ""} | said
        keys.append({k: str(usual[k]) for k in ("dataset", "session", "source_file")})
        keys[-1]["subject"] = name_of("subject", said["subject"])
    numbers = number_runs([key["subject"] for key in keys], [key["session"] for key in keys])
    for key, said, number in zip(keys, told, numbers, strict=True):
        key["run"] = str(said.get("run", number))
    return keys


def _recordings_of(
    parts: Sequence[Any], keys: Sequence[Mapping[str, str]], modality: str, classes: Sequence[str] | None
) -> Loaded:
    raws = [_labelled(part) for part in parts]
    if classes is None:
        written = [json.loads(part.description[_CLASSES]) for part in parts if _CLASSES in part.description]
        every = natural_sorted({label for raw in raws for label in label_names(raw)})
        classes = written[0] if len(written) == len(parts) and not any(_target(p) for p in parts) else every
        check(classes, "dataset has no label: no annotation and no target. Call raw.set_annotations(...).")
    recordings = from_raws(
        raws,
        modality=modality,
        classes=classes,
        subjects=[key["subject"] for key in keys],
        sessions=[key["session"] for key in keys],
        runs=[key["run"] for key in keys],
        dataset=keys[0]["dataset"],
    )
    return Loaded(recordings, (), name=keys[0]["dataset"])


def _target(part: Any) -> str | None:
    """Return which entry of the description labels all of a RawDataset."""
    target = part.target_name
    check(
        target is None or isinstance(target, str),
        f"target_name={target!r} names several. Expected one. Make the RawDataset with one target_name.",
    )
    return None if target is None else str(target)


def _labelled(part: Any) -> Any:
    """Return the Raw of a data set, labelled as a whole where the data set has a target."""
    target = _target(part)
    if target is None:
        return part.raw
    check(
        part.description is not None and target in part.description,
        f"target_name={target!r} is not in the description. Call "
        f"dataset.set_description({{{target!r}: ...}}).",
    )
    raw = copy.copy(part.raw)
    marks = raw.annotations.copy()
    marks.delete([i for i, text in enumerate(marks.description) if not is_boundary(str(text))])
    marks.append(raw.first_time, raw.n_times / raw.info["sfreq"], str(part.description[target]))
    return set_again(raw, marks)


def _targets(parts: Sequence[Any], classes: Sequence[str] | None) -> tuple[tuple[str, ...], list[Any]]:
    """Return the classes of windows, and the target that each stands for."""
    for part in parts:
        check(
            part.targets_from == "metadata",
            "targets_from='channels': targets are signals. Expected one target per window, in the metadata.",
        )
    codes = sorted({target for part in parts for target in part.y})
    written = {part.description[_CLASSES] for part in parts if _CLASSES in part.description}
    mapping: dict[str, Any] = {}
    for part in parts:
        for _, options in getattr(part, "window_kwargs", ()):
            mapping |= options.get("mapping") or {}
    if classes is not None:
        check(
            len(check_labels(classes)) == len(codes),
            f"classes={list(classes)} has {len(classes)} names for the targets {codes}. Expected one each.",
        )
        return check_labels(classes), codes
    if mapping and set(codes) <= set(mapping.values()):
        pairs = sorted(mapping.items(), key=lambda pair: pair[1])
        return check_labels([name for name, _ in pairs]), [code for _, code in pairs]
    if len(written) == 1:
        names = tuple(json.loads(written.pop()))
        return names, list(range(len(names)))
    return check_labels([str(code) for code in codes]), codes


def _windows_from(
    part: Any,
    key: Mapping[str, str],
    modality: str,
    classes: tuple[str, ...],
    codes: Sequence[Any],
    unit: str,
) -> Windows:
    """Return the windows of one data set."""
    table = part.metadata.reset_index(drop=True)
    y = np.array([codes.index(target) for target in part.y], dtype=np.int64)
    if hasattr(part, "windows"):
        epochs = part.windows.copy()
        with mne.utils.use_log_level("ERROR"):
            epochs.metadata = table.assign(**{name: key[name] for name in _KEYS if name not in table})
        windows = from_epochs(epochs, subject=key["subject"], modality=modality, unit=unit)
    else:
        windows = _cut(part.raw, table, key, modality, unit)
    known = {"metadata": table[list(METADATA)]} if set(METADATA) <= set(table) else {}
    return replace(windows, y=y, classes=classes, history=("braindecode",), **known)


def _cut(raw: Any, table: pd.DataFrame, key: Mapping[str, str], modality: str, unit: str) -> Windows:
    """Return the windows that an EEGWindowsDataset points at in its Raw; their labels are not set yet."""
    where = f"{key['dataset']}/sub-{key['subject']}/ses-{key['session']}/run-{key['run']}"
    picks = mne.pick_types(raw.info, meg=False, **{modality: True}, exclude="bads")
    check(
        len(picks) > 0,
        f"modality={modality!r} but {where!r} has no good channel of it, only "
        f"{', '.join(sorted(set(raw.get_channel_types())))}. Call raw.set_channel_types(...).",
    )
    data, rate = raw.get_data(picks=picks), float(raw.info["sfreq"])
    first, last = (table[name].to_numpy(np.int64) for name in ("i_start_in_trial", "i_stop_in_trial"))
    sizes = natural_sorted({str(size) for size in last - first})
    check(
        len(sizes) == 1,
        f"windows of {where!r} have {', '.join(sizes)} samples. Expected one length. Pass "
        "window_size_samples to "
        "braindecode.",
    )
    X = np.stack([data[:, begin:end] for begin, end in zip(first, last, strict=True)])
    check(np.isfinite(X).all(), f"windows of {where!r} hold NaN or infinite values. Drop those.")
    if unit == "V":
        check_amplitude(X, modality, f"windows of {where!r}", UNITLESS)
    origins = pd.DataFrame({name: [key[name]] * len(X) for name in _KEYS})
    origins = origins.assign(recording=where, start=first / rate, stop=last / rate)
    origins["uid"] = where + "@" + origins["start"].map("{:.4f}".format)
    return Windows(
        X=X.astype(np.float32),
        y=np.zeros(len(X), dtype=np.int64),
        metadata=origins[list(METADATA)],
        classes=("not set",),
        names=tuple(raw.ch_names[i] for i in picks),
        modality=modality,
        sfreq=rate,
        unit=unit,
    )
