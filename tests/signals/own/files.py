"""Small files in the layouts in which people keep their recordings."""

from pathlib import Path

import mne
import numpy as np

SFREQ = 200.0


def counts(seed: int, n: int = 500, n_chans: int = 4) -> np.ndarray:
    """Whole numbers as an armband gives them, shape (n, n_chans)."""
    return np.random.default_rng(seed).integers(-100, 100, (n, n_chans))


def write_rows(path: Path, rows: np.ndarray, delimiter: str = ",", header: str = "", fmt: str = "%d") -> Path:
    """Write rows of numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(path, rows, delimiter=delimiter, header=header, fmt=fmt, comments="")
    return path


def repetitions(folder: Path, people: str = "ab", days: int = 1, runs: int = 2, classes: int = 2) -> Path:
    """One CSV per repetition, the class in its name."""
    for i, who in enumerate(people):
        for day in range(1, days + 1):
            for run in range(runs):
                for label in range(classes):
                    seed = i * 1000 + day * 100 + run * 10 + label
                    write_rows(folder / who / f"day{day}" / f"R_{run}_C_{label}.csv", counts(seed))
    return folder


def raw(seed: int = 0, n: int = 2000, labels: tuple[str, ...] = ("rest", "fist"), n_chans: int = 4):
    """A Raw whose length is shared by its labels."""
    data = np.random.default_rng(seed).normal(0, 2e-5, (n_chans, n))
    made = mne.io.RawArray(data, mne.create_info(n_chans, SFREQ, "emg"), verbose="error")
    each = n / SFREQ / max(1, len(labels))
    marks = mne.Annotations([i * each for i in range(len(labels))], [each] * len(labels), list(labels))
    return made.set_annotations(marks)
