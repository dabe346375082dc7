"""Arrays by name: MATLAB's files of all versions, and numpy's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .....errors import BiotransferError, check, did_you_mean
from .....limits import read_apart
from ..columns import find_columns
from ..content import Content
from ..keys import SECONDS_PER_UNIT, Reading

_HDF5 = b"\x89HDF"
_MATLAB_73 = b"MATLAB 7.3"


def read_mat(path: Path, name: str, reading: Reading) -> Content:
    """Read a .mat file, v5 or v7.3 (HDF5).

    Raises
    ------
    BiotransferError
        When it cannot be read, or does not hold what is named.
    """
    return _content(load_variables(path), name, reading)


def read_numpy(path: Path, name: str, reading: Reading) -> Content:
    """Read an array (.npy), or several by name (.npz); nothing in it is executed.

    Raises
    ------
    BiotransferError
        When it cannot be read, or does not hold what is named.
    """
    return _content(load_variables(path), name, reading)


def load_variables(path: Path) -> dict[str, np.ndarray]:
    """Return every array of a .mat, .npy or .npz file by its name; fields of structures behind a dot.

    Raises
    ------
    BiotransferError
        When it cannot be read.
    """
    if path.suffix != ".mat":
        return _opened(path, _numpy)
    with path.open("rb") as file:
        modern = file.read(128).startswith((_HDF5, _MATLAB_73))
    return _opened(path, _mat_73 if modern else _mat_5)


def _opened(path: Path, load: Callable[[Path], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    try:
        return read_apart(load, path)
    except BiotransferError:
        raise
    except ImportError as error:
        raise BiotransferError(
            f"{str(path)!r} needs the package {error.name}. Type: pip install 'biotransfer[files]'"
        ) from error
    except Exception as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read ({type(error).__name__}: {error}). Get or save the file again, or "
            "leave it out by a pattern."
        ) from error


def _mat_5(path: Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    whole = loadmat(path, simplify_cells=True)
    return dict(_flat({k: v for k, v in whole.items() if not k.startswith("__")}))


def _mat_73(path: Path) -> dict[str, np.ndarray]:
    import h5py

    found: dict[str, np.ndarray] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "iufb" and not name.startswith("#"):
            found[name.replace("/", ".")] = np.asarray(item).T

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def _numpy(path: Path) -> dict[str, np.ndarray]:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return {"array": loaded}
    with loaded:
        return {name: loaded[name] for name in loaded.files}


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """Yield arrays by their dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", np.asarray(value)


def _content(variables: dict[str, np.ndarray], name: str, reading: Reading) -> Content:
    check(reading.unit is not None, f"unit is missing: {name!r} does not say it. Write unit: uV.")
    taken = {str(key) for key in (reading.label_column, reading.run_column, reading.time_column) if key}
    signal = np.asarray(_signal(variables, name, reading, taken), dtype=np.float64)
    given = {
        key: _variable(variables, key, value, name).ravel()
        for key, value in (("label_column", reading.label_column), ("run_column", reading.run_column),
                           ("time_column", reading.time_column)) if value is not None
    }  # fmt: skip
    data = _oriented(signal, {len(values) for values in given.values()}, reading, name)
    n_trials, _, n_times = data.shape
    n = n_trials * n_times
    borders = tuple(range(n_times, n, n_times))
    runs = np.repeat(np.arange(1.0, n_trials + 1), n_times) if n_trials > 1 else None
    each: dict[str, np.ndarray] = {}
    for key, values in given.items():
        known = (n_trials, n) if n_trials > 1 else (n,)
        check(
            len(values) in known,
            f"{key}={getattr(reading, key)!r} has {len(values)} entries in {name!r} for {n} samples"
            f"{f' of {n_trials} trials' if n_trials > 1 else ''}. Expected one each. Check signal and order.",
        )
        each[key] = values if len(values) == n else np.repeat(values, n_times)
    flat = data.swapaxes(0, 1).reshape(data.shape[1], n)
    if reading.channels is not None:
        positions = tuple(str(i + 1) for i in range(len(flat)))
        flat = flat[list(find_columns("channels", reading.channels, positions, name))]
    times = each.get("time_column")
    return Content(
        data=flat * (reading.volts or 1.0),
        sfreq=_rate(variables, name, reading),
        times=None if times is None else times.astype(np.float64) * SECONDS_PER_UNIT[reading.time_unit],
        codes=each.get("label_column"),
        runs=each.get("run_column", runs),
        borders=borders,
    )


def _signal(variables: dict[str, np.ndarray], name: str, reading: Reading, taken: set[str]) -> np.ndarray:
    if reading.signal is not None:
        found = _variable(variables, "signal", reading.signal, name)
        check(
            found.dtype.kind in "iuf" and 1 <= found.ndim <= 3 and found.size > 1,
            f"signal={reading.signal!r} of {name!r} has the shape {found.shape} of {found.dtype}. Expected "
            f"numbers, samples by channels. It holds: {_shown(variables)}.",
        )
        return found
    could = [
        key
        for key, value in variables.items()
        if key not in taken and value.dtype.kind in "iuf" and value.ndim in (2, 3) and min(value.shape) > 1
    ]
    could = could or [
        key for key, value in variables.items()
        if key not in taken and value.dtype.kind in "iuf" and value.size > 1 and value.ndim <= 2
    ]  # fmt: skip
    check(
        len(could) == 1,
        f"{name!r} holds {len(could)} arrays that could be the signal: {_shown(variables)}. "
        "Write signal: and its name.",
    )
    return variables[could[0]]


def _variable(variables: dict[str, np.ndarray], key: str, given: str | int, name: str) -> np.ndarray:
    check(
        str(given) in variables,
        f"{key}={given!r} is no variable of {name!r}.{did_you_mean(given, variables)} "
        f"It holds: {_shown(variables)}.",
    )
    return variables[str(given)]


def _oriented(signal: np.ndarray, lengths: set[int], reading: Reading, name: str) -> np.ndarray:
    """Return the signal in the shape (n_trials, n_chans, n_times)."""
    if signal.ndim == 1:
        signal = signal[:, None]
    rows, columns = signal.shape[-2:]
    if reading.order is not None:
        rows_are_time = reading.order == "samples"
    elif signal.ndim == 2 and len(lengths & {rows, columns}) == 1:
        rows_are_time = rows in lengths
    else:
        check(
            rows != columns,
            f"{name!r}: its signal has {rows} rows and {columns} columns: either could be time. Write order: "
            "samples (rows are samples) or order: channels.",
        )
        rows_are_time = rows > columns
    oriented = signal.swapaxes(-1, -2) if rows_are_time else signal
    return oriented if oriented.ndim == 3 else oriented[None]


def _rate(variables: dict[str, np.ndarray], name: str, reading: Reading) -> float | None:
    if not isinstance(reading.sfreq, str):
        return reading.sfreq
    value = _variable(variables, "sfreq", reading.sfreq, name)
    check(
        value.size == 1 and value.dtype.kind in "iuf" and float(value.ravel()[0]) > 0,
        f"sfreq={reading.sfreq!r} of {name!r} is no positive number. It holds: {_shown(variables)}.",
    )
    return float(value.ravel()[0])


def _shown(variables: dict[str, np.ndarray]) -> str:
    several = [f"{key} {'x'.join(map(str, value.shape)) or 'scalar'}" for key, value in variables.items()]
    return ", ".join(several[:12]) + (", ..." if len(several) > 12 else "")
