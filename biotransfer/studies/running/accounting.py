"""The account of a side: kept with its recordings and its windows, and handed on to check and report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ...files import DamagedError, read_json, write_json
from ...signals.account import account_recording, file_table, person_table, window_findings
from ...signals.datasets import Loaded, SeenFile
from ...signals.quality import group_findings
from ...signals.quality.facts import Facts, recording_facts
from ...signals.recording import Recording
from ...signals.windows import Windows
from ...signals.windows.cutting import Cutting
from .glance import plain_group

_LOADED = "account.json"
_TABLES = ("account", "account_files")


def keep_loaded(recordings: Loaded, folder: Path) -> None:
    """Write what the account needs of recordings as they were loaded, before anything is done to them."""
    files = [[seen.path, seen.subject, seen.why] for seen in recordings.files]
    facts = [recording_facts(recording).plain() for recording in recordings]
    write_json(folder / _LOADED, {"facts": facts, "files": files})


class Tally:
    """What became of the samples of recordings, one after the other."""

    def __init__(self, cutting: Cutting):
        self.cutting = cutting
        self.detail: list[dict[str, Any]] = []
        self.counted: list[dict[str, Any]] = []

    def add(self, recording: Recording, windows: Windows | None) -> None:
        """Count one recording and the windows that are kept of it."""
        kept = set() if windows is None else set(windows.metadata["uid"])
        detail, counted = account_recording(recording, self.cutting, kept)
        self.detail += detail
        self.counted += counted

    def close(self, stored: Path, folder: Path) -> list[dict[str, Any]]:
        """Write the account, and return what it finds.

        Parameters
        ----------
        stored : Path
            Where :func:`keep_loaded` wrote.
        folder : Path
            Gets ``account.parquet``, by person, and ``account_files.parquet``.
        """
        loaded = read_json(stored / _LOADED)
        facts = [Facts.read(plain) for plain in loaded["facts"]]
        files = file_table(self.detail, [SeenFile(*seen) for seen in loaded["files"]])
        people = person_table(facts, self.counted, files)
        for name, table in zip(_TABLES, (people, files), strict=True):
            table.to_parquet(folder / f"{name}.parquet", index=False)
        return [plain_group(group) for group in group_findings(list(window_findings(self.counted)))]


def read_account(folder: Path) -> dict[str, pd.DataFrame]:
    """Return what :meth:`Tally.close` wrote: by name of the table; none where windows were given.

    Raises
    ------
    DamagedError
        When one of them cannot be read.
    """
    places = {name: folder / f"{name}.parquet" for name in _TABLES}
    try:
        return {name: pd.read_parquet(place) for name, place in places.items() if place.is_file()}
    except (OSError, ValueError) as error:
        raise DamagedError(f"{folder}: {error}") from error


def join_accounts(accounts: Mapping[str, Mapping[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """Return the accounts of all sides, each table with a column ``data`` before the others.

    Parameters
    ----------
    accounts : mapping of str to mapping of str to DataFrame
        By side, see :func:`read_account`.
    """
    out = {}
    for name in _TABLES:
        tables = [_named(side, own[name]) for side, own in accounts.items() if name in own]
        if tables:
            out[name] = pd.concat(tables, ignore_index=True)
    return out


def _named(side: str, table: pd.DataFrame) -> pd.DataFrame:
    named = table.copy()
    named.insert(0, "data", side)
    return named


def keep_people(recordings: Loaded, people: Iterable[str]) -> Loaded:
    """Return the recordings of some people; files of others are not used, and say so."""
    chosen = set(people)
    files = [
        SeenFile(seen.path, seen.subject, "the smoke form keeps a few people only")
        if seen.used and seen.subject and seen.subject not in chosen
        else seen
        for seen in recordings.files
    ]
    return Loaded((r for r in recordings if r.subject in chosen), files)
