"""Words of BIDS: the parts of a file's name, types of channels, columns that keep a recording's own names."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ....errors import BiotransferError, check

if TYPE_CHECKING:
    import pandas as pd

DATATYPES = ("eeg", "emg")
BIDS_TYPES = {
    "eeg": "EEG",
    "emg": "EMG",
    "eog": "EOG",
    "ecg": "ECG",
    "stim": "TRIG",
    "misc": "MISC",
    "resp": "RESP",
    "gsr": "GSR",
    "temperature": "TEMP",
}
"""MNE's types of channels that have a word in BIDS, each read back as what it was."""
OWN_NAMES = {"subject": "own_subject", "session": "own_session", "run": "own_run"}
"""Columns of scans.tsv that keep names that BIDS, which has letters and digits only, cannot."""
FILLED = "BAD_ACQ_SKIP"
"""What MNE writes over samples that were not recorded, or only fill the last block of an EDF or BDF file."""
CLASSES = "Classes"
"""Key of a column in events.json: which of its Levels are labels, in order. It is this package's own."""
CHANNEL = "channel"
"""Column of events.tsv for events of some channels only, their names with commas between them."""
LABELS_OF_FILES = ("task", "session", "run", "acquisition")
"""Parts of a file's name that can label all of it."""
_SHORT = {"sub": "subject", "ses": "session", "acq": "acquisition"}


class FileName(NamedTuple):
    """What the name of a file says.

    Parameters
    ----------
    entities : mapping of str to str
        By long name where BIDS has one (subject, session, acquisition), else as written (task, run, desc).
    suffix, extension : str
        Such as "eeg" and ".vhdr", or "events" and ".tsv".
    """

    entities: Mapping[str, str]
    suffix: str
    extension: str


def read_name(name: str) -> FileName:
    """Return what the name of a file says.

    Examples
    --------
    >>> read_name("sub-01_task-rest_run-2_eeg.vhdr")
    FileName(entities={'subject': '01', 'task': 'rest', 'run': '2'}, suffix='eeg', extension='.vhdr')
    """
    stem, dot, extension = name.partition(".")
    parts = stem.split("_")
    pairs = [part.partition("-") for part in parts if "-" in part]
    entities = {_SHORT.get(key, key): value for key, _, value in pairs}
    return FileName(entities, "" if "-" in parts[-1] else parts[-1], dot + extension)


def read_sidecar(path: Path) -> dict[str, Any]:
    """Return what a JSON file of BIDS says.

    Raises
    ------
    BiotransferError
        When it is no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read as JSON ({error}). Mend or remove it."
        ) from error
    check(
        isinstance(found, dict),
        f"{str(path)!r} is no JSON object. Expected keys and what they say. Mend or remove it.",
    )
    return found


def read_table(path: Path) -> pd.DataFrame:
    """Return a table of BIDS as it is written: every value is text, "n/a" where there is none.

    Raises
    ------
    BiotransferError
        When it is no table of tab-separated values in UTF-8.
    """
    import pandas as pd

    try:
        return pd.read_csv(
            path, sep="\t", dtype=str, keep_default_na=False, quoting=csv.QUOTE_NONE, encoding="utf-8-sig"
        )
    except (ValueError, OSError) as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read as tab-separated values in UTF-8 ({error}). Mend or remove it."
        ) from error
