"""One file of signals of a BIDS data set as an MNE Raw: types, bads, places, line frequency and events."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mne
import numpy as np

from ....edges import set_sampling_rate
from ....errors import BiotransferError, check
from ....limits import read_apart
from ...recording import natural_sorted
from .names import CHANNEL, CLASSES, FILLED, read_sidecar, read_table
from .survey import Candidate

if TYPE_CHECKING:
    import pandas as pd

_SAME_RATE = 1e-5
_BLOCKS = (".edf", ".bdf")
_NO_DATE = datetime(1985, 1, 1, tzinfo=UTC)
"""What EDF and BDF have to write where there is no date: their first day."""
_TIMES = ("onset", "duration")
_OVERRIDE = ("run", "source_file")
"""Extras that say where windows come from; columns of these names in tables of others mean something else."""


def need_mne_bids() -> Any:
    """Import and return mne_bids.

    Raises
    ------
    BiotransferError
        When it is not installed.
    """
    try:
        import mne_bids
    except ModuleNotFoundError as error:
        raise BiotransferError(
            f"mne_bids cannot be imported: {error}. Type: pip install 'biotransfer[bids]'"
        ) from error
    return mne_bids


def read_signals(candidate: Candidate, column: str | None) -> tuple[Any, list[str]]:
    """Read a file of signals with what stands beside it.

    Parameters
    ----------
    candidate : Candidate
        Which file.
    column : str or None
        Of events.tsv: what becomes the description of annotations; None for no annotations of events.

    Returns
    -------
    raw : mne.io.BaseRaw
        In V, loaded, without samples that only fill the last block of its file.
    notes : list of str
        What was odd, a sentence each.

    Raises
    ------
    BiotransferError
        When the file, or one beside it, cannot be read.
    """
    where = need_mne_bids().get_bids_path_from_fname(candidate.path, check=False, verbose="ERROR")
    try:
        raw, notes = read_apart(_listen, candidate.path, beside=candidate.path.parent.glob("*"))
        if raw.filenames[0].suffix.lower() in _BLOCKS and raw.info["meas_date"] == _NO_DATE:
            raw.set_meas_date(None)
        raw = _without_filling(_with_stated_rate(raw, where, candidate, notes))
        raw = raw.set_annotations(_events(raw, where, column, notes), emit_warning=False)
    except BiotransferError:
        raise
    except Exception as error:
        raise BiotransferError(
            f"{candidate.path.name!r} cannot be read ({type(error).__name__}: {error}). Expected what the "
            "BIDS "
            "validator passes. Mend or remove it."
        ) from error
    return raw, [f"{candidate.path.name}: {note}" for note in dict.fromkeys(notes)]


def _listen(path: Path) -> tuple[Any, list[str]]:
    """Read a file, and note what MNE warns of meanwhile."""
    notes: list[str] = []
    where = need_mne_bids().get_bids_path_from_fname(path, check=False, verbose="ERROR")
    with warnings.catch_warnings(record=True) as said, mne.utils.catch_logging("WARNING"):
        warnings.simplefilter("always")
        raw = _read_with_channels(where, path, notes)
    kinds = (UserWarning, RuntimeWarning)
    notes += [" ".join(str(w.message).split()) for w in said if issubclass(w.category, kinds)]
    return raw, notes


def _read_with_channels(where: Any, path: Path, notes: list[str]) -> Any:
    """Read a file; where its names of channels are not those of channels.tsv, the table is right."""
    mne_bids = need_mne_bids()
    channels = beside(where, "channels", ".tsv")
    if channels is None:
        return mne_bids.read_raw_bids(where).load_data()
    listed = list(read_table(channels).get("name", ()))
    try:
        return mne_bids.read_raw_bids(where).load_data()
    except RuntimeError:
        named = mne.io.read_raw(path, verbose="ERROR").ch_names
        if sorted(named) == sorted(listed):
            return mne_bids.read_raw_bids(where, on_ch_mismatch="reorder").load_data()
        if len(named) != len(listed) or len(set(listed)) != len(listed):
            raise
        pairs = [f"{a!r} is {b!r}" for a, b in zip(named, listed, strict=True) if a != b]
        notes.append(f"channels have the names of channels.tsv: {', '.join(pairs)}")
        return mne_bids.read_raw_bids(where, on_ch_mismatch="rename").load_data()


def beside(where: Any, suffix: str, extension: str) -> Path | None:
    """Return the file that says something of a recording, in its folder or above, the nearest.

    Parameters
    ----------
    where : mne_bids.BIDSPath
        The recording.
    suffix, extension : str
        Such as "events" and ".tsv".
    """
    found = where.find_matching_sidecar(suffix=suffix, extension=extension, on_error="ignore")
    return None if found is None else Path(found)


def _with_stated_rate(raw: Any, where: Any, candidate: Candidate, notes: list[str]) -> Any:
    """Give a Raw the rate of its sidecar where the file's own is the same, rounded by its format."""
    sidecar = beside(where, candidate.datatype, ".json")
    said = {} if sidecar is None else read_sidecar(sidecar)
    stated, rate = said.get("SamplingFrequency"), float(raw.info["sfreq"])
    if not isinstance(stated, int | float) or stated == rate:
        return raw
    if abs(stated - rate) > _SAME_RATE * rate:
        notes.append(f"its sidecar says {stated:g} Hz, the file {rate:g} Hz: the file's rate is used")
        return raw
    return set_sampling_rate(raw, float(stated))


