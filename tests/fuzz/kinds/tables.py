"""Text, arrays and raw numbers in a folder of one's own."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np

from ..commands import command, read_as
from ..kind import Files, Kind


def _numbers(seed: int, n: int = 300, n_chans: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(-100, 100, (n, n_chans))


def _text(values: np.ndarray, delimiter: str, header: str = "", fmt: str = "%g") -> bytes:
    out = io.BytesIO()
    np.savetxt(out, values, delimiter=delimiter, header=header, fmt=fmt, comments="")
    return out.getvalue()


def _csv_seeds(_: Path) -> list[Files]:
    plain: Files = {
        f"R_{run}_C_{label}.csv": _text(_numbers(run + 2 * label), ",") for run in (0, 1) for label in (0, 1)
    }
    wide = np.column_stack([np.arange(300) / 200, _numbers(5), np.repeat([0, 1, 2], 100)])
    stamped = {"who.csv": _text(wide, ",", "time,EMG1,EMG2,EMG3,label")}
    tabs = {
        "a/one.tsv": _text(_numbers(7), "\t", "x\ty\tz"),
        "b/one.tsv": _text(_numbers(8), "\t", "x\ty\tz"),
    }
    commas = {
        "S1_rest.txt": _text(_numbers(9) / 4, ";").replace(b".", b","),
        "S1_fist.txt": _text(_numbers(4), ";"),
    }
    named = {
        **plain,
        "metadata.json": json.dumps(
            {"a": {"class_idx": 0, "class_name": "rest"}, "b": {"class_idx": 1, "class_name": "fist"}}
        ).encode(),
    }
    return [plain, stamped, tabs, commas, named]


def _npy(values: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, values)
    return out.getvalue()


def _npy_seeds(_: Path) -> list[Files]:
    packed = io.BytesIO()
    np.savez(packed, emg=_numbers(1).astype(float), labels=np.repeat([0, 1], 150), fs=200.0)
    small = io.BytesIO()
    np.savez_compressed(small, emg=_numbers(2).astype(np.int16), fs=np.array([200.0]))
    return [
        {"S1_rest.npy": _npy(_numbers(1)), "S1_fist.npy": _npy(_numbers(2).astype(np.float32))},
        {"S1_rest.npy": _npy(np.asfortranarray(_numbers(3).astype(">f8")))},
        {"S1_rest.npz": packed.getvalue()},
        {"S1_rest.npz": small.getvalue()},
    ]


def _mat_seeds(place: Path) -> list[Files]:
    import h5py
    from scipy.io import savemat

    found: list[Files] = []
    for name, compress in (("plain", False), ("packed", True)):
        inside = {
            "emg": _numbers(1).astype(float),
            "fs": 200.0,
            "restimulus": np.repeat([0, 1], 150)[:, None],
            "info": {"who": "a", "cells": np.array([1, "b"], dtype=object)},
        }
        savemat(place / f"{name}.mat", inside, do_compression=compress)
        found.append({"S1_rest.mat": (place / f"{name}.mat").read_bytes()})
    with h5py.File(place / "new.mat", "w", userblock_size=512) as file:
        file["emg"] = _numbers(2).astype(np.float32)
        file.create_dataset("packed", data=_numbers(3), compression="gzip", chunks=(50, 3))
        file["fs"] = 200.0
    whole = bytearray((place / "new.mat").read_bytes())
    whole[:19] = b"MATLAB 7.3 MAT-file"
    found.append({"S1_rest.mat": bytes(whole)})
    return found


def _binary_seeds(_: Path) -> list[Files]:
    return [
        {f"classe_{i}.dat": _numbers(i, 200, 8).astype("<i2").tobytes() for i in (0, 1)},
        {"one.bin": _numbers(3, 200, 4).astype("<f4").tobytes()},
    ]


_FOLDER = ("inspect", "{folder}"), ("new", "{beside}/new.yaml", "--data", "{folder}")
_TEXT = {"sfreq": 200.0}

KINDS = {
    "csv": Kind(_csv_seeds, command(*_FOLDER, read_as(**_TEXT))),
    "numpy": Kind(_npy_seeds, command(*_FOLDER, read_as(**_TEXT))),
    "mat": Kind(_mat_seeds, command(*_FOLDER, read_as(**_TEXT))),
    "binary": Kind(_binary_seeds, command(*_FOLDER, read_as(**_TEXT))),
}
