"""Trainings of a network's end alone: what enters it is computed once per body and windows, and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..networks.network import Network
from ..networks.tail import Cut, cut_behind, features_at
from ..weights import Weights
from .arm import Arm
from .curves import Curves
from .job import Job

Keeper = Callable[[Mapping[str, Any], Callable[[], np.ndarray]], np.ndarray]
"""Returns the array that some facts stand for: a kept one, or what the function makes."""


def make_anew(facts: Mapping[str, Any], make: Callable[[], np.ndarray]) -> np.ndarray:
    """Keep nothing."""
    return make()


def find_probes(job: Job) -> dict[Cut, list[int]]:
    """Return which arms of a job train the end of their network alone, by where it begins.

    Parameters
    ----------
    job : Job
        Of a library's model that no kernel trains.

    Notes
    -----
    An arm with a penalty, a teacher, an anchor, stochastic norms or low-rank products, and every arm where
    windows are augmented or precision is mixed, is left to the engine; so is a body that :func:`.cut_behind`
    refuses, such as one with dropout behind its last frozen block.
    """
    if job.network.build is None or job.schedule.augment != "none" or job.schedule.precision != "full":
        return {}
    found: dict[Cut, list[int]] = {}
    for a, arm in enumerate(job.arms):
        adds = arm.penalty or arm.teacher or arm.anchor or arm.stochastic_norm or arm.low_rank
        if adds or job.labels_of(a):
            continue
        cut = cut_behind(job.network, [name for name, rate in arm.lr_scale.items() if rate > 0])
        if isinstance(cut, Cut):
            found.setdefault(cut, []).append(a)
    return found


def train_probes(
    job: Job,
    cut: Cut,
    train: Callable[[Job], Curves],
    keep: Keeper,
    device: str,
    dtype: torch.dtype,
) -> Curves:
    """Train the ends of a job's arms on what their bodies, which stay still, make of its windows.

    Parameters
    ----------
    job : Job
        Of arms for which :func:`find_probes` names one cut.
    cut : Cut
        Where the end begins.
    train : callable
        Trains a job of the end.
    keep : callable
        Keeps what bodies make.
    device : str
        A torch device.
    dtype : torch.dtype
        Precision.
    """
    bodies = [_body(arm, cut.network) for arm in job.arms]
    digests = [body.checksum() for body in bodies]
    places = {digest: i for i, digest in enumerate(dict.fromkeys(digests))}
    windows = hashlib.sha256(np.ascontiguousarray(job.X).tobytes()).hexdigest()
    made = []
    for digest in places:
        tensors = job.arms[digests.index(digest)].tensors
        facts = {
            "network": job.network.describe(), "end": cut.path, "body": digest, "windows": windows,
            "shape": list(job.X.shape), "precision": str(dtype), "device": device.partition(":")[0],
        }  # fmt: skip

        def make(tensors: Mapping[str, np.ndarray] = tensors) -> np.ndarray:
            return features_at(job.network, cut, tensors, job.X, dtype=dtype, device=device)

        made.append(keep(facts, make))
    own = np.array([places[digest] for digest in digests])[:, None] * len(job.X)
    n, weight = len(places), job.sample_weight
    curves = train(
        replace(
            job,
            network=cut.network,
            arms=[_end_of(arm, cut.network) for arm in job.arms],
            X=np.concatenate(made),
            y=np.tile(job.y, n),
            train_rows=job.train_rows + own,
            eval_rows=job.eval_rows + own,
            unlabelled_rows=None,
            sample_weight=None if weight is None else np.tile(weight, n),
        )
    )
    whole = [
        {name: ends.get(name, arm.tensors[name]) for name in job.network.tensor_shapes}
        for arm, ends in zip(job.arms, curves.tensors, strict=True)
    ]
    path = np.array([f"kept features, {name}" for name in curves.path], dtype=object)
    return replace(curves, tensors=whole, path=path)


def _body(arm: Arm, end: Network) -> Weights:
    """Return what of an arm comes before its end."""
    return Weights({name: value for name, value in arm.tensors.items() if name not in end.tensor_shapes})


def _end_of(arm: Arm, end: Network) -> Arm:
    """Return the arm of the end."""
    own: Sequence[str] = tuple(end.tensor_shapes)
    return replace(
        arm,
        tensors={name: arm.tensors[name] for name in own},
        lr_scale={name: arm.lr_scale[name] for name in own},
        thaw={name: share for name, share in arm.thaw.items() if name in own},
        ledger=tuple(row for row in arm.ledger if row.tensor in own),
    )
