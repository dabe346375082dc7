"""bird2020 features of the Muse recordings: batched, against the script's algorithm window by window."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from biotransfer.signals.datasets import load_dataset
from biotransfer.signals.features import extract_features
from biotransfer.signals.recording import Recording
from biotransfer.signals.windows import Windows, cut_windows

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "reference"))

import bird2020_reference as script

CUT: dict[str, Any] = {"length": 1.0, "step": 0.5, "by": "timestamps", "n_times": 150, "dtype": "float64"}


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    clock = time.perf_counter()
    result = function()
    return time.perf_counter() - clock, result


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of data sets")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    recordings = load_dataset("muse-mental-state", data_dir=arguments.data, download=False)
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
            for _ in range(arguments.repeat):
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
    print(
        f"{len(recordings)} recordings, {len(windows)} windows, medians of {arguments.repeat}, one thread\n"
    )
    print("| bird2020 | plain Python, s | batched, s | times faster |\n|---|---|---|---|")
    print("\n".join(lines))
    print(f"\n{parity}.")


if __name__ == "__main__":
    main()
