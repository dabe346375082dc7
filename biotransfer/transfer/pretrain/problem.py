"""What a pretraining method is given and what it gives back, and the loop that most of them share.

Everything carries a leading model axis: one model per seed. The models never mix, so that seeds trained
together are seeds trained alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import numpy as np
import torch

from ...errors import check
from ...learning.layers.layer import output_shape
from ...learning.networks.drawing import initial_tensors
from ...learning.networks.modules import build_module
from ...learning.networks.network import Network
from ...learning.training.divergence import diverged
from ...learning.training.forward import can_stack, run_stacked
from ...learning.training.schedule import Schedule, epoch_order
from ...learning.weights import Tensors
from ...signals.windows import Windows, natural_sorted

Stacked = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class PretrainProblem:
    """Source networks to be trained: one model per seed, on the training rows of one split.

    Parameters
    ----------
    network : Network
        Of the source.
    windows : tuple of Windows
        Aligned source windows: one for all seeds, or one per seed.
    train, test : ndarray of int64
        Rows that train, and rows of people who are kept out.
    split_uid : str
        With the seed it fixes the order of batches.
    seeds : tuple of int
        One model each.
    schedule : Schedule
        Epochs, rate, batch size: the number of updates is that of supervised pretraining.
    target : Windows or None
        Training rows of the target, aligned; only for methods whose fact ``joint`` is true.
    target_network : Network or None
        The target's network.
    engine, device, dtype : str
        See :func:`.run_job`.
    sample_weight : ndarray, shape (n_windows,), float64, optional
        What each window of a source counts in the loss.
    """

    network: Network
    windows: tuple[Windows, ...]
    train: np.ndarray
    test: np.ndarray
    split_uid: str
    seeds: tuple[int, ...]
    schedule: Schedule
    target: Windows | None = None
    target_network: Network | None = None
    engine: str = "auto"
    device: str = "cpu"
    dtype: str = "float32"
    sample_weight: np.ndarray | None = None

    @property
    def n_updates(self) -> int:
        """Updates of supervised pretraining on the same rows."""
        return self.schedule.epochs * self.schedule.steps_per_epoch(len(self.train))

    @property
    def pool(self) -> np.ndarray:
        """Which of ``windows`` each seed is trained on."""
        n = len(self.seeds)
        return np.arange(n) if len(self.windows) > 1 else np.zeros(n, np.int64)

    def pooled(self) -> tuple[np.ndarray, np.ndarray]:
        """All windows as one array, and their labels."""
        if len(self.windows) == 1:
            return self.windows[0].X, self.windows[0].y
        return np.concatenate([w.X for w in self.windows]), np.concatenate([w.y for w in self.windows])

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """Rows of the pool, shape (n_seeds, n), that stand for ``rows`` of every seed's windows."""
        return np.asarray(rows) + len(self.windows[0]) * self.pool[:, None]

    def people(self, at_least: int) -> list[np.ndarray]:
        """Return the training rows of each person.

        Raises
        ------
        BiotransferError
            When fewer than ``at_least`` people train.
        """
        subjects = self.windows[0].metadata["subject"].to_numpy(dtype=str)[self.train]
        names = natural_sorted(np.unique(subjects))
        check(
            len(names) >= at_least,
            f"the source has {len(names)} training people, this pretraining method needs {at_least} or more. "
            "Load more subjects, or use pretrain: supervised.",
        )
        return [self.train[subjects == name] for name in names]

    def to_torch(self, array: np.ndarray) -> torch.Tensor:
        """Windows in the precision and on the device of the problem; integers stay."""
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        return tensor.to(self.device, getattr(torch, self.dtype) if tensor.is_floating_point() else None)

    def draws(self, stream: int) -> list[np.random.Generator]:
        """Return one generator per seed: what it draws does not depend on the other seeds."""
        return [np.random.default_rng([seed, stream]) for seed in self.seeds]

    def draw(self, network: Network, prefix: str = "") -> Stacked:
        """Fresh tensors of ``network`` for every seed, from the source's stream."""
        fresh = [initial_tensors(network, seed, stream="source") for seed in self.seeds]
        return {
            prefix + name: self.to_torch(np.stack([tensors[name] for tensors in fresh])).requires_grad_()
            for name in network.tensor_shapes
        }

    def order(self, epoch: int) -> np.ndarray:
        """Rows of the pool, shape (n_seeds, n_train), in the order of one pass."""
        n = len(self.train)
        rows = [self.train[epoch_order(seed, self.split_uid, epoch, n)] for seed in self.seeds]
        return np.stack(rows) + len(self.windows[0]) * self.pool[:, None]

    def batches(self) -> Iterator[torch.Tensor]:
        """Rows of the pool, shape (n_seeds, n_batch), of every update."""
        for epoch in range(self.schedule.epochs):
            order = torch.from_numpy(self.order(epoch)).to(self.device)
            for batch in self.schedule.batches(len(self.train)):
                yield order[:, batch]

    def draw_people(
        self, draws: list[np.random.Generator], groups: list[np.ndarray], n_people: int, n_windows: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw people without replacement, and windows of each.

        Parameters
        ----------
        draws : list of Generator
            One per seed.
        groups : list of ndarray
            Rows of each person, see :meth:`people`.
        n_people, n_windows : int
            How many people, and windows of each.

        Returns
        -------
        who : Tensor, shape (n_seeds, n_people)
            Index of the people.
        rows : Tensor, shape (n_seeds, n_people, n_windows)
            Of the pool; a window comes twice only where a person has fewer than ``n_windows``.
        """
        who = np.stack([rng.permutation(len(groups))[:n_people] for rng in draws])
        rows = np.array(
            [
                [np.resize(rng.permutation(groups[i]), n_windows) for i in mine]
                for rng, mine in zip(draws, who, strict=True)
            ]
        )
        rows = rows + len(self.windows[0]) * self.pool[:, None, None]
        return torch.from_numpy(who).to(self.device), torch.from_numpy(rows).to(self.device)


@dataclass(frozen=True, eq=False)
class Learned:
    """What a method made of every seed.

    Parameters
    ----------
    tensors : list of dict
        Every tensor of the source network, one dict per seed.
    loss : ndarray, shape (n_seeds, epochs), float64
        What was minimised, averaged over the updates of each epoch.
    diverged : ndarray, shape (n_seeds,), bool
        Whether the loss exploded, see :func:`.diverged`.
    carried : tuple of (Network, list of dict), optional
        What goes to the target, where that is not the source network.
    """

    tensors: list[Tensors]
    loss: np.ndarray
    diverged: np.ndarray
    carried: tuple[Network, list[Tensors]] | None = None


class Stack:
    """The forward pass of a network for many models: ``(tensors, x) -> y``, each with a leading model axis.

    Dense networks run as one; of others, the models run one after the other. Nothing is dropped at random.

    Parameters
    ----------
    network : Network
        Record; only its layers are used.
    engine : {"auto", "stacked", "loop"}
        "loop" runs the models one after the other in any case.
    prefix : str
        Of the names under which the network's tensors are found.
    """

    def __init__(self, network: Network, engine: str = "auto", prefix: str = ""):
        self.network = network
        self.names = {name: prefix + name for name in network.tensor_shapes}
        as_one = engine != "loop" and is_dense(network) and can_stack(network)
        self.module = None if as_one else build_module(network).eval()

    def __call__(self, tensors: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        """Return the output, shape (n_models, n_windows, ...)."""
        own = {name: tensors[stored] for name, stored in self.names.items()}
        if self.module is None:
            return run_stacked(self.network, own, x)[1]
        outputs = [
            torch.func.functional_call(self.module, {name: value[i] for name, value in own.items()}, x[i])
            for i in range(len(x))
        ]
        return torch.stack(outputs)


def is_dense(network: Network) -> bool:
    """Whether a window is a row of units before and behind every layer."""
    shapes = accumulate(
        network.layers, lambda shape, layer: layer.output_shape(shape), initial=network.input_shape
    )
    return all(len(shape) == 1 for shape in shapes)


def trunk(network: Network) -> Network:
    """Return the network without its head: from a window to the head's input."""
    layers = tuple(layer for layer in network.layers if layer.part != "head")
    return replace(network, layers=layers)


def n_features(network: Network) -> int:
    """Width of the head's input."""
    return int(np.prod(output_shape(trunk(network).layers, network.input_shape)))


def minimize(
    problem: PretrainProblem,
    tensors: Stacked,
    loss: Callable[[Any], torch.Tensor],
    updates: Iterator[Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Minimise ``loss`` by AdamW with the schedule's rate; ``tensors`` change in place.

    Parameters
    ----------
    problem : PretrainProblem
        Schedule and seeds.
    tensors : dict of Tensor
        What trains.
    loss : callable
        Takes what ``updates`` yields; returns shape (n_seeds,).
    updates : iterator
        One item per update.

    Returns
    -------
    losses, diverged : ndarray
        See :func:`by_epoch`.
    """
    optimizer = adamw(problem, tensors)
    losses = []
    for item in updates:
        per_model = loss(item)
        optimizer.zero_grad(set_to_none=True)
        per_model.sum().backward()
        optimizer.step()
        losses.append(per_model.detach())
    return by_epoch(losses, problem)


def adamw(problem: PretrainProblem, tensors: Stacked) -> torch.optim.Optimizer:
    """Return the optimiser of both training engines."""
    schedule = problem.schedule
    return torch.optim.AdamW(
        list(tensors.values()), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )


def by_epoch(losses: list[torch.Tensor], problem: PretrainProblem) -> tuple[np.ndarray, np.ndarray]:
    """Average losses of all updates over as many stretches as there are epochs.

    Returns
    -------
    losses : ndarray, shape (n_seeds, epochs)
        The mean of each epoch.
    diverged : ndarray, shape (n_seeds,), bool
        Whether one of them is far above the loss before any update, that of the first batch.

    Raises
    ------
    BiotransferError
        When a loss is not finite.
    """
    table = torch.stack(losses).T.double().cpu().numpy()
    broken = [seed for seed, row in zip(problem.seeds, table, strict=True) if not np.isfinite(row).all()]
    check(
        not broken,
        f"learning_rate={problem.schedule.learning_rate:g}: pretraining of seed {broken[:1]} diverged, its "
        "loss is not finite. Lower it: --set train.learning_rate=1.0e-4",
    )
    parts = np.array_split(np.arange(table.shape[1]), min(problem.schedule.epochs, table.shape[1]))
    means = np.stack([table[:, part].mean(axis=1) for part in parts], axis=1)
    return means, diverged(np.abs(table[:, 0]), np.maximum(means.max(axis=1), table[:, -1]))


def to_arrays(tensors: Stacked, network: Network, prefix: Mapping[str, str] | None = None) -> list[Tensors]:
    """Return the tensors of ``network``, one dict of float32 arrays per model.

    Parameters
    ----------
    tensors : dict of Tensor
        With a leading model axis.
    network : Network
        Which tensors to return.
    prefix : mapping, optional
        By part ("stem", "body", "head"), what the stored names begin with.
    """
    prefix, parts = prefix or {}, network.tensor_parts
    arrays = {
        name: tensors[prefix.get(parts[name], "") + name].detach().cpu().numpy().astype(np.float32)
        for name in network.tensor_shapes
    }
    n_models = len(next(iter(arrays.values())))
    return [{name: value[i].copy() for name, value in arrays.items()} for i in range(n_models)]
