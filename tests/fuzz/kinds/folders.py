"""Folders that other programs, or this one, wrote: BIDS, streams, saved recordings and windows, Muse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..commands import command
from ..kind import Files, Kind, read_files


def _bids_seeds(place: Path) -> list[Files]:
    from biotransfer.signals.exchange import to_bids
    from biotransfer.signals.simulate import simulate_eeg

    made = simulate_eeg(n_subjects=2, n_runs=1, seed=0)
    short = [one.with_raw(one.raw.copy().pick([0, 1]).crop(tmax=3.0)) for one in made]
    to_bids(short, place / "a", task="states")
    return [read_files(place / "a")]


def _read_bids(folder: Path) -> None:
    from biotransfer.signals.datasets.bids import from_bids

    from_bids(folder, modality="eeg")


def _xdf_seeds(place: Path) -> list[Files]:
    from tests.signals.own.test_formats import Xdf

    rows, stamps = np.random.default_rng(0).normal(0, 20, (300, 2)), 100.0 + np.arange(300) / 200.0
    file = Xdf(place / "S1.xdf")
    file.stream(1, "Amp", "EEG", stamps, rows, 200, [(f"C{i}", "microvolts") for i in range(2)])
    file.stream(2, "Keys", "Markers", [100.2, 100.9], np.array([["rest"], ["task"]]), 0)
    file.close()
    return [read_files(place)]


def _read_xdf(folder: Path) -> None:
    from biotransfer.signals.datasets import from_folder

    from_folder(folder, modality="eeg", classes=["rest", "task"], tmax=0.5, pattern="S{subject}.xdf")


def _saved_seeds(place: Path) -> list[Files]:
    from biotransfer.signals.datasets.saved import save_recordings
    from biotransfer.signals.simulate import simulate_eeg

    made = simulate_eeg(n_subjects=1, n_runs=1, seed=0)
    save_recordings([one.with_raw(one.raw.copy().pick([0, 1]).crop(tmax=3.0)) for one in made], place / "a")
    return [read_files(place / "a")]


def _read_saved(folder: Path) -> None:
    from biotransfer.signals.datasets import load_dataset

    load_dataset("saved", path=str(folder))


def _windows_seeds(place: Path) -> list[Files]:
    from biotransfer.signals.datasets.saved_windows import save_windows
    from tests.builders import make_windows

    signals = make_windows(n_times=20, n_features=2, n_windows=2)
    save_windows(replace(signals, X=signals.X * 1e-5), place / "a")
    save_windows(make_windows(n_features=3), place / "b")
    return [read_files(place / "a"), read_files(place / "b")]


def _read_windows(folder: Path) -> None:
    from biotransfer.signals.datasets.saved_windows import load_windows
    from biotransfer.signals.windows.checking import check_content

    check_content(load_windows(None, path=str(folder)), "windows")


def _muse_seeds(place: Path) -> list[Files]:
    rng = np.random.default_rng(0)
    times = 1533222000.0 + np.arange(300) / 256
    rows = np.column_stack([times, rng.normal(0, 20, (300, 5))])
    text = "timestamps,TP9,AF7,AF8,TP10,Right AUX\n" + "\n".join(
        ",".join(f"{v:.3f}" for v in r) for r in rows
    )
    return [{"subjecta-relaxed-1.csv": text.encode()}]


_MUSE = ("{file}", "--dataset", "muse-mental-state", "--out", "{beside}/out.csv")

KINDS = {
    "bids": Kind(_bids_seeds, command(_read_bids), over=True),
    "xdf": Kind(
        _xdf_seeds,
        command(("inspect", "{folder}"), ("new", "{beside}/new.yaml", "--data", "{folder}"), _read_xdf),
    ),
    "saved": Kind(_saved_seeds, command(_read_saved)),
    "windows": Kind(_windows_seeds, command(_read_windows)),
    "muse": Kind(_muse_seeds, command(("features", "statistical", *_MUSE), ("inspect", "{file}"))),
}
