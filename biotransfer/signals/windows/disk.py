"""Windows in files: written piece by piece in little memory, opened by mapping them into it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...errors import BiotransferError, check
from ...files import Contents, DamagedError, Stamp, list_contents, read_contents, stamp_of
from .columns import Column
from .container import Windows, check_alike

_COPY_ON_WRITE = 1 << 30
_LIST = "windows.json"
_FILES = ("X.npy", "y.npy", "metadata.arrow")
_OF = "windows"


class WindowsWriter:
    """Write windows to a folder, piece by piece: the memory needed is that of one piece.

    Parameters
    ----------
    folder : str or Path
        Made when it is not there. It gets ``X.npy``, ``y.npy``, ``metadata.arrow`` and ``windows.json``,
        which comes last and holds a checksum of each: without it the folder is not complete.

    Notes
    -----
    X is stored in float32, texts and numbers of the metadata as they are. As a context manager it lets go of
    its files where writing ends by an error.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._first: Windows | None = None
        self._X = _GrowingArray(self.folder / "X.npy")
        self._y = _GrowingArray(self.folder / "y.npy")
        self._table: Any = None

    def __enter__(self) -> WindowsWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self._let_go()

    @property
    def n_windows(self) -> int:
        """How many were written."""
        return self._X.length

    def append(self, windows: Windows) -> None:
        """Write further windows.

        Raises
        ------
        BiotransferError
            When sampling rate, columns, shape, classes or modality differ from the first ones'.
        """
        import pyarrow as pa

        if self._first is None:
            self._first = windows.take(np.arange(min(len(windows), 1)))
        check_alike(self._first, windows)
        self._X.append(windows.X.astype(np.float32, copy=False))
        self._y.append(windows.y.astype(np.int64, copy=False))
        table = pa.Table.from_pandas(windows.metadata, preserve_index=False)
        schema = pa.schema(
            [(f.name, pa.large_string() if _is_text(f.type) else f.type) for f in table.schema]
        )
        if self._table is None:
            self._table = pa.ipc.new_file(str(self.folder / "metadata.arrow"), schema)
        self._table.write_table(table.cast(schema))

    def close(self) -> Windows:
        """Finish the folder and return the windows, as :func:`open_windows` does.

        Raises
        ------
        BiotransferError
            When nothing was written.
        """
        check(self._first is not None, f"{str(self.folder)!r}: no windows were written. Append some.")
        assert self._first is not None
        self._X.complete()
        self._y.complete()
        self._let_go()
        facts = {
            key: getattr(self._first, key)
            for key in ("classes", "names", "modality", "sfreq", "history", "unit")
        }
        facts["columns"] = {name: list(column) for name, column in self._first.columns.items()}
        list_contents(self.folder, _FILES, of=_OF, facts=facts, name=_LIST)
        return open_windows(self.folder, stamps=stamps_of(self.folder))

    def _let_go(self) -> None:
        self._X.close()
        self._y.close()
        table, self._table = self._table, None
        if table is not None:
            table.close()


def write_windows(folder: str | Path, parts: Iterable[Windows]) -> Windows:
    """Write windows to a folder, part by part, and return them as :func:`open_windows` does.

    Parameters
    ----------
    folder : str or Path
        See :class:`WindowsWriter`.
    parts : iterable of Windows
        Alike but for their rows.

    Raises
    ------
    BiotransferError
        When there are none, or they are not alike.
    """
    with WindowsWriter(folder) as writer:
        for part in parts:
            writer.append(part)
        return writer.close()


def stamps_of(folder: Path) -> dict[str, Stamp]:
    """Return what tells the files of windows from changed ones without reading them."""
    found = {name: stamp_of(folder / name) for name in _FILES}
    return {name: stamp for name, stamp in found.items() if stamp is not None}


def open_windows(folder: str | Path, *, stamps: Mapping[str, Stamp] | None = None) -> Windows:
    """Map windows that :class:`WindowsWriter` wrote: no copy is made, and processes share the pages.

    Parameters
    ----------
    folder : str or Path
        As written.
    stamps : mapping, optional
        Of the files when they were proven by another process, see :func:`stamps_of`: what stayed the same is
        not read whole again.

    Notes
    -----
    Arrays below 1 GiB are mapped copy-on-write, because torch takes only writable arrays; larger ones are
    read-only. Neither ever changes the files. Folders of 0.1.0 before it wrote checksums are read unproven.

    Raises
    ------
    BiotransferError
        When the folder is not complete, or a file is not as it was written.
    """
    import pyarrow as pa

    folder = Path(folder)
    try:
        facts = _proven_facts(folder, stamps or {})
        with pa.memory_map(str(folder / "metadata.arrow")) as file:
            metadata = pa.ipc.open_file(file).read_all().to_pandas()
        X, y = (_mapped(folder / f"{name}.npy") for name in "Xy")
    except (DamagedError, OSError, EOFError, ValueError, KeyError, pa.ArrowException) as error:
        raise BiotransferError(
            f"{str(folder)!r} holds no complete windows ({error}). Delete the folder: what is prepared is "
            "made again; what you saved, save again with save_windows(windows, folder)."
        ) from error
    return Windows(
        X=X,
        y=y,
        metadata=metadata,
        classes=tuple(facts["classes"]),
        names=tuple(facts["names"]),
        modality=facts["modality"],
        sfreq=facts["sfreq"],
        history=tuple(facts["history"]),
        unit=facts.get("unit", "V"),
        columns={
            name: Column(stat, tuple(channels), unit)
            for name, (stat, channels, unit) in facts.get("columns", {}).items()
        },
    )


def _proven_facts(folder: Path, stamps: Mapping[str, Stamp]) -> Mapping[str, Any]:
    """Return what the list says, after the files were found to be as they were written."""
    try:
        contents = read_contents(folder, of=_OF, name=_LIST)
    except DamagedError:
        older = _older_facts(folder)
        if older is None:
            raise
        return older
    Contents(folder, contents.files, {}, dict(stamps)).proven(*_FILES)
    return contents.facts


def _older_facts(folder: Path) -> dict[str, Any] | None:
    """Return what the list says where it is of the format before checksums."""
    try:
        said = json.loads((folder / _LIST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    wanted = {"classes", "names", "modality", "sfreq", "history"}
    return said if isinstance(said, dict) and wanted <= set(said) <= {*wanted, "columns"} else None


class _GrowingArray:
    """An .npy file that grows along its first axis; its header leaves room for the final length."""

    def __init__(self, path: Path):
        self.path = path
        self._file: BinaryIO | None = None
        self.length = 0

    def append(self, values: np.ndarray) -> None:
        if self._file is None:
            self._file = self.path.open("wb")
            self._like = values[:0]
            self._header()
        self._file.write(np.ascontiguousarray(values).data if values.size else b"")
        self.length += len(values)

    def _header(self) -> None:
        assert self._file is not None
        np.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": np.lib.format.dtype_to_descr(self._like.dtype),
                "fortran_order": False,
                "shape": (self.length, *self._like.shape[1:]),
            },
        )

    def complete(self) -> None:
        """Say in the header how many rows there are."""
        if self._file is not None:
            self._file.seek(0)
            self._header()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _mapped(path: Path) -> np.ndarray:
    mode: Any = "c" if path.stat().st_size < _COPY_ON_WRITE else "r"
    return np.asarray(np.load(path, mmap_mode=mode, allow_pickle=False))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
