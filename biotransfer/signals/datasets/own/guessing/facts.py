"""What numbers, names and words say about a recording: its rate, unit, modality and device."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..keys import SECONDS_PER_UNIT
from ..timing import estimate_rate

ELECTRODES = frozenset(
    f"{region}{place}"
    for region in ("fp", "af", "f", "ft", "fc", "t", "c", "tp", "cp", "p", "po", "o")
    for place in (*range(1, 11), "z")
)
"""Names of the 10-10 system, and some that it does not have."""
LABEL_WORDS = ("label", "class", "gesture", "stimulus", "restimulus", "marker", "marker0", "event", "target",
               "trigger", "condition", "movement", "y")  # fmt: skip
TIME_WORDS = ("time", "timestamp", "timestamps", "t", "time_ms", "time_s", "seconds", "ms")
RUN_WORDS = ("repetition", "rerepetition", "trial", "rep", "run")
RATE_WORDS = (
    "fs",
    "sfreq",
    "srate",
    "sampling_rate",
    "samplingrate",
    "frequency",
    "sample_rate",
    "samplerate",
)
SIGNAL_WORDS = ("emg", "eeg", "signal", "data", "x", "raw")
_NO_SIGNAL = re.compile(r"(index|counter|count|battery|aux|acc|gyr|mag|quat|packet|other|analog)", re.I)
_HERTZ = re.compile(r"(\d{2,5}(?:\.\d+)?)\s*(?:Hz|hertz|samples per second)", re.I)
_RATES = (20.0, 40_000.0)
_EPOCH = ((1e17, "ns"), (1e14, "us"), (1e11, "ms"), (1e8, "s"))
_FEW = 30
_LONG_RUN = 15.0


def is_signal_name(name: str) -> bool:
    """Whether a column could be an electrode by its name."""
    return _NO_SIGNAL.search(name) is None


def guess_modality(names: Sequence[str], path: str, counts: bool) -> tuple[str, str]:
    """Return a modality and why."""
    electrodes = [n for n in names if n.lower() in ELECTRODES]
    if len(electrodes) >= max(1, len(names) // 3):
        return "eeg", f"channels are called {', '.join(electrodes[:4])}"
    for word in ("emg", "eeg"):
        if any(word in n.lower() for n in names) or word in path.lower():
            return word, f"{word} stands in the names"
    if re.search(r"exg|openbci|muse|brain", " ".join([*names, path]), re.I):
        return "eeg", "words of EEG devices in the names"
    if re.search(r"myo|gesture|muscle|ninapro|hand", path, re.I) or counts:
        return "emg", "8-bit counts, or words of hands and muscles in the path"
    return "emg", "nothing says it; write eeg if it is"


def guess_unit(signal: np.ndarray) -> tuple[str, str]:
    """Return a unit and why, from values of shape (n_chans, n_samples)."""
    spread = float(np.median(np.std(signal, axis=1)))
    if is_counts(signal):
        return "uV", "8-bit counts without a published gain: one count is taken for one microvolt"
    unit = "V" if spread < 1e-3 else "mV" if spread < 0.5 else "uV"
    return unit, f"values spread by about {spread:.3g}"


def is_counts(signal: np.ndarray) -> bool:
    """Whether values are those of a signed 8-bit converter."""
    return bool((signal == np.round(signal)).all() and np.abs(signal).max(initial=0) <= 128)


def guess_time(values: np.ndarray, name: str) -> tuple[str, float] | None:
    """Return the unit of time stamps and the rate that they show; None where they are none."""
    if len(values) < 10 or (np.diff(values) < 0).any() or values[-1] <= values[0]:
        return None
    named = name.lower() in TIME_WORDS or "time" in name.lower()
    steps = np.diff(values)
    if not named and ((steps == 1).all() or np.ptp(steps) > 0.5 * np.median(steps)):
        return None
    units = [unit for least, unit in _EPOCH if values[0] > least][:1] or ["s", "ms", "us"]
    for unit in units:
        rate = estimate_rate(values * SECONDS_PER_UNIT[unit], name)
        if _RATES[0] <= rate <= _RATES[1]:
            return unit, rate
    return None


def is_label_like(values: np.ndarray) -> bool:
    """Whether whole numbers stay the same for long: labels of samples, or markers."""
    if not len(values) or not (values == np.round(values)).all():
        return False
    changes = int((np.diff(values) != 0).sum())
    return len(np.unique(values)) <= _FEW and changes > 0 and len(values) / (changes + 1) > _LONG_RUN


def is_markers(values: np.ndarray) -> bool:
    """Whether codes are markers: most samples carry 0, and what is not 0 does not last."""
    marked = values != 0
    changes = int((np.diff(values) != 0).sum())
    return bool(marked.any() and marked.mean() < 0.05 and marked.sum() <= changes)


def rate_in_words(root: Path) -> float | None:
    """Return the sampling rate that a text beside the data names, the one that is named most."""
    said: Counter[str] = Counter()
    for place in (root, root.parent):
        for pattern in ("README*", "readme*", "*.md", "*.json"):
            for path in sorted(place.glob(pattern))[:3]:
                if path.is_file() and path.stat().st_size < 1_000_000 and place == root:
                    said.update(_HERTZ.findall(path.read_text(encoding="utf-8", errors="replace")))
    return float(said.most_common(1)[0][0]) if said else None
