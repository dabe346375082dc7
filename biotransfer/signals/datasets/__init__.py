"""Data sets: files or downloads -> list of Recording, in V, with labels, subject, session and run.

Signals are never part of the package; ``data/`` has one card per data set, and ``registries/`` a sha256 for
every file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ...errors import BiotransferError, DataNotFoundError, check
from . import checksums, download
from .bids import from_bids
from .catalog import DATASETS
from .checksums import check_files
from .common import choose
from .loaded import Loaded, SeenFile
from .moabb import from_moabb
from .muse import read_muse_csv
from .own import from_arrays, from_folder, from_raws, from_table, guess_folder

__all__ = [
    "DATASETS",
    "Loaded",
    "SeenFile",
    "check_files",
    "data_files",
    "fetch",
    "from_arrays",
    "from_bids",
    "from_folder",
    "from_moabb",
    "from_raws",
    "from_table",
    "guess_folder",
    "load_dataset",
    "read_muse_csv",
]


def load_dataset(
    name: str, *, data_dir: str | Path | None = None, download: bool = True, **params: Any
) -> Loaded:
    """Load the recordings of a data set.

    Parameters
    ----------
    name : str
        A name out of ``DATASETS``.
    data_dir : str or Path, optional
        Folder with one folder per data set, or the data set's folder itself. Looked at first, then
        ``BIOTRANSFER_DATA``, then ``biotransfer`` in the MNE data directory.
    download : bool
        Whether to get the files from their origin when no place has them.
    **params
        The data set's own parameters (subjects, sessions, classes, ...).

    Returns
    -------
    Loaded
        A list of recordings in V, sorted by subject; its ``files`` are those seen, used or not, and why not.

    Raises
    ------
    BiotransferError
        On an unknown name or parameter, missing data (every place looked at is named), or a file that is not
        what it claims.
    """
    entry, parameters = DATASETS.resolve({"name": name, **params})
    people = parameters.get("subjects")
    folder = _folder_of(name, data_dir, download, people) if entry.facts["sources"] else None
    found = entry.function(folder, **parameters)
    recordings = found if isinstance(found, Loaded) else Loaded(found)
    line = entry.facts["line_freq"]
    for recording in recordings if line else ():
        if recording.raw.info["line_freq"] is None:
            recording.raw.info["line_freq"] = line
    check(
        recordings,
        f"{name!r} has no recording of subjects={parameters.get('subjects')}, "
        f"classes={parameters.get('classes')}. Ask for others. Type: biotransfer inspect {name}",
    )
    return recordings


def data_files(
    name: str, *, data_dir: str | Path | None = None, download: bool = True, **params: Any
) -> tuple[Path, list[Path]] | None:
    """Return a folder and the files below it that the recordings of a data set depend on, all of them.

    Parameters
    ----------
    name : str
        A name out of ``DATASETS``.
    data_dir, download, **params
        As for :func:`load_dataset`.

    Returns
    -------
    tuple of Path and list of Path, or None
        None where the data set does not say (its entry has neither ``sources`` nor ``reads``).

    Raises
    ------
    BiotransferError
        When the data are missing.
    """
    entry, parameters = DATASETS.resolve({"name": name, **params})
    if entry.facts["sources"]:
        folder = _folder_of(name, data_dir, download, parameters.get("subjects"))
        patterns = (*entry.facts["registered"], *entry.facts["unpacked"])
        return folder, sorted({path for p in patterns for path in folder.glob(p)})
    reads: Callable[..., tuple[Path, list[Path]]] | None = entry.facts["reads"]
    return None if reads is None else reads(**parameters)


def _folder_of(name: str, data_dir: str | Path | None, may_download: bool, people: Any) -> Path:
    found, looked = download.find_folder(name, data_dir, DATASETS[name].facts["unpacked"])
    home = download.default_folder() / name
    if found is not None and (found != home or download.is_complete(name, home, _files_of(name, people))):
        return found
    if may_download:
        try:
            return fetch(name, subjects=people)
        except BiotransferError as error:
            failure = f" {error}"
    else:
        failure = "" if found is None else " The download there is not complete."
    places = ", ".join(str(place) for place in looked)
    raise DataNotFoundError(
        f"{name!r} is not on this machine.{failure} Looked at {places}. Expected a folder with its "
        f"files: give data_dir=... (--data DIR), set {download.DATA_VARIABLE}, or type: "
        f"biotransfer fetch {name}"
    )


def _files_of(name: str, people: Any) -> set[str] | None:
    """Return the registered files of some people and of nobody; None for those of all."""
    owner = DATASETS[name].facts["owner"]
    if owner is None or not isinstance(people, (list, tuple)):
        return None
    wanted = {str(who) for who in people}
    return {path for path in checksums.read_registry(name) if owner(path) is None or owner(path) in wanted}


def fetch(
    name: str,
    data_dir: str | Path | None = None,
    *,
    subjects: Sequence[str] | None = None,
    mirror: str | None = None,
    retries: int = 3,
) -> Path:
    """Download a data set, or complete and check what is there.

    Parameters
    ----------
    name : str
        A name out of ``DATASETS``.
    data_dir : str or Path, optional
        Folder that gets one folder per data set. Default: ``biotransfer`` in the MNE data directory.
    subjects : sequence of str, optional
        Whose files are wanted, where the data set's files have owners; all, when not given.
    mirror : str, optional
        A URL below which ``NAME.zip`` or ``NAME/`` lies, instead of the origin. Default:
        ``BIOTRANSFER_MIRROR``, when set.
    retries : int
        How often a failed request is tried again.

    Returns
    -------
    Path
        The data set's folder; every file asked for is in it, its sha256 checked.

    Raises
    ------
    BiotransferError
        On an unknown name, a data set without files, a failed download or a folder that cannot be written.
    """
    sources, owner = DATASETS[name].facts["sources"], DATASETS[name].facts["owner"]
    if subjects is not None and owner is not None:
        choose(f"subjects of {name!r}", subjects, {owner(p) for p in checksums.read_registry(name)} - {None})
    home = download.default_folder() if data_dir is None else Path(data_dir).expanduser()
    folder = home if data_dir is not None and download.holds_files(name, home) else home / name
    only = _files_of(name, subjects)
    return download.download_files(name, folder, sources, mirror=mirror, retries=retries, only=only)
