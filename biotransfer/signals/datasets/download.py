"""Finding the files of a data set, and getting them from their origin with a checksum for each."""

from __future__ import annotations

import hashlib
import os
import textwrap
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...edges import stream_file
from ...errors import BiotransferError, check
from ...files import temporary_folder
from . import checksums
from .checksums import RegisteredFile
from .zips import open_zip, read_member

DATA_VARIABLE = "BIOTRANSFER_DATA"
MIRROR_VARIABLE = "BIOTRANSFER_MIRROR"
_TIMEOUT = (15, 60)
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Source:
    """Where files come from: ``kind`` "files" (one request each, below ``url``) or "archive" (one zip).

    ``sums`` is the origin's list of sha256 below ``url``, for files whose sha256 the registry does not know.
    """

    kind: str
    url: str
    sums: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.url}"


def default_folder() -> Path:
    """Return where downloads go: ``biotransfer`` inside the MNE data directory."""
    import mne

    return Path(mne.get_config("MNE_DATA", "~/mne_data")).expanduser() / "biotransfer"


def find_folder(
    name: str, data_dir: str | Path | None, patterns: Collection[str] = ()
) -> tuple[Path | None, list[Path]]:
    """Look for the folder of a data set.

    Parameters
    ----------
    name : str
        Data set.
    data_dir : str, Path or None
        Folder with one folder per data set, or the data set's folder itself; looked at first, then
        ``BIOTRANSFER_DATA``, then the MNE data directory.
    patterns : collection of str
        Of files that make a folder called ``name`` the data set's too, such as an unpacked archive.

    Returns
    -------
    found : Path or None
        The first folder that holds at least one registered file, or one of the patterns.
    looked : list of Path
        Every place looked at, in order.

    Raises
    ------
    BiotransferError
        When ``data_dir`` or ``BIOTRANSFER_DATA`` is no folder.
    """
    looked: list[Path] = []
    for label, root in (("data_dir", data_dir), (DATA_VARIABLE, os.environ.get(DATA_VARIABLE))):
        if not root:
            continue
        path = Path(root).expanduser()
        check(
            path.is_dir(),
            f"{label}={str(root)!r} is no folder. Expected a folder with {name}/ in it. "
            f"Give another one, or none and type: biotransfer fetch {name}",
        )
        looked += [path / name, path]
    looked.append(default_folder() / name)
    for folder in looked:
        if holds_files(name, folder, patterns):
            return folder, looked
    return None, looked


def holds_files(name: str, folder: Path, patterns: Collection[str] = ()) -> bool:
    """Whether a folder holds at least one registered file of a data set, or one of the patterns."""
    if not folder.is_dir():
        return False
    there = {entry.name for entry in os.scandir(folder)}
    registered = (path for path in checksums.read_registry(name) if path.partition("/")[0] in there)
    if any((folder / path).is_file() for path in registered):
        return True
    return folder.name == name and any(next(folder.glob(p), None) is not None for p in patterns)


def is_complete(name: str, folder: Path, only: Collection[str] | None = None) -> bool:
    """Whether every registered file, or every one of ``only``, is there (contents are not looked at)."""
    wanted = checksums.read_registry(name) if only is None else only
    return all((folder / path).is_file() for path in wanted)


def download_files(
    name: str,
    folder: Path,
    sources: Sequence[Source],
    *,
    mirror: str | None = None,
    retries: int = 3,
    only: Collection[str] | None = None,
) -> Path:
    """Bring every registered file of a data set into ``folder``; files already there as published stay.

    Parameters
    ----------
    name : str
        Data set.
    folder : Path
        Where its files go; made when missing.
    sources : sequence of Source
        Tried in order until nothing is missing.
    mirror : str, optional
        Used instead of ``sources``: a URL below which ``NAME.zip`` or ``NAME/`` lies. Default:
        ``BIOTRANSFER_MIRROR``, when set.
    retries : int
        How often a failed request or a wrong checksum is tried again.
    only : collection of str, optional
        The registered paths that are wanted; all, when not given.

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    BiotransferError
        When files are still missing, with every source and its failure; files that arrived stay, so the same
        call continues. Nothing half-written or with a wrong checksum is ever left under its name.

    Notes
    -----
    A progress bar names the origin and the size before the first byte. A file whose sha256 the registry does
    not know has to have the one in the origin's list, where the source has one (``sums``); otherwise it is
    trusted once, and its sha256 recorded beside it.
    """
    from tqdm.auto import tqdm

    mirror = mirror or os.environ.get(MIRROR_VARIABLE)
    if mirror:
        base = mirror.rstrip("/")
        sums = next((source.sums for source in sources if source.sums), "")
        sources = (Source("archive", f"{base}/{name}.zip"), Source("files", f"{base}/{name}/", sums))
    missing = _missing(name, folder, only)
    if not missing:
        return folder
    failures = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            what = f"{name}: {_amount(missing)} from {source.url.split('/')[2]}"
            with tqdm(desc=what, total=_size(missing), unit="B", unit_scale=True, leave=True) as bar:
                get = _get_files if source.kind == "files" else _get_archive
                failure = get(source, folder, missing, retries, bar)
            missing = _missing(name, folder, only)
            if not missing:
                return folder
            failures.append(f"{source.url}: {failure or f'lacks {missing[0].path!r}'}")
    except OSError as error:
        raise BiotransferError(
            f"{str(folder)!r} cannot be written: {error.strerror or error}. {name} needs "
            f"{_amount(missing)}. Free some space, or name another folder: "
            f"biotransfer fetch {name} --data DIR"
        ) from error
    wanted = len(checksums.read_registry(name) if only is None else only)
    raise BiotransferError(
        f"{name!r} could not be downloaded: {len(missing)} of {wanted} files are missing. "
        f"Tried {'; '.join(failures)}. What has arrived stays in {str(folder)!r}; try again: "
        f"biotransfer fetch {name}"
    )