def _without_filling(raw: Any) -> Any:
    """Cut off the samples that fill the last block of an EDF or BDF file, where it marks them."""
    rate, marks = raw.info["sfreq"], raw.annotations
    for i in np.flatnonzero(marks.description == FILLED):
        first = round((marks.onset[i] - raw.first_time) * rate)
        last = round((marks.onset[i] - raw.first_time + marks.duration[i]) * rate)
        if first > 0 and last >= raw.n_times and raw.filenames[0].suffix.lower() in _BLOCKS:
            raw = raw.crop(tmax=(first - 1) / rate) if first < raw.n_times else raw
            raw.annotations.delete(np.flatnonzero(raw.annotations.onset >= marks.onset[i] - 0.5 / rate))
            break
    return raw


def _events(raw: Any, where: Any, column: str | None, notes: list[str]) -> mne.Annotations:
    """Return the events of a recording, times as they are written, with gaps that its file marks."""
    import pandas as pd

    marks = raw.annotations
    gaps = marks[marks.description == FILLED]
    events = beside(where, "events", ".tsv")
    if events is None:
        return marks
    table = read_table(events)
    absent = [name for name in (*_TIMES, *([column] if column else [])) if name not in table]
    check(
        not absent,
        f"{events.name!r} has no column {', '.join(absent)}, only {', '.join(table)}. Expected the times of "
        f"events and what they are. Pass labels={natural_sorted(set(table) - set(_TIMES))[:1]}, or mend it.",
    )
    onset, duration = (pd.to_numeric(table[name], errors="coerce") for name in _TIMES)
    texts = table[column] if column else pd.Series("n/a", table.index)
    rows = np.flatnonzero(onset.notna() & ~texts.isin(["n/a", ""]))
    timeless = int(onset.isna().sum())
    if timeless:
        notes.append(f"{timeless} of {len(table)} events have no onset and are left out")
    outside = int(((onset < 0) | (onset >= raw.n_times / raw.info["sfreq"])).sum())
    if outside:
        notes.append(f"{outside} of {len(table)} events lie outside of the recording")
    channels = _channels_of(raw, table, rows)
    free = [name for name in table if name not in (*_TIMES, column, CHANNEL if channels else column)]
    own = _written_here(beside(where, "events", ".json"))
    named = [f"{name}_of_events" if name in _OVERRIDE and not own else name for name in free]
    extras = [
        {name: value for name, value in zip(named, values, strict=True) if value != "n/a"}
        for values in table[free].iloc[rows].itertuples(index=False, name=None)
    ]
    found = mne.Annotations(
        onset.iloc[rows].to_numpy(float),
        duration.iloc[rows].fillna(0.0).to_numpy(float),
        texts.iloc[rows].tolist(),
        ch_names=channels,
        extras=extras if free else None,
    )
    for gap in gaps:
        found.append(gap["onset"] - raw.first_time, gap["duration"], FILLED)
    return found


def _written_here(description: Path | None) -> bool:
    """Whether this package wrote the events."""
    if description is None:
        return False
    said = read_sidecar(description)
    return any(isinstance(column, dict) and CLASSES in column for column in said.values())


def _channels_of(raw: Any, table: pd.DataFrame, rows: np.ndarray) -> list[tuple[str, ...]] | None:
    """Return the channels that each event is about; None where the table does not name channels."""
    if CHANNEL not in table:
        return None
    named = [tuple(text.split(",")) if text not in ("n/a", "") else () for text in table[CHANNEL].iloc[rows]]
    return named if {name for names in named for name in names} <= set(raw.ch_names) else None
