"""What is stored proves itself: a checksum in every list, and in the list one for every file that belongs."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .writing import plain_value, write_text

if TYPE_CHECKING:
    import pandas as pd

CONTENTS = "index.json"
"""Name of the list in a folder that proves itself."""
_SUM = "checksum"
_OTHER = "has other content than was written"


Stamp = tuple[int, int, int]


class DamagedError(Exception):
    """What was stored is not there as it was written: it is made again, or refused by name."""


def _sum_of(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def write_proven(path: Path, value: Mapping[str, Any]) -> None:
    """Write a mapping as JSON with the SHA-256 of its content, atomically.

    Raises
    ------
    BiotransferError
        When the file cannot be written.
    """
    said = json.loads(json.dumps(value, default=plain_value))
    write_text(path, json.dumps({**said, _SUM: _sum_of(said)}, indent=1) + "\n")


def read_proven(path: Path) -> dict[str, Any]:
    """Read what :func:`write_proven` wrote.

    Raises
    ------
    DamagedError
        When it is missing, no file, no JSON, or not what was written.
    """
    try:
        said = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise DamagedError(f"{str(path)!r} is missing") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedError(f"{str(path)!r} cannot be read: {error}") from error
    if not isinstance(said, dict) or said.pop(_SUM, None) != _sum_of(said):
        raise DamagedError(f"{str(path)!r} {_OTHER}")
    return said


@dataclass(frozen=True)
class Contents:
    """The list of a folder: what belongs to it, and the checksum of each file.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    files : mapping of str to (str, int)
        SHA-256 and size in bytes by the path below ``folder``.
    facts : mapping
        What else the list says.
    stamps : dict of str to (int, int, int)
        Inode, size and time of modification (ns) of files that were proven, here or by another process:
        :meth:`proven` reads none again that stayed the same.
    """

    folder: Path
    files: Mapping[str, tuple[str, int]]
    facts: Mapping[str, Any]
    stamps: dict[str, Stamp] = field(default_factory=dict, compare=False)

    @cached_property
    def incomplete(self) -> dict[str, str]:
        """What is wrong with files that are missing, no files, or of another size, by their name."""
        found = {name: _looked_at(self.folder / name, size) for name, (_, size) in self.files.items()}
        return {name: wrong for name, wrong in found.items() if wrong}

    def damage(self) -> dict[str, str]:
        """Return what is wrong with each file that is not as it was written; all of them are read."""
        found = dict(self.incomplete)
        for name in self.files:
            if name not in found and (wrong := self._differs(name)):
                found[name] = wrong
        return found

    def _differs(self, name: str) -> str:
        path, (expected, size) = self.folder / name, self.files[name]
        wrong = _looked_at(path, size)
        if wrong:
            return wrong
        try:
            with path.open("rb") as file:
                return "" if hashlib.file_digest(file, "sha256").hexdigest() == expected else _OTHER
        except OSError as error:
            return f"cannot be read: {error.strerror or error}"

    def proven(self, *names: str) -> list[Path]:
        """Return where files lie that are as they were written: for readers that map them.

        Raises
        ------
        DamagedError
            When one does not belong to the folder, or is not as it was written.
        """
        for name in names:
            self._listed(name)
            stamp = stamp_of(self.folder / name)
            if stamp is not None and self.stamps.get(name) == stamp:
                continue
            wrong = self._differs(name)
            if wrong:
                raise DamagedError(f"{str(self.folder / name)!r} {wrong}")
            if stamp is not None:
                self.stamps[name] = stamp
        return [self.folder / name for name in names]

    def _listed(self, name: str) -> None:
        if name not in self.files:
            raise DamagedError(f"{str(self.folder / name)!r} does not belong to what was written")

    def read(self, name: str) -> bytes:
        """Return the content of a file as it was written.

        Raises
        ------
        DamagedError
            When it does not belong to the folder, or is not as it was written.
        """
        self._listed(name)
        path = self.folder / name
        wrong = _looked_at(path, self.files[name][1])
        try:
            content = b"" if wrong else path.read_bytes()
        except OSError as error:
            wrong = f"cannot be read: {error.strerror or error}"
        if not wrong and hashlib.sha256(content).hexdigest() != self.files[name][0]:
            wrong = _OTHER
        if wrong:
            raise DamagedError(f"{str(path)!r} {wrong}")
        return content

    def read_json(self, name: str) -> Any:
        """Return what a JSON file holds, as :meth:`read` does."""
        content = self.read(name)
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"{str(self.folder / name)!r} is no valid JSON: {error}") from error

    def read_table(self, name: str) -> pd.DataFrame:
        """Return the table of a parquet file, as :meth:`read` does."""
        from ..tables import read_table

        return read_table(io.BytesIO(self.read(name)))


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def stamp_of(path: Path) -> Stamp | None:
    """Return inode, size and time of modification (ns) of a file; None where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _looked_at(path: Path, size: int) -> str:
    """Return what is wrong with a file as far as its entry in the folder tells."""
    try:
        found = path.stat().st_size
        kind = path.is_file()
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if not kind:
        return "is no file"
    return "" if found == size else f"has {found} bytes, not the {size} that were written"


def list_contents(
    folder: Path,
    names: Iterable[str] | None = None,
    *,
    of: str = "",
    facts: Mapping[str, Any] | None = None,
    name: str = CONTENTS,
) -> None:
    """Write the list of a folder that is filled.

    Parameters
    ----------
    folder : Path
        Filled.
    names : iterable of str, optional
        Paths below it of the files that belong. Default: every file that is there.
    of : str
        What the folder holds, such as its address: a folder in another one's place is found by it.
    facts : mapping, optional
        What else the list says.
    name : str
        Of the list.

    Raises
    ------
    BiotransferError
        When it cannot be written.
    """
    if names is None:
        names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    files = {}
    for own in sorted(set(names) - {name}):
        with (folder / own).open("rb") as file:
            files[own] = [hashlib.file_digest(file, "sha256").hexdigest(), file.tell()]
    write_proven(folder / name, {"of": of, "files": files, **(facts or {})})


def read_contents(folder: Path, *, of: str = "", name: str = CONTENTS) -> Contents:
    """Read the list of a folder; the files themselves are looked at when they are read.

    Parameters
    ----------
    folder : Path
        As :func:`list_contents` left it.
    of : str
        What it has to hold.
    name : str
        Of the list.

    Raises
    ------
    DamagedError
        When there is no list, it is not what was written, or it is that of something else.
    """
    said = read_proven(folder / name)
    if said.pop("of", None) != of:
        raise DamagedError(f"{str(folder)!r} holds something else than {of!r}")
    try:
        files = {str(name): (str(total), int(size)) for name, (total, size) in said.pop("files").items()}
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise DamagedError(
            f"{str(folder / name)!r} lists no files ({type(error).__name__}: {error})"
        ) from error
    outside = [name for name in files if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name]
    if outside:
        raise DamagedError(f"{str(folder / name)!r} lists {outside[0]!r}, which is outside of its folder")
    return Contents(folder, files, said)
