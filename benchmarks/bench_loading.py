"""From files to windows and batches: all of myodisco against numpy.loadtxt, batches against braindecode."""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mne
import numpy as np
from threadpoolctl import threadpool_limits

from biotransfer.signals.datasets import data_files, load_dataset
from biotransfer.signals.datasets.own import from_raws
from biotransfer.signals.recording import Recording
from biotransfer.signals.windows import Windows, cut_windows
from biotransfer.signals.windows.braindecode import load_braindecode
from biotransfer.studies.recipe.sides import Section
from biotransfer.studies.running.data import Request, open_request

BATCH, RATE, CHANNELS = 64, 250.0, 16
PEOPLE = 100


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    clock = time.perf_counter()
    result = function()
    return time.perf_counter() - clock, result


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def loading(data: str, rounds: int) -> None:
    """All of myodisco to recordings, to windows that are stored, and these opened again."""
    found = data_files("myodisco", data_dir=data, download=False)
    assert found is not None
    files = [file for file in found[1] if file.suffix == ".csv"]

    def plain() -> list[np.ndarray]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [np.loadtxt(file, delimiter=",", ndmin=2) for file in files]

    ours = [timed(lambda: load_dataset("myodisco", data_dir=data, download=False))[0] for _ in range(rounds)]
    theirs = timed(plain)[0]
    section = Section.of("emg", "emg", {"data": "myodisco"})
    with tempfile.TemporaryDirectory() as cache:
        os.environ["BIOTRANSFER_CACHE"] = cache
        request = Request(section, None, data, download=False)
        stored = timed(lambda: open_request(request))[0]
        warm = statistics.median(timed(lambda: open_request(request))[0] for _ in range(5))
    cold = statistics.median(ours)
    row("work", "s", "against numpy.loadtxt")
    row("---", "---", "---")
    row(f"numpy.loadtxt, {len(files)} files", f"{theirs:.1f}", "1.0")
    row("myodisco to recordings", f"{cold:.1f}", f"{theirs / cold:.1f} x")
    row("the same, to stored windows", f"{stored:.1f}", f"{theirs / stored:.1f} x")
    row("the same, from the cache", f"{warm:.2f}", f"{theirs / warm:.0f} x")


def _recordings(seconds: float, people: int) -> list[Recording]:
    rng, raws = np.random.default_rng(0), {}
    for person in range(people):
        info = mne.create_info(CHANNELS, RATE, "eeg")
        raw = mne.io.RawArray(rng.normal(size=(CHANNELS, int(seconds * RATE))) * 1e-5, info, verbose="error")
        raw.set_annotations(mne.Annotations([0, seconds / 2], [seconds / 2] * 2, ["a", "b"]))
        raws[str(person)] = raw
    return from_raws(raws, modality="eeg", classes=["a", "b"])


def batches(rounds: int) -> None:
    """Random batches of windows of 1 s that overlap by 80 %, 16 channels at 250 Hz."""
    recordings = _recordings(600.0, 8)
    held = sum(r.raw.n_times for r in recordings) * CHANNELS * 4
    windows: dict[str, Windows] = {
        "cut_windows(copy=False)": cut_windows(recordings, length=1.0, step=0.2, copy=False),
        "cut_windows": cut_windows(recordings, length=1.0, step=0.2),
    }
    braindecode = load_braindecode("braindecode.datasets")
    cutters = load_braindecode("braindecode.preprocessing")
    with warnings.catch_warnings(), mne.utils.use_log_level("ERROR"):
        warnings.simplefilter("ignore")
        theirs = cutters.create_fixed_length_windows(
            braindecode.BaseConcatDataset([braindecode.RawDataset(r.raw) for r in recordings]),
            window_size_samples=250,
            window_stride_samples=50,
            drop_last_window=True,
            preload=True,
        )
    rng = np.random.default_rng(1)
    n = min(len(theirs), *(len(w) for w in windows.values()))
    drawn = [rng.integers(0, n, BATCH) for _ in range(100)]

    def by_item() -> None:
        for rows in drawn:
            np.stack([theirs[int(i)][0] for i in rows])

    def by_batch(X: Any) -> Callable[[], None]:
        def read() -> None:
            for rows in drawn:
                X[rows]

        return read

    items = len(drawn) * BATCH
    slow = items / statistics.median(timed(by_item)[0] for _ in range(rounds))
    row(
        "windows of 16 x 250, random batches of 64",
        "items/s",
        "against braindecode",
        "memory / float32 signal",
    )
    row("---", "---", "---", "---")
    size = sum(d.raw.get_data().nbytes for d in theirs.datasets) / held
    row("braindecode", f"{slow:,.0f}", "1.0", f"{size:.2f}")
    for name, cut in windows.items():
        rate = items / statistics.median(timed(by_batch(cut.X))[0] for _ in range(rounds))
        row(name, f"{rate:,.0f}", f"{rate / slow:.1f} x", f"{cut.X.nbytes / held:.2f}")


def checking(rounds: int) -> None:
    """``biotransfer check`` on a folder of 100 recordings, with nothing in the cache, and again."""
    with tempfile.TemporaryDirectory() as home:
        folder, rng = Path(home) / "eeg", np.random.default_rng(2)
        folder.mkdir()
        for person in range(PEOPLE):
            info = mne.create_info(8, RATE, "eeg")
            raw = mne.io.RawArray(rng.normal(size=(8, int(60 * RATE))) * 1e-5, info, verbose="error")
            raw.set_annotations(mne.Annotations([0, 30], [30, 30], ["a", "b"]))
            raw.save(folder / f"sub-{person:03d}_raw.fif", verbose="error")
        recipe = Path(home) / "recipe.yaml"
        recipe.write_text(
            "eeg: {data: folder, path: eeg, classes: [a, b]}\nemg: {data: simulated}\n"
            "directions: [emg->eeg]\nfeatures: band_power\nalign: {name: top_k, k: 8}\n"
            "network: {name: mlp, hidden: [16]}\narms: [scratch, transferred, permuted]\nseeds: 3\n"
        )
        command = [sys.executable, "-m", "biotransfer", "check", str(recipe)]
        row("check of 100 recordings of 60 s", "s")
        row("---", "---")
        environment = {**os.environ, "BIOTRANSFER_CACHE": f"{home}/cache"}

        def check() -> None:
            subprocess.run(command, check=True, env=environment, capture_output=True)

        row("cold", f"{timed(check)[0]:.1f}")
        row("again", f"{statistics.median(timed(check)[0] for _ in range(rounds)):.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of data sets; without one myodisco is left out")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with threadpool_limits(1):
        if arguments.data:
            loading(arguments.data, arguments.rounds)
            print()
        batches(arguments.rounds)
    print()
    checking(arguments.rounds)
    print(
        f"\npeak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB"
    )


if __name__ == "__main__":
    main()
