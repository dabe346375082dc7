"""Recordings that MNE reads."""

from __future__ import annotations

import gzip
from functools import partial
from pathlib import Path

import mne
import numpy as np

from ..commands import command, read_as
from ..kind import Files, Kind, read_files


def _raw(seed: int = 0, n_chans: int = 3, n: int = 600) -> mne.io.RawArray:
    data = np.random.default_rng(seed).normal(0, 2e-5, (n_chans, n))
    info = mne.create_info(["Fp1", "Cz", "Oz"][:n_chans], 200.0, "eeg")
    raw = mne.io.RawArray(data, info, verbose="error")
    return raw.set_annotations(mne.Annotations([0.0, 1.5], [1.5, 1.5], ["rest", "task"]))


def _fif_seeds(place: Path) -> list[Files]:
    _raw().save(place / "one_raw.fif", verbose="error")
    _raw(1).save(place / "short_raw.fif", fmt="short", verbose="error")
    whole = read_files(place)
    packed = {"one_raw.fif.gz": gzip.compress(whole["one_raw.fif"], mtime=0)}
    (place / "split").mkdir()
    big = _raw(2, 3, 2000)
    big.save(
        place / "split" / "big_raw.fif", split_size=(1 << 20) + 20_000, buffer_size_sec=1, verbose="error"
    )
    return [
        {"one_raw.fif": whole["one_raw.fif"]},
        {"short_raw.fif": whole["short_raw.fif"]},
        packed,
        read_files(place / "split"),
    ]


def _set_seeds(place: Path) -> list[Files]:
    from scipy.io import loadmat, savemat

    (whole,) = _exported(place, ".set", "eeglab")
    old = loadmat(place / "one.set")
    data = np.asarray(old["data"], dtype="<f4")
    savemat(
        place / "two.set", {**{k: v for k, v in old.items() if not k.startswith("__")}, "data": "two.fdt"}
    )
    with_data = {"two.set": (place / "two.set").read_bytes(), "two.fdt": data.T.tobytes()}
    return [whole, with_data]


def _exported(place: Path, ending: str, fmt: str) -> list[Files]:
    mne.export.export_raw(place / f"one{ending}", _raw(), fmt=fmt, verbose="error")
    return [read_files(place)]


KINDS = {
    name: Kind(
        seeds,
        command(
            ("inspect", "{folder}"),
            ("inspect", "{file}"),
            ("new", "{beside}/new.yaml", "--data", "{folder}"),
            read_as(modality="eeg", classes=["rest", "task"]),
        ),
    )
    for name, seeds in (
        ("fif", _fif_seeds),
        ("edf", partial(_exported, ending=".edf", fmt="edf")),
        ("bdf", partial(_exported, ending=".bdf", fmt="bdf")),
        ("brainvision", partial(_exported, ending=".vhdr", fmt="brainvision")),
        ("set", _set_seeds),
    )
}
