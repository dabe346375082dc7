"""How time and memory grow with windows, channels, subjects, seeds and workers: a fresh process per point.

Memory is what a process holds itself (resident and not backed by a file); pages of mapped files are the
system's to drop. Seconds are of processor time (all processes), which a busy machine changes least, but for
workers.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

PER_RECORDING = 10_000
SFREQ = 32.0
STUDY: dict[str, Any] = {
    "eeg": {"data": "simulated", "n_subjects": 4},
    "emg": {"data": "simulated", "n_subjects": 4},
    "features": "time_domain",
    "network": {"name": "mlp", "hidden": [16, 8]},
    "align": {"name": "top_k", "k": 8},
    "arms": ["scratch", "transferred", "permuted"],
    "directions": ["emg->eeg"],
    "train": {"epochs": 20},
    "seeds": 4,
}


class PeakMemory:
    """Highest anonymous memory of this process while it is watched, in bytes."""

    def __init__(self) -> None:
        self.peak, self._stop = 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.05):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    self.peak = max(self.peak, int(line.split()[1]) * 1024)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def recordings(n_windows: int, n_chans: int = 2) -> Iterator[Any]:
    """Yield noise of two classes, ``PER_RECORDING`` windows of 1 s each."""
    import mne

    from biotransfer.signals.recording import Recording

    rng = np.random.default_rng(0)
    info = mne.create_info([f"EMG{i}" for i in range(n_chans)], SFREQ, "emg")
    for i in range(math.ceil(n_windows / PER_RECORDING)):
        seconds = min(PER_RECORDING, n_windows - i * PER_RECORDING)
        signal = 1e-5 * rng.standard_normal((n_chans, int(seconds * SFREQ)))
        raw = mne.io.RawArray(signal, info, verbose="error")
        half = seconds // 2
        raw.set_annotations(mne.Annotations([0, half], [half, seconds - half], ["rest", "fist"]))
        yield Recording(raw, "emg", "noise", f"S{i % 100}", ("rest", "fist"), run=str(i))


def windows(n: int) -> None:
    """Cut windows and extract features to files, then train one epoch on the mapped features."""
    from biotransfer.learning.networks import build_network
    from biotransfer.learning.training import Schedule
    from biotransfer.learning.training.running import train
    from biotransfer.signals.features import extract_features
    from biotransfer.signals.splits import Split
    from biotransfer.signals.windows import WindowsWriter, cut_windows
    from biotransfer.transfer.carry import make_arms

    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        signals, features = WindowsWriter(f"{folder}/signals"), WindowsWriter(f"{folder}/features")
        for recording in recordings(n):
            part = cut_windows(recording, length=1.0, step=1.0)
            signals.append(part)
            features.append(extract_features(part, "time_domain"))
        assert len(signals.close()) == n
        opened = features.close()
        network = build_network("mlp", opened.shape, 2)
        rows = np.arange(n)
        n_test = min(1000, n // 10)
        split = Split("all", "rows", rows[:-n_test], rows[-n_test:])
        train(network, make_arms(["scratch"], {}, network, 0), opened, split, Schedule(1, 1e-3, 256))


def channels(n: int) -> None:
    """Cut 2000 windows of ``n`` channels and extract the statistical features."""
    from biotransfer.signals.features import extract_features
    from biotransfer.signals.windows import cut_windows

    for recording in recordings(2000, n):
        extract_features(cut_windows(recording, length=1.0, step=1.0), "time_domain")


def study(**changes: Any) -> None:
    """Run a small study of the simulated pair."""
    from biotransfer.studies.running import run_study

    workers = changes.pop("workers", 1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BIOTRANSFER_CACHE"] = f"{folder}/cache"
        run_study({**STUDY, **changes}, f"{folder}/study", workers=workers)


def subjects(n: int) -> None:
    """Leave one person out of ``n``: the folds grow with the people, and each trains on all others."""
    study(eeg={"data": "simulated", "n_subjects": n}, seeds=1)


def seeds(n: int) -> None:
    """Train ``n`` seeds."""
    study(seeds=n)


THOUSAND: dict[str, Any] = {
    **STUDY,
    "features": "statistical",
    "align": {"name": "top_k", "k": 128},
    "network": {"name": "mlp", "hidden": [128, 64]},
    "train": {"epochs": 160},
    "seeds": 80,
}
"""A thousand trainings of wider networks, of 80 ms each."""


def workers(n: int) -> None:
    """Train a thousand networks in ``n`` processes: a minute and a half for one."""
    study(**THOUSAND, workers=n)


SERIES = {
    "windows": (windows, [10**k for k in range(3, 8)]),
    "channels": (channels, [1, 4, 16, 64]),
    "subjects": (subjects, [4, 8, 16]),
    "seeds": (seeds, [5, 20, 80]),
    "workers": (workers, [1, 2]),
}


def measure(name: str, n: int) -> dict[str, float]:
    """Run one point in this process."""
    import biotransfer.learning.training.running
    import biotransfer.studies.running  # noqa: F401  # imports are no part of the growth

    function, _ = SERIES[name]

    clock, before = time.perf_counter(), _cpu_seconds()
    with PeakMemory() as memory:
        function(n)
    return {
        "wall": time.perf_counter() - clock,
        "cpu": _cpu_seconds() - before,
        "memory": memory.peak / 2**20,
    }


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to a million windows")
    parser.add_argument("--only", choices=list(SERIES), help="one series")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.point:
        print(json.dumps(measure(arguments.point[0], int(arguments.point[1]))))
        return
    print("| what grows | to | processor s | wall s | s per unit, over the point before | own memory, MiB |")
    print("|---|---|---|---|---|---|")
    for name in [arguments.only] if arguments.only else SERIES:
        before = None
        for n in SERIES[name][1]:
            if arguments.quick and n > 10**6:
                continue
            command = [sys.executable, __file__, "--point", name, str(n)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            row = json.loads(done.stdout.splitlines()[-1])
            kind = "wall" if name == "workers" else "cpu"
            growth = "" if before is None else f"{row[kind] / n / before:.2f}"
            before = row[kind] / n
            print(
                f"| {name} | {n:,} | {row['cpu']:.2f} | {row['wall']:.2f} | {growth} | {row['memory']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
