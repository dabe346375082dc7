"""Features batched against one window after another, at parity; and of a million windows, out of core."""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mne
import numpy as np
from threadpoolctl import threadpool_limits

from biotransfer.signals.datasets import load_dataset
from biotransfer.signals.features import extract_features
from biotransfer.signals.features.singles import GROUPS
from biotransfer.signals.recording import Recording
from biotransfer.signals.windows import Windows, cut_windows
from biotransfer.signals.windows.disk import WindowsWriter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "reference"))

import bird2020_reference as script
import single_features as plain

CUT: dict[str, Any] = {"length": 1.0, "step": 0.5, "by": "timestamps", "n_times": 150, "dtype": "float64"}


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return processor time and result: other programs on the machine do not count."""
    clock = time.process_time()
    result = function()
    return time.process_time() - clock, result


def plain_rows(recordings: Sequence[Recording]) -> tuple[np.ndarray, list[str]]:
    """From recordings to rows, one window after another."""
    parts = [script.bird2020(r.timestamps, r.raw.get_data().T * 1e6) for r in recordings]
    return np.concatenate([rows for rows, _ in parts]), parts[0][1]


def plain_features(windows: Windows) -> list[dict[str, float]]:
    """From windows to features, one window after another."""
    return [script.describe(X.T * 1e6) for X in windows.X]


def batched_rows(recordings: Sequence[Recording]) -> Windows:
    return extract_features(cut_windows(recordings, **CUT), "bird2020", dtype="float64")


def batched_features(windows: Windows) -> Windows:
    return extract_features(windows, {"name": "bird2020", "lag": False}, dtype="float64")


def check_parity(ours: np.ndarray, theirs: np.ndarray, names: Sequence[str]) -> str:
    """Compare every column (relative 1e-9 or absolute 1e-12), eigenvalues in sorted order as well."""
    assert ours.shape == theirs.shape
    ours, theirs, reordered = ours.copy(), theirs.copy(), 0
    for prefix in ("lag1_eigenval_", "eigenval_"):
        columns = [i for i, name in enumerate(names) if name.startswith(prefix)]
        one, other = ours[:, columns], theirs[:, columns]
        reordered += int((~np.isclose(one, other, rtol=1e-9)).any(axis=1).sum())
        ours[:, columns], theirs[:, columns] = np.sort(one), np.sort(other)
    difference = np.abs(ours - theirs)
    wrong = (difference > 1e-9 * np.abs(theirs)) & (difference > 1e-12)
    if wrong.any():
        raise SystemExit(f"not at parity: {np.array(names)[wrong.any(axis=0)].tolist()}")
    worst = float((difference / np.maximum(np.abs(theirs), 1e-3)).max())
    return (
        f"{ours.shape[0]} rows x {ours.shape[1]} columns at parity, largest relative difference {worst:.1e}; "
        f"eigenvalues in another order in {reordered} rows"
    )


# the EMG family


def emg_recording(subject: str, seconds: float = 500.0, sfreq: float = 200.0) -> Recording:
    """Eight channels of noise of some 50 uV, two classes."""
    rng = np.random.default_rng(len(subject))
    X = rng.normal(0, 5e-5, (8, int(seconds * sfreq))) * rng.uniform(0.5, 2.0, (8, 1))
    raw = mne.io.RawArray(X, mne.create_info(8, sfreq, "emg"), verbose="error")
    raw.set_annotations(mne.Annotations([0, seconds / 2], [seconds / 2] * 2, ["open", "closed"]))
    return Recording(raw, "emg", "bench", subject, ("open", "closed"))


def loop_over_channels(X: np.ndarray, sfreq: float, names: Sequence[str]) -> np.ndarray:
    """One window and one channel after another: its spectrum, wavelets and model are made once."""

    def sorted_scale(x: np.ndarray, _: float) -> list[float]:
        n, ordered = len(x), np.sort(x - x.mean())
        return [float(np.sum((2 * np.arange(n) / (n - 1) - 1) * ordered) / n)]

    def cepstrum(a: np.ndarray) -> list[float]:
        c: list[float] = []
        for n in range(len(a)):
            c.append(a[n] + sum((k + 1) / (n + 1) * c[k] * a[n - k - 1] for k in range(n)))
        return c

    kept: dict[str, Any] = {}
    plain_spectrum, plain_model = plain.periodogram, plain.autoregression
    plain_wavelets = plain.wavelet_energies
    functions = {**plain.CHANNEL, "LS": sorted_scale, "CC": lambda x, _: cepstrum(kept["model"])}
    plain.periodogram = lambda x, sfreq: kept["spectrum"]
    plain.autoregression = lambda x, order=4: kept["model"]
    plain.wavelet_energies = lambda x, wavelet: kept["wavelets"]
    rows = []
    try:
        for window in X * 1e6:
            row = []
            for x in window:
                power = np.abs(np.fft.rfft(x - x.mean())) ** 2 / (sfreq * len(x))
                power[1 : (len(x) + 1) // 2] *= 2
                kept["spectrum"] = np.arange(len(power)) * (sfreq / len(x)), power
                kept["model"] = plain_model(x)
                kept["wavelets"] = plain_wavelets(x, "sym8")
                row.append(np.concatenate([np.ravel(functions[name](x, sfreq)) for name in names]))
            rows.append(np.stack(row, axis=1).ravel())
    finally:
        plain.periodogram, plain.autoregression = plain_spectrum, plain_model
        plain.wavelet_energies = plain_wavelets
    return np.stack(rows)


def family(repeat: int) -> list[str]:
    """Compare groups of the EMG family with the loop, processor time per window."""
    windows = cut_windows(emg_recording("1"), length=1.0, step=0.5, dtype="float64")
    few = windows.take(np.arange(30))
    lines = ["| features | columns | loop, ms per window | batched, ms per window | times faster |"]
    lines.append("|---|---|---|---|---|")
    for group in ("HTD", "LS9", "TDPSD", "SPECTRUM", "MSWT", "EMG"):
        names = list(GROUPS.get(group, (group,)))
        spec = {"name": "emg_family", "which": [group]}
        slow, fast, ratios = [], [], []
        for _ in range(repeat):
            seconds, theirs = timed(lambda names=names: loop_over_channels(few.X, 200.0, names))
            runs = [
                timed(lambda spec=spec: extract_features(windows, spec, dtype="float64")) for _ in range(3)
            ]
            slow.append(1e3 * seconds / len(few))
            fast.append(1e3 * statistics.median(run[0] for run in runs) / len(windows))
            ratios.append(slow[-1] / fast[-1])
        ours = runs[0][1].X[: len(few)]
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)
        lines.append(
            f"| {group} | {ours.shape[1]} | {statistics.median(slow):.2f} | {statistics.median(fast):.3f} | "
            f"{statistics.median(ratios):.0f} |"
        )
    return lines


# out of core


def describe_many(n_windows: int, which: Sequence[str]) -> dict[str, float]:
    """Cut, describe and store windows of 8 channels x 200, recording by recording; open what is stored."""
    spec = {"name": "emg_family", "which": list(which)}
    recording = emg_recording("1")
    done, inside = 0, 0.0
    clock = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        writer = WindowsWriter(Path(folder) / "features")
        while done < n_windows:
            part = cut_windows(recording, length=1.0, step=0.05)
            part = part.take(np.arange(min(len(part), n_windows - done)))
            before = time.process_time()
            features = extract_features(part, spec)
            inside += time.process_time() - before
            writer.append(features)
            done += len(part)
        stored = writer.close()
        assert len(stored) == n_windows
        assert np.isfinite(stored.X[-1]).all()
        seconds = time.process_time() - clock
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "windows": n_windows,
        "seconds": seconds,
        "features": inside,
        "columns": len(stored.names),
        "MiB": peak,
    }


def scale(sizes: Sequence[int]) -> list[str]:
    """Measure every size in a process of its own."""
    lines = [
        "| windows (8 x 200) | columns | features, windows per s | with cutting, storing | peak memory, MiB |"
    ]
    lines.append("|---|---|---|---|---|")
    for size in sizes:
        done = subprocess.run(
            [sys.executable, __file__, "--one-size", str(size)], check=True, capture_output=True, text=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        lines.append(
            f"| {size:,} | {found['columns']} | {size / found['features']:,.0f} | "
            f"{size / found['seconds']:,.0f} | {found['MiB']:,.0f} |"
        )
    return lines


def bird2020(data: str, repeat: int) -> list[str]:
    """Compare bird2020 of the Muse recordings with the script's algorithm."""
    recordings = load_dataset("muse-mental-state", data_dir=data, download=False)
    windows = cut_windows(recordings, **CUT)
    tasks: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "recordings to rows with lag": (lambda: plain_rows(recordings), lambda: batched_rows(recordings)),
        "windows to features": (lambda: plain_features(windows), lambda: batched_features(windows)),
    }
    with threadpool_limits(limits=1):
        batched_rows(recordings)
        lines, parity = [], ""
        for name, (plain, batched) in tasks.items():
            slow, fast, ratio = [], [], []
            for _ in range(repeat):
                seconds, theirs = timed(plain)
                runs = [timed(batched) for _ in range(5)]
                slow.append(seconds)
                fast.append(statistics.median(seconds for seconds, _ in runs))
                ratio.append(slow[-1] / fast[-1])
            ours = runs[0][1]
            if not parity:
                assert list(ours.names) == theirs[1]
                parity = check_parity(ours.X, theirs[0], ours.names)
            lines.append(
                f"| {name} | {statistics.median(slow):.2f} | {statistics.median(fast):.3f} | "
                f"{statistics.median(ratio):.0f} |"
            )
    return [
        f"{len(recordings)} recordings, {len(windows)} windows, medians of {repeat}, one thread",
        "",
        "| bird2020 | plain Python, s | batched, s | times faster |",
        "|---|---|---|---|",
        *lines,
        "",
        f"{parity}.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of data sets; without it bird2020 is left out")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--one-size", type=int, help="this size only, in this process")
    arguments = parser.parse_args()
    with threadpool_limits(limits=1):
        if arguments.one_size:
            print(json.dumps(describe_many(arguments.one_size, GROUPS["HTD"])))
            return
        parts = [bird2020(arguments.data, arguments.repeat)] if arguments.data else []
        parts += [family(arguments.repeat), scale(arguments.sizes)]
    print("\n\n".join("\n".join(part) for part in parts))


if __name__ == "__main__":
    main()
