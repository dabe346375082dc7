"""A long table as recordings: one row per sample, who and what in columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import BiotransferError, check
from ...recording import Recording, natural_sorted
from .assemble import Part, make_recording
from .columns import find_column, find_columns
from .content import Content
from .keys import Reading
from .labels import Naming, stretches_of_codes
from .listing import Found
from .naming import check_labels
from .pattern import Named


def from_table(
    table: Any,
    *,
    sfreq: float,
    unit: str | float,
    modality: str,
    channels: Sequence[str | int] | None = None,
    label: str = "label",
    subject: str = "subject",
    session: str | None = None,
    run: str | None = None,
    classes: Sequence[str] | None = None,
    dataset: str = "own",
) -> list[Recording]:
    """Use a table with one row per sample as recordings.

    Parameters
    ----------
    table : pandas.DataFrame or path
        Rows of one person, session and run stand in the order of time; or a CSV or Parquet file of such.
    sfreq : float
        Sampling rate in Hz.
    unit : {"V", "mV", "uV", "nV"} or float
        Unit of the channels, or how many V one count is.
    modality : {"eeg", "emg"}
        What was recorded.
    channels : sequence of str or int, optional
        Columns that are channels, by name or position from 1 on. Default: all numbers that are none of the
        columns below.
    label, subject : str
        Columns with the label of every sample (missing where it has none) and the person.
    session, run : str, optional
        Columns with the session and the run. No window crosses from one run to another.
    classes : sequence of str, optional
        Labels in class order. Default: all that are found, sorted.
    dataset : str
        A name for all of them.

    Returns
    -------
    list of Recording
        One per person and session, in the order in which they appear.

    Raises
    ------
    BiotransferError
        When a column is not there, a channel holds no numbers, or a recording is not valid.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"subject": "p1", "label": ["rest"] * 300 + ["fist"] * 300, "biceps": 2.5})
    >>> from_table(frame, sfreq=200.0, unit="uV", modality="emg")[0].classes
    ('fist', 'rest')
    """
    import pandas as pd

    frame = table if isinstance(table, pd.DataFrame) else _read(Path(table))
    reading = Reading(path=".", modality=modality, unit=unit, sfreq=sfreq)
    columns = [str(column) for column in frame.columns]

    def values(key: str, name: str | None) -> np.ndarray:
        if name is None:
            return np.full(len(frame), "1")
        column = frame.iloc[:, find_column(key, name, columns, "table")]
        said: np.ndarray = column.astype(object).where(column.notna(), "").to_numpy()
        return said

    check(len(frame), "table has no rows. Expected one for every sample.")
    people, days, runs = values("subject", subject), values("session", session), values("run", run)
    codes = values("label", label)
    known = {subject, session, run, label}
    numeric = [c for c in columns if c not in known and frame[c].dtype.kind in "iuf"]
    picks = find_columns("channels", numeric if channels is None else channels, columns, "table")
    check(picks, f"table has no column of numbers beside {', '.join(filter(None, known))}. Name channels.")
    signal = _numbers(frame.iloc[:, list(picks)]) * (reading.volts or 1.0)
    naming = Naming()
    order = natural_sorted({name for code in set(codes) if (name := naming.name(code))})
    labels = check_labels(order if classes is None else classes)
    recordings = []
    for person, day in dict.fromkeys(zip(people.tolist(), days.tolist(), strict=True)):
        rows = np.flatnonzero((people == person) & (days == day))
        own = runs[rows]
        edges = tuple(int(i) + 1 for i in np.flatnonzero(own[1:] != own[:-1]))
        content = Content(
            data=np.ascontiguousarray(signal[rows].T),
            ch_names=tuple(columns[i] for i in picks),
            sfreq=sfreq,
            borders=edges,
        )
        named = Named(str(person) or "1", str(day) or "1")
        stretches = tuple(stretches_of_codes(codes[rows], own, naming, len(rows)))
        part = Part(Found("", named), content, stretches, "1", labelled=True)
        recordings.append(make_recording([part], reading, labels, sfreq, dataset))
    return recordings


def _numbers(frame: Any) -> np.ndarray:
    try:
        values: np.ndarray = frame.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BiotransferError(
            f"channels={list(frame.columns)} hold something else than numbers ({error}). Name those that are."
        ) from error
    return values


def _read(path: Path) -> Any:
    import pandas as pd

    check(path.is_file(), f"table={str(path)!r} is no file. Pass a DataFrame, or a CSV or Parquet file.")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, sep=None, engine="python")
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise BiotransferError(
            f"table={str(path)!r} cannot be read ({type(error).__name__}: {error}). Pass a DataFrame, or a "
            "CSV or Parquet file with a header."
        ) from error