def _missing(name: str, folder: Path, only: Collection[str] | None) -> list[RegisteredFile]:
    """Return the wanted files that are not there as they should be, with what is known of them."""
    registry = checksums.read_registry(name)
    problems = checksums.check_files(name, folder, only)
    return [registry[path] for path in problems]


def _size(files: Sequence[RegisteredFile]) -> int | None:
    """Return the bytes of files; None where one of them is not known."""
    sizes = [item.size for item in files if item.size is not None]
    return sum(sizes) if len(sizes) == len(files) else None


def _amount(files: Sequence[RegisteredFile]) -> str:
    """Say how much files are."""
    size = _size(files)
    return f"{len(files)} files" if size is None else f"{size / 1e6:.1f} MB in {len(files)} files"


class _RefusedError(Exception):
    """The server answered that it will not send this; asking again does not help."""


class _Request:
    """Downloader for pooch that moves a progress bar and does not insist where the server refuses."""

    def __init__(self, bar: Any, *, archive: bool = False):
        self.bar = bar
        self.archive = archive

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        import requests

        with requests.get(url, stream=True, timeout=_TIMEOUT) as response:
            if 400 <= response.status_code < 500 and response.status_code not in (408, 429):
                raise _RefusedError(f"{response.status_code} {response.reason}")
            response.raise_for_status()
            with open(output_file, "wb") as file:
                for chunk in response.iter_content(_CHUNK):
                    file.write(chunk)
                    self.bar.update(len(chunk))
        if self.archive and not zipfile.is_zipfile(output_file):
            raise ValueError("what arrived is no complete zip archive")


def _retrieve(url: str, sha256: str | None, path: Path, retries: int, request: _Request) -> str:
    """Fetch one URL through pooch (temporary file, checksum, retries); return what went wrong, or ""."""
    import pooch
    import requests

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        stream_file(url, path, sha256, request, retries)
    except _RefusedError as error:
        return str(error)
    except requests.RequestException as error:
        return textwrap.shorten(f"{type(error).__name__}: {error}", 160, placeholder=" ...")
    except ValueError as error:
        return (
            f"{path.name}: {error}"
            if sha256 is None
            else f"{path.name}: its sha256 is not the registered one"
        )
    finally:
        logger.setLevel(level)
    return ""


def _get_files(source: Source, folder: Path, missing: list[RegisteredFile], retries: int, bar: Any) -> str:
    """Ask for one file after the other; record what arrived where no registry knew it."""
    sums: dict[str, str] = {}
    if source.sums and any(item.sha256 is None for item in missing):
        failure, sums = _get_sums(source, retries, bar)
        if failure:
            return failure
    for item in missing:
        if item.sha256 is None and source.sums:
            if item.path not in sums:
                return f"{source.sums} of the origin does not list {item.path!r}"
            expected: str | None = sums[item.path]
        else:
            expected = item.sha256
        failure = _retrieve(
            source.url + quote(item.path), expected, folder / item.path, retries, _Request(bar)
        )
        if failure:
            return failure
        if item.sha256 is None:
            checksums.record_file(folder, item.path)
    return ""


def _get_sums(source: Source, retries: int, bar: Any) -> tuple[str, dict[str, str]]:
    """Get the origin's list of sha256; return what went wrong, or "", and the list."""
    with temporary_folder() as temporary:
        path = temporary / "sums.txt"
        failure = _retrieve(source.url + source.sums, None, path, retries, _Request(bar))
        if failure:
            return f"{source.sums}: {failure}", {}
        return "", checksums.parse_sums(path.read_text(encoding="utf-8", errors="replace"))


def _get_archive(source: Source, folder: Path, missing: list[RegisteredFile], retries: int, bar: Any) -> str:
    """Take the missing files out of one zip; a folder above them in the archive does not matter."""
    with temporary_folder(folder.parent) as temporary:
        archive = temporary / "archive.zip"
        failure = _retrieve(source.url, None, archive, retries, _Request(bar, archive=True))
        if failure:
            return failure
        with open_zip(archive) as content:
            return _extract(content, folder, missing, temporary / "file")


def _extract(content: zipfile.ZipFile, folder: Path, missing: list[RegisteredFile], temporary: Path) -> str:
    by_name: dict[str, list[str]] = {}
    for member in content.namelist():
        by_name.setdefault(member.rpartition("/")[2], []).append(member)
    failure = ""
    for item in missing:
        members = [
            member
            for member in by_name.get(item.path.rpartition("/")[2], [])
            if member == item.path or member.endswith("/" + item.path)
        ]
        for member in members:
            if item.sha256 is None or item.size is None:
                failure = f"{item.path}: no sha256 is known to check it by"
                continue
            try:
                data = read_member(content, member, item.size)
            except BiotransferError as error:
                failure = f"{item.path}: {error}"
                continue
            if hashlib.sha256(data).hexdigest() == item.sha256:
                temporary.write_bytes(data)
                target = folder / item.path
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(temporary, target)
                break
            failure = f"{item.path}: its sha256 is not the registered one"
    return failure
