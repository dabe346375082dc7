"""Finding the files of a data set, and getting them from their origin with a checksum for each."""

from __future__ import annotations

import hashlib
import os
import tempfile
import textwrap
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from ...edges import stream_file
from ...errors import BiotransferError, check

DATA_VARIABLE = "BIOTRANSFER_DATA"
MIRROR_VARIABLE = "BIOTRANSFER_MIRROR"
_TIMEOUT = (15, 60)
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Source:
    """Where files come from: ``kind`` "files" (one request each, below ``url``) or "archive" (one zip)."""

    kind: str
    url: str

    def __str__(self) -> str:
        return f"{self.kind} {self.url}"


@dataclass(frozen=True)
class RegisteredFile:
    """What a file of a data set has to be."""

    path: str
    sha256: str
    size: int


@cache
def read_registry(name: str) -> dict[str, RegisteredFile]:
    """Return the registered files of a data set by relative path.

    Raises
    ------
    BiotransferError
        When the data set has no files of its own.
    """
    text = resources.files(__package__).joinpath("registries", f"{name}.txt")
    check(text.is_file(), f"{name!r} has no files to get: nothing to fetch. Type: biotransfer list datasets")
    rows = (line.split() for line in text.read_text(encoding="utf-8").splitlines() if line)
    return {path: RegisteredFile(path, sha256, int(size)) for path, sha256, size in rows}


def make_registry(folder: str | Path, patterns: Iterable[str]) -> str:
    """Return the registry of a folder: one line ``path sha256 bytes`` per file, sorted by path.

    Parameters
    ----------
    folder : str or Path
        Folder with the original files of one data set.
    patterns : iterable of str
        Glob patterns, relative to the folder, of the files that belong to it.
    """
    folder = Path(folder)
    paths = sorted({path.relative_to(folder).as_posix() for p in patterns for path in folder.glob(p)})
    return "".join(f"{p} {_sha256(folder / p)} {(folder / p).stat().st_size}\n" for p in paths)


def check_files(name: str, folder: str | Path) -> dict[str, str]:
    """Compare a folder with the registry of a data set.

    Parameters
    ----------
    name : str
        Data set.
    folder : str or Path
        Folder with its files.

    Returns
    -------
    dict
        "missing" or "damaged" by relative path; empty when every registered file is there as published.
    """
    folder = Path(folder)
    problems = {}
    for item in read_registry(name).values():
        path = folder / item.path
        if not path.is_file():
            problems[item.path] = "missing"
        elif path.stat().st_size != item.size or _sha256(path) != item.sha256:
            problems[item.path] = "damaged"
    return problems


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def default_folder() -> Path:
    """Return where downloads go: ``biotransfer`` inside the MNE data directory."""
    import mne

    return Path(mne.get_config("MNE_DATA", "~/mne_data")).expanduser() / "biotransfer"


def find_folder(name: str, data_dir: str | Path | None) -> tuple[Path | None, list[Path]]:
    """Look for the folder of a data set.

    Parameters
    ----------
    name : str
        Data set.
    data_dir : str, Path or None
        Folder with one folder per data set, or the data set's folder itself; looked at first, then
        ``BIOTRANSFER_DATA``, then the MNE data directory.

    Returns
    -------
    found : Path or None
        The first folder that holds at least one registered file.
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
        if holds_files(name, folder):
            return folder, looked
    return None, looked


def holds_files(name: str, folder: Path) -> bool:
    """Whether a folder holds at least one registered file of a data set."""
    return folder.is_dir() and any((folder / path).is_file() for path in read_registry(name))


def is_complete(name: str, folder: Path) -> bool:
    """Whether every registered file is there (contents are not looked at)."""
    return all((folder / path).is_file() for path in read_registry(name))


def download_files(
    name: str, folder: Path, sources: Sequence[Source], *, mirror: str | None = None, retries: int = 3
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
    A progress bar names the origin and the size before the first byte.
    """
    from tqdm.auto import tqdm

    mirror = mirror or os.environ.get(MIRROR_VARIABLE)
    if mirror:
        base = mirror.rstrip("/")
        sources = (Source("archive", f"{base}/{name}.zip"), Source("files", f"{base}/{name}/"))
    missing = _missing(name, folder)
    if not missing:
        return folder
    failures = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            size = sum(item.size for item in missing)
            what = f"{name}: {size / 1e6:.1f} MB in {len(missing)} files from {source.url.split('/')[2]}"
            with tqdm(desc=what, total=size, unit="B", unit_scale=True, leave=True) as bar:
                get = _get_files if source.kind == "files" else _get_archive
                failure = get(source.url, folder, missing, retries, bar)
            missing = _missing(name, folder)
            if not missing:
                return folder
            failures.append(f"{source.url}: {failure or f'lacks {missing[0].path!r}'}")
    except OSError as error:
        raise BiotransferError(
            f"{str(folder)!r} cannot be written: {error.strerror or error}. {name} needs "
            f"{sum(item.size for item in missing) / 1e6:.1f} MB. Free some space, or name another folder: "
            f"biotransfer fetch {name} --data DIR"
        ) from error
    raise BiotransferError(
        f"{name!r} could not be downloaded: {len(missing)} of {len(read_registry(name))} files are missing. "
        f"Tried {'; '.join(failures)}. What has arrived stays in {str(folder)!r}; try again: "
        f"biotransfer fetch {name}"
    )


def _missing(name: str, folder: Path) -> list[RegisteredFile]:
    registry = read_registry(name)
    return [registry[path] for path in check_files(name, folder)]


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


def _get_files(url: str, folder: Path, missing: list[RegisteredFile], retries: int, bar: Any) -> str:
    for item in missing:
        failure = _retrieve(url + item.path, item.sha256, folder / item.path, retries, _Request(bar))
        if failure:
            return failure
    return ""


def _get_archive(url: str, folder: Path, missing: list[RegisteredFile], retries: int, bar: Any) -> str:
    """Take the missing files out of one zip; a folder above them in the archive does not matter."""
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as temporary:
        archive = Path(temporary) / "archive.zip"
        failure = _retrieve(url, None, archive, retries, _Request(bar, archive=True))
        if failure:
            return failure
        with zipfile.ZipFile(archive) as content:
            return _extract(content, folder, missing, Path(temporary) / "file")


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
            try:
                data = content.read(member)
            except (zipfile.BadZipFile, ValueError) as error:
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
