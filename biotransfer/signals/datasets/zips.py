"""Members of zip archives, of which no more is unpacked than their list says, and no more than fits."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO

from ...errors import BiotransferError, check

LARGEST = 256 * 1024 * 1024
"""Bytes of one member."""
MOST = 200_000
"""Members of one archive."""


def member_names(path: Path) -> list[str]:
    """Return the names of the files in an archive.

    Parameters
    ----------
    path : Path
        A zip archive.

    Raises
    ------
    BiotransferError
        When it is none, is damaged, or lists more than :data:`MOST` files.
    """
    with open_zip(path) as archive:
        return [item.filename for item in archive.infolist() if not item.filename.endswith("/")]


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open an archive whose list can be read.

    Raises
    ------
    BiotransferError
        See :func:`member_names`.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as error:
        raise BiotransferError(
            f"{str(path)!r} is no complete zip archive: {error}. Delete it and fetch it again."
        ) from error
    n = len(archive.infolist())
    named = all(item.filename for item in archive.infolist())
    if n > MOST or not named:
        archive.close()
    check(named, f"{str(path)!r} lists a file without a name. Delete it and fetch it again.")
    check(
        n <= MOST, f"{str(path)!r} lists {n} files. Expected {MOST} or fewer. Delete it and fetch it again."
    )
    return archive


def read_member(archive: zipfile.ZipFile, name: str, most: int = LARGEST) -> bytes:
    """Return the content of a file in an archive, refused before it is unpacked where it is too large.

    Parameters
    ----------
    archive : ZipFile
        Open.
    name : str
        Of the file.
    most : int
        Bytes that it may have.

    Raises
    ------
    BiotransferError
        When it has more, by its list or in fact, or cannot be unpacked.
    """
    where = f"{str(archive.filename)!r} is damaged at {name!r}"
    try:
        said = archive.getinfo(name).file_size
        check(said <= most, f"{where}: it says {said} bytes, more than {most}. Delete it and fetch it again.")
        with archive.open(name) as member:
            content = _up_to(member, said)
    except BiotransferError:
        raise
    except Exception as error:  # of damage, whatever the compression comes upon first
        raise BiotransferError(f"{where}: {error}. Delete it and fetch it again.") from error
    check(
        len(content) == said,
        f"{where}: it has not the {said} bytes that it says. Fetch it again.",
    )
    return content


def _up_to(member: IO[bytes], most: int) -> bytes:
    """Return what a member holds, one byte more than ``most`` at the very most."""
    return member.read(most + 1)
