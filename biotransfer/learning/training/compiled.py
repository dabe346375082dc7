"""Models of a stack that the kernel trains: on a CPU, moved by nothing but AdamW and anchors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from ..layers.dense import RELU
from ..layers.layer import Layer
from ..networks.network import Network
from .adamw import BETAS, EPS
from .extras import Stacked
from .forward import pooled_first
from .job import Job
from .kernel.driver import find_logits, train_epoch
from .kernel.products import PRODUCTS_OF
from .kernel.records import (
    AVERAGE,
    CONV,
    LINEAR,
    NORM,
    POOL,
    Shape,
    State,
    aligned_rows,
    make_scratch,
)
from .recorder import Recorder
from .schedule import Schedule

_CODES = {"linear": LINEAR, "conv": CONV, "norm": NORM, "pool": POOL, "average": AVERAGE}


def can_compile(network: Network) -> bool:
    """Whether the kernel knows every layer.

    Notes
    -----
    It knows no images: torch trained those in 0.6 to 0.8 of its time, signals in 1.2 to 1.4 times as long
    (one core, AVX-512).
    """
    kinds = [layer.record for layer in network.layers]
    return all(kind.step for kind in kinds) and kinds[0] is not RELU


def kernel_shape(network: Network, schedule: Schedule) -> Shape:
    """Return what the kernel must know of a network for which :func:`can_compile` holds.

    Parameters
    ----------
    network : Network
        Of all models.
    schedule : Schedule
        Batch size and weight decay.
    """
    kinds: list[int] = []
    infos: list[list[int]] = []
    weights: list[int] = []
    sizes: list[int] = []
    shape, n_tensors = tuple(network.input_shape), 0
    widths = [int(np.prod(shape))]
    for layer in pooled_first(network.layers):
        assert layer.record.step is not None
        step, before, shape = layer.record.step(layer.options), shape, layer.output_shape(shape)
        if step.code == "rectify":
            infos[-1][5] = 1
            continue
        n_times = before[1] if len(before) > 1 else 1
        infos.append([n_times, before[0], shape[0], step.length, step.groups, 0])
        own = layer.tensor_shapes()
        kinds.append(_CODES[step.code])
        weights.append(n_tensors if own else -1)
        sizes += [int(np.prod(s)) for s in own.values()]
        n_tensors += len(own)
        widths.append(int(np.prod(shape)))
    return Shape(
        np.array(kinds),
        np.array(infos),
        np.array(weights),
        np.array(widths),
        np.cumsum([0, *widths[:-1]]),
        np.cumsum([0, *sizes]),
        len(network.input_shape) == 2,
        BETAS,
        EPS,
        float(schedule.weight_decay),
        int(schedule.batch_size),
    )


def compile_kernel(dtype: str) -> None:
    """Compile the kernel for numpy's cache by training a network of two weights; nothing is kept of it.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Precision of what trains.
    """
    layers = (Layer("linear", "head", "head", {"n_in": 1, "n_out": 1}),)
    shape = kernel_shape(Network("mlp", layers, (1,), 1), Schedule(batch_size=1))
    rows, number = aligned_rows(1, 2, np.dtype(dtype)), np.zeros((1, 2))
    state = State(
        rows,
        rows.copy(),
        rows.copy(),
        aligned_rows(0, 2, np.dtype(dtype)),
        number,
        number,
        number.astype(int),
    )
    scratch, X, order = make_scratch(shape, np.dtype(dtype)), np.zeros((1, 1), dtype), np.zeros((1, 1), int)
    find_logits(shape, state, scratch, X, order, np.empty((1, 1, 1), dtype))
    counts = np.empty((1, 0), dtype)
    train_epoch(shape, state, scratch, X, order, np.zeros(1, int), 0, np.zeros(1), np.zeros(1, int), counts)


def is_stored() -> bool:
    """Whether this process runs what is stored, and so computes the bits of every other one that does.

    What a process compiles for itself, since no folder can be written, rounds otherwise.
    """
    return bool(sum(train_epoch.stats.cache_hits.values()))


class CompiledModels:
    """Weights of a stack's models, and the epochs that move them; the numbers of :class:`Models`.

    Parameters
    ----------
    job : Job
        Of arms without penalty, low-rank pair or teacher, on a network for which :func:`can_compile` holds.
    X : Tensor, shape (n_pool, *input_shape)
        All windows, on the CPU; gives the precision.
    y : Tensor, shape (n_pool,)
        Labels.

    Attributes
    ----------
    leaves : dict of str to Tensor, shape (n_models, *shape)
        Views of what trains, "tensor/0".
    merged : dict of str to Tensor, shape (n_models, *shape)
        The same by the network's names.
    path : str
        By what they are trained, see :class:`.Curves`.
    """

    def __init__(self, job: Job, X: torch.Tensor, y: torch.Tensor):
        self.path = (
            f"kernel, products of {PRODUCTS_OF}{'' if self.stored() else ', compiled in this process'}"
        )
        self.job, self.X, self.y = job, X.flatten(1).numpy(), y.numpy()
        arms, schedule, n_train = job.arms, job.schedule, job.train_rows.shape[1]
        batch = min(schedule.batch_size, max(n_train, 1))
        self.shape, self._scratch = self._prepared(replace(schedule, batch_size=batch))
        names = self._names()
        anchored = any(arm.anchor for arm in arms)
        dtype = self.X.dtype
        n, width = len(arms), int(self.shape.offsets[-1])
        weights, means, squares = (aligned_rows(n, width, dtype) for _ in range(3))
        references = aligned_rows(n * anchored, width, dtype)
        self.state = State(
            weights,
            means,
            squares,
            references,
            np.array([[arm.anchor[n][1] if n in arm.anchor else 0.0 for n in names] for arm in arms]),
            np.array([[schedule.learning_rate * arm.lr_scale[n] for n in names] for arm in arms]),
            np.array([[schedule.first_update(arm.thaw.get(n, 0.0), n_train) for n in names] for arm in arms]),
        )
        self.merged = self._views(self.state.weights)
        towards = self._views(self.state.references) if anchored else {}
        for a, arm in enumerate(arms):
            for name in names:
                self.merged[name][a].numpy()[:] = arm.tensors[name]
                if name in arm.anchor:
                    towards[name][a].numpy()[:] = arm.anchor[name][0]
        self.leaves = {f"{name}/0": tensor for name, tensor in self.merged.items()}
        self._loss, self._hits = np.zeros(len(arms)), np.zeros(len(arms), np.int64)

    stored = staticmethod(is_stored)

    def _prepared(self, schedule: Schedule) -> tuple[Any, Any]:
        """Return what the kernel must know of the network, and memory for a batch."""
        shape = kernel_shape(self.job.network, schedule)
        return shape, make_scratch(shape, self.X.dtype)

    def _names(self) -> list[str]:
        """Return the tensors' names as they lie in the models' rows."""
        return list(self.job.network.tensor_shapes)

    def _views(self, rows: np.ndarray) -> Stacked:
        """Return the tensors that lie in the models' rows, where axes are the other way round."""
        views: Stacked = {}
        for i, (name, shape) in enumerate(self.job.network.tensor_shapes.items()):
            flat = torch.from_numpy(rows[:, self.shape.offsets[i] : self.shape.offsets[i + 1]])
            axes = range(len(shape), 0, -1)
            views[name] = flat if len(shape) == 1 else flat.unflatten(1, shape[::-1]).permute(0, *axes)
        return views

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what each model says of some of its evaluation rows, (n_models, n_windows, n_classes)."""
        out = np.empty((*rows.shape, self.job.network.n_outputs), self.X.dtype)
        find_logits(self.shape, self.state, self._scratch, self.X, np.ascontiguousarray(rows.numpy()), out)
        return torch.from_numpy(out)

    def train_epoch(self, epoch: int, recorder: Recorder) -> None:
        """Train every model on all its windows, in the order of an epoch, counted from 1."""
        job = self.job
        order = np.stack([job.order(a, epoch - 1) for a in range(len(job.arms))])
        counts = np.stack([job.weights_in_order(a, epoch - 1) for a in range(len(job.arms))])
        done = (epoch - 1) * job.schedule.steps_per_epoch(order.shape[1])
        self._train(order, counts.astype(self.X.dtype), done)
        recorder.begin(epoch)
        recorder.add(epoch, torch.from_numpy(self._loss), torch.from_numpy(self._hits), 1)

    def _train(self, order: np.ndarray, counts: np.ndarray, done: int) -> None:
        """Let the kernel train for an epoch, ``done`` updates after the first."""
        train_epoch(
            self.shape,
            self.state,
            self._scratch,
            self.X,
            order,
            self.y,
            done,
            self._loss,
            self._hits,
            counts,
        )
