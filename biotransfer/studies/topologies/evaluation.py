"""Train a candidate topology on inner folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...evidence.metrics import balanced_accuracy
from ...learning.networks import build_network
from ...learning.training import Schedule
from ...learning.training.running import train
from ...signals.splits import Split
from ...signals.windows import Windows
from ...transfer.carry import make_arms
from .nsga2 import Candidate


def evaluate_topology(
    spec: Mapping[str, Any],
    base: Mapping[str, Any],
    folds: Sequence[tuple[Windows, Split]],
    schedule: Schedule,
    seeds: Sequence[int],
    *,
    engine: str = "auto",
    device: str = "cpu",
) -> Candidate:
    """Train a candidate from random weights on every inner fold and validate it on people left out there.

    Parameters
    ----------
    spec : mapping
        Parameters of the network that are searched.
    base : mapping
        The network as the recipe has it, with its name.
    folds : sequence of (Windows, Split)
        For each inner fold, windows aligned by its training rows, and train and validation rows; the latter
        as ``test`` of the Split.
    schedule : Schedule
        The study's.
    seeds : sequence of int
        Initial weights and batch orders; they are trained together.
    engine, device : str
        See :func:`.run_job`.
    """
    errors: dict[str, list[float]] = {}
    operations = 0.0
    for windows, split in folds:
        network = build_network({**base, **spec}, windows.shape, len(windows.classes), sfreq=windows.sfreq)
        arms = [arm for seed in seeds for arm in make_arms(["scratch"], {}, network, seed, stream=split.uid)]
        curves = train(network, arms, windows, split, schedule, engine=engine, device=device)
        people = windows.metadata["subject"].to_numpy(dtype=str)[split.test]
        y, predicted = windows.y[split.test], curves.predicted[:, -1]
        for person in np.unique(people):
            mine = people == person
            reached = balanced_accuracy(y[mine], predicted[:, mine])
            errors.setdefault(str(person), []).append(1.0 - float(np.mean(reached)))
        operations += 3 * network.operations(len(split.train)) * schedule.epochs / len(folds)
    means = np.array([np.mean(values) for values in errors.values()])
    spread = float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else 0.0
    return Candidate(dict(spec), float(means.mean()), spread, network.n_parameters, operations)
