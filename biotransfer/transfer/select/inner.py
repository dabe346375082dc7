"""What a choice of source people adds, on people kept out of the target's training rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...learning.networks import build_network
from ...learning.predictions import balanced_accuracy
from ...learning.training import Schedule
from ...learning.training.running import train
from ...learning.weights import Weights
from ...signals.splits import Split, inner_splits
from ...signals.windows import Windows
from ..carry import make_arms
from ..pretrain import METHODS
from ..pretrain.training import pretrain
from .problem import Gains


def inner_gains(
    source: Windows,
    source_split: Split,
    target: Windows,
    target_split: Split,
    network: str | Mapping[str, Any],
    *,
    seed: int,
    schedule: Schedule,
    method: str | Mapping[str, Any] = "supervised",
    folds: int = 3,
    engine: str = "auto",
    device: str = "cpu",
) -> Gains:
    """Return the function that tries groups of source people.

    Parameters
    ----------
    source, target : Windows
        Aligned.
    source_split, target_split : Split
        Whose training rows may be looked at; nothing else is.
    network : str or mapping
        As in a recipe.
    seed : int
        Of every training.
    schedule : Schedule
        As in the study.
    method : str or mapping
        Of pretraining.
    folds : int
        Inside the target's training rows, by person where there are two or more.
    engine, device : str
        See :func:`.run_job`.

    Returns
    -------
    callable
        Takes groups of people; returns the gain in balanced accuracy of the arm transferred over scratch
        after the last update, shape (n_groups, n_folds).
    """
    record = build_network(network, target.shape, len(target.classes), sfreq=target.sfreq)
    subjects = source.metadata["subject"].to_numpy(dtype=str)
    inner = inner_splits(target, target_split, folds=folds, seed=seed)
    joint = METHODS.resolve(method)[0].facts["joint"]

    def learn(group: Sequence[str], fold: Split) -> Weights:
        rows = source_split.train[np.isin(subjects[source_split.train], group)]
        split = replace(source_split, train=rows)
        seen = target.take(fold.train) if joint else None
        (learned,) = pretrain(
            [source],
            split,
            network,
            [seed],
            schedule,
            method=method,
            target=seen,
            engine=engine,
            device=device,
        )
        return learned.weights

    def gains(groups: Sequence[tuple[str, ...]]) -> np.ndarray:
        once = None if joint else [learn(group, inner[0]) for group in groups]
        found = []
        for fold in inner:
            weights = once or [learn(group, fold) for group in groups]
            arms = make_arms(["scratch"], {}, record, seed, stream=fold.uid)
            for one in weights:
                arms += make_arms(["transferred"], {"supervised": one}, record, seed, stream=fold.uid)
            curves = train(record, arms, target, fold, schedule, engine=engine, device=device)
            score = balanced_accuracy(target.y[fold.test], curves.predicted[:, -1])
            found.append(score[1:] - score[0])
        return np.stack(found, axis=1)

    return gains
