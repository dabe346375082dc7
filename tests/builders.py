"""Small Windows with a known structure, for tests that need no signals."""

import itertools

import numpy as np
import pandas as pd

from biotransfer.evidence.transferability.outputs import computing_layers, layer_outputs
from biotransfer.signals.windows import Windows


def make_windows(
    *,
    n_subjects: int = 4,
    n_classes: int = 3,
    n_recordings: int = 2,
    n_windows: int = 8,
    n_features: int = 12,
    signal: float = 1.0,
    modality: str = "eeg",
    n_times: int | None = None,
    seed: int = 0,
    step: float = 0.5,
    n_sessions: int = 1,
) -> Windows:
    """Windows whose class shifts the first features; half-overlapping in time."""
    rng = np.random.default_rng(seed)
    rows, y = [], []
    for subject, session, label, recording, window in itertools.product(
        *map(range, (n_subjects, n_sessions, n_classes, n_recordings, n_windows))
    ):
        name = f"set/sub-s{subject}/ses-{session + 1}/run-c{label}r{recording}"
        rows.append(
            {
                "uid": f"{name}@{window * step:.4f}",
                "dataset": "set",
                "subject": f"s{subject}",
                "session": str(session + 1),
                "run": f"c{label}r{recording}",
                "recording": name,
                "start": window * step,
                "stop": window * step + 1.0,
                "source_file": f"{name}.csv",
            }
        )
        y.append(label)
    labels = np.array(y, dtype=np.int64)
    centers = np.random.default_rng(99).normal(size=(n_classes, n_features)) * signal
    shape = (len(labels), n_features) if n_times is None else (len(labels), n_features, n_times)
    noise = rng.normal(size=shape)
    X = noise + (centers[labels] if n_times is None else centers[labels][:, :, None])
    return Windows(
        X=X.astype(np.float32),
        y=labels,
        metadata=pd.DataFrame(rows),
        classes=tuple(f"class{i}" for i in range(n_classes)),
        names=tuple(f"f{i}" for i in range(n_features)),
        modality=modality,
        sfreq=None if n_times is None else 100.0,
    )


def head_inputs(network, tensors, X: np.ndarray) -> np.ndarray:
    """What the head of a network sees."""
    last = [layer.name for layer in computing_layers(network) if layer.part != "head"][-1]
    return layer_outputs(network, tensors, X)[last]
