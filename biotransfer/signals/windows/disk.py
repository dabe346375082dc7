"""Windows in files: written piece by piece in little memory, opened by mapping them into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...errors import BiotransferError, check
from .columns import Column
from .container import Windows, check_alike

_COPY_ON_WRITE = 1 << 30


class WindowsWriter:
    """Write windows to a folder, piece by piece: the memory needed is that of one piece.

    Parameters
    ----------
    folder : str or Path
        Made when it is not there. It gets ``X.npy``, ``y.npy``, ``metadata.arrow`` and ``windows.json``;
        without the last one the folder is not complete.

    Notes
    -----
    X is stored in float32, texts and numbers of the metadata as they are.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._first: Windows | None = None
        self._X = _GrowingArray(self.folder / "X.npy")
        self._y = _GrowingArray(self.folder / "y.npy")
        self._table: Any = None

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
        self._X.close()
        self._y.close()
        check(self._first is not None, f"{str(self.folder)!r}: no windows were written. Append some.")
        assert self._first is not None
        self._table.close()
        facts = {
            key: getattr(self._first, key) for key in ("classes", "names", "modality", "sfreq", "history")
        }
        facts["columns"] = {name: list(column) for name, column in self._first.columns.items()}
        (self.folder / "windows.json").write_text(json.dumps(facts), encoding="utf-8")
        return open_windows(self.folder)


def open_windows(folder: str | Path) -> Windows:
    """Map windows that :class:`WindowsWriter` wrote: no copy is made, and processes share the pages.

    Parameters
    ----------
    folder : str or Path
        As written.

    Notes
    -----
    Arrays below 1 GiB are mapped copy-on-write, because torch takes only writable arrays; larger ones are
    read-only. Neither ever changes the files.

    Raises
    ------
    BiotransferError
        When the folder is not complete.
    """
    import pyarrow as pa

    folder = Path(folder)
    try:
        facts = json.loads((folder / "windows.json").read_text(encoding="utf-8"))
        with pa.memory_map(str(folder / "metadata.arrow")) as file:
            metadata = pa.ipc.open_file(file).read_all().to_pandas()
        X, y = (_mapped(folder / f"{name}.npy") for name in "Xy")
    except (OSError, EOFError, ValueError, KeyError, pa.ArrowException) as error:
        raise BiotransferError(
            f"{str(folder)!r} holds no complete windows ({error}). Delete the folder; it is made again."
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
        columns={
            name: Column(stat, tuple(channels), unit)
            for name, (stat, channels, unit) in facts.get("columns", {}).items()
        },
    )


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

    def close(self) -> None:
        if self._file is not None:
            self._file.seek(0)
            self._header()
            self._file.close()


def _mapped(path: Path) -> np.ndarray:
    mode: Any = "c" if path.stat().st_size < _COPY_ON_WRITE else "r"
    return np.asarray(np.load(path, mmap_mode=mode, allow_pickle=False))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
