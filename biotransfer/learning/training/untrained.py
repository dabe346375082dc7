"""What networks say before any update: all there is to see where no window has a label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from ..networks.forward import run_network
from ..networks.network import Network
from .arm import Arm
from .curves import Curves
from .schedule import Schedule


def evaluate_untrained(
    network: Network, arms: Sequence[Arm], X: np.ndarray, y: np.ndarray, schedule: Schedule
) -> Curves:
    """Return curves without a single update: every point repeats the first.

    Parameters
    ----------
    network : Network
        Of all arms.
    arms : sequence of Arm
        Starting weights.
    X : ndarray, shape (n_eval, *network.input_shape), float32
        Windows on which curves are taken.
    y : ndarray, shape (n_eval,), int64
        Their labels.
    schedule : Schedule
        Its epochs, none of which has a batch.
    """
    logits = np.stack([run_network(network, arm.tensors, X).logits for arm in arms])
    log_p = functional.log_softmax(torch.from_numpy(logits), dim=-1)
    loss = -log_p.gather(-1, torch.from_numpy(y).expand(len(arms), -1).unsqueeze(-1)).squeeze(-1).numpy()
    steps, epochs = schedule.evaluation_points(0)
    return Curves(
        steps=steps,
        epochs=epochs,
        predicted=np.repeat(logits.argmax(-1).astype(np.int16)[:, None], len(steps), axis=1),
        loss=np.repeat(loss[:, None], len(steps), axis=1),
        probabilities=log_p.exp().numpy(),
        train_loss=np.full((len(arms), len(steps)), np.nan),
        train_accuracy=np.full((len(arms), len(steps)), np.nan),
        trained_epochs=np.zeros(len(arms), np.int64),
        best_epoch=np.zeros(len(arms), np.int64),
        pseudo_labels=np.zeros(len(arms), np.int64),
        engine="none",
        path=np.full(len(arms), "none", dtype=object),
        tensors=[{name: np.array(arm.tensors[name]) for name in network.tensor_shapes} for arm in arms],
    )
