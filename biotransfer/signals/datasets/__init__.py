"""Data sets: files or downloads -> list of Recording, in V, with labels, subject, session and run.

Signals are never part of the package; ``data/`` has one card per data set, and ``registries/`` a sha256 for
every file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...errors import BiotransferError, DataNotFoundError, check
from ..recording import Recording
from . import download
from .catalog import DATASETS
from .download import check_files
from .muse import read_muse_csv
from .own import from_arrays, from_folder, from_raws

__all__ = [
    "DATASETS",
    "check_files",
    "data_files",
    "fetch",
    "from_arrays",
    "from_folder",
    "from_raws",
    "load_dataset",
    "read_muse_csv",
]


def load_dataset(
    name: str, *, data_dir: str | Path | None = None, download: bool = True, **params: Any
) -> list[Recording]:
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
    list of Recording
        In V, sorted by subject.

    Raises
    ------
    BiotransferError
        On an unknown name or parameter, missing data (every place looked at is named), or a file that is not
        what it claims.
    """
    entry, parameters = DATASETS.resolve({"name": name, **params})
    folder = _folder_of(name, data_dir, download) if entry.facts["sources"] else None
    recordings = entry.function(folder, **parameters)
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
        folder = _folder_of(name, data_dir, download)
        return folder, sorted({path for p in entry.facts["registered"] for path in folder.glob(p)})
    reads: Callable[..., tuple[Path, list[Path]]] | None = entry.facts["reads"]
    return None if reads is None else reads(**parameters)


def _folder_of(name: str, data_dir: str | Path | None, may_download: bool) -> Path:
    found, looked = download.find_folder(name, data_dir)
    home = download.default_folder() / name
    if found is not None and (found != home or download.is_complete(name, home)):
        return found
    if may_download:
        try:
            return fetch(name)
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


def fetch(
    name: str, data_dir: str | Path | None = None, *, mirror: str | None = None, retries: int = 3
) -> Path:
    """Download a data set, or complete and check what is there.

    Parameters
    ----------
    name : str
        A name out of ``DATASETS``.
    data_dir : str or Path, optional
        Folder that gets one folder per data set. Default: ``biotransfer`` in the MNE data directory.
    mirror : str, optional
        A URL below which ``NAME.zip`` or ``NAME/`` lies, instead of the origin. Default:
        ``BIOTRANSFER_MIRROR``, when set.
    retries : int
        How often a failed request is tried again.

    Returns
    -------
    Path
        The data set's folder; every registered file is in it, its sha256 checked.

    Raises
    ------
    BiotransferError
        On an unknown name, a data set without files, a failed download or a folder that cannot be written.
    """
    sources = DATASETS[name].facts["sources"]
    home = download.default_folder() if data_dir is None else Path(data_dir).expanduser()
    folder = home if data_dir is not None and download.holds_files(name, home) else home / name
    return download.download_files(name, folder, sources, mirror=mirror, retries=retries)
