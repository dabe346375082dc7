"""Models of a stack that the kernel of maps over time trains: convolutions, norms by batches, dropout."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ..layers.kind import MapOp, Shape
from ..layers.layer import Layer
from ..networks.network import Network
from ..networks.reading import ByContent, layers_of
from .adamw import BETAS, EPS
from .compiled import CompiledModels
from .extras import Stacked
from .job import Job
from .kernel.records import State, aligned, aligned_rows
from .kernel_maps import draws, driver
from .kernel_maps import records as maps
from .schedule import Schedule, update_seed

_CODES = {
    "joined": maps.JOINED,
    "conv": maps.CONV,
    "each": maps.EACH,
    "norm": maps.NORM,
    "elu": maps.ELU,
    "relu": maps.RELU,
    "square": maps.SQUARE,
    "log": maps.LOG,
    "mean": maps.MEAN,
    "largest": maps.LARGEST,
    "drop": maps.DROP,
}
_IN_PLACE = ("elu", "relu")
_PATCHES, _MOMENTS = 1 << 17, 1 << 25
"""Values of patches, and of windows' moments that are kept: 256 MiB."""

Step = tuple[MapOp, tuple[int, int], tuple[int, int], tuple[str, ...]]
"""What is done, channels and times before and behind it, and the tensors' names."""


def steps_of(network: Network) -> list[Step] | None:
    """Return what the kernel is to do for a network; None where it does not know how.

    Parameters
    ----------
    network : Network
        Any; a library's model by what was read from it.

    Notes
    -----
    Filters over time, a norm by batches and sums over the channels for each filter are one step, and stand at
    the beginning or nowhere.
    """
    layers = layers_of(network)
    if layers is None or len(network.input_shape) != 2:
        return None
    steps: list[Step] = []
    bank: list[tuple[MapOp, Layer]] = []
    shape: Shape = tuple(network.input_shape)
    now = (shape[0], shape[1])
    for layer in layers:
        op = layer.record.op(layer.options, shape) if layer.record.op else None
        if op is None:
            return None
        shape = layer.output_shape(shape)
        if op.code == "none":
            continue
        if op.code == "time" or bank:
            bank.append((op, layer))
            if op.code != "space":
                continue
            step = _bank(bank, now, shape)
            bank = []
        else:
            behind = _behind(op, now, shape)
            step = _sized(op, now), now, behind, tuple(layer.tensor_shapes())
        if step is None or (step[0].code == "bank" and steps):
            return None
        steps.append(step)
        now = step[2]
    return steps if steps and not bank and now == (network.n_outputs, 1) and _trains(steps) else None


def _trains(steps: Sequence[Step]) -> bool:
    """Whether the last step gives the logits, and each is of a size that the kernel takes."""
    sized = all(size > 0 for _, before, behind, _ in steps for size in (*before, *behind))
    return sized and steps[-1][0].code == "conv"


def _behind(op: MapOp, now: tuple[int, int], shape: Shape) -> tuple[int, int]:
    if op.code == "conv" and op.length == 0:
        return shape[0], 1
    if len(shape) == 2:
        return shape[0], shape[1]
    return (shape[0], 1) if op.code == "mean" else now


def _sized(op: MapOp, now: tuple[int, int]) -> MapOp:
    """Let a dense layer be filters as long as what is left of the window."""
    return op._replace(length=now[1]) if op.code == "conv" and op.length == 0 else op


def _bank(parts: Sequence[tuple[MapOp, Layer]], now: tuple[int, int], shape: Shape) -> Step | None:
    """Join filters over time, a norm and sums over channels, in this order."""
    if [op.code for op, _ in parts] != ["time", "norm", "space"]:
        return None
    (in_time, first), (norm, _), (space, last) = parts
    if in_time.biased or first.options["n_in"] != 1 or in_time.padding >= in_time.length:
        return None
    names = tuple(name for _, layer in parts for name in layer.tensor_shapes())
    op = in_time._replace(
        code="bank", filters=last.options["n_in"], eps=norm.eps, momentum=norm.momentum, most=space.most
    )
    return op, now, (shape[0], shape[1]), names


def can_map(network: Network) -> bool:
    """Whether the kernel of maps over time knows every layer of a library's model."""
    return network.build is not None and _can_map(ByContent(network))


@lru_cache(maxsize=64)
def _can_map(network: ByContent) -> bool:
    steps = steps_of(network.record)
    return steps is not None and (all(op.code != "drop" for op, *_ in steps) or _draws_as_torch())


@lru_cache
def _draws_as_torch() -> bool:
    """Whether this torch draws what dropout keeps as the kernel does."""
    seed, share, n = 5, 0.3, 400
    theirs = torch.zeros(n, dtype=torch.uint8).bernoulli_(
        share, generator=torch.Generator().manual_seed(seed)
    )
    words = np.random.RandomState(seed).randint(0, 1 << 32, 2 * n, np.uint32).astype(np.int64)
    ours = ((words[::2] & 0x1FFFFF) << 32 | words[1::2]) < share * 2.0**53
    return bool((theirs.numpy() == ours).all())


def map_shape(network: Network, steps: Sequence[Step], schedule: Schedule) -> maps.MapShape:
    """Return what the kernel must know of a network.

    Parameters
    ----------
    network : Network
        Of all models.
    steps : sequence of Step
        From :func:`steps_of`.
    schedule : Schedule
        Batch size and weight decay.
    """
    sizes = [int(np.prod(network.tensor_shapes[name])) for _, _, _, own in steps for name in own]
    ops = np.zeros((len(steps), maps.CHOSEN + 1), np.int64)
    reals = np.zeros((len(steps), maps.MOST + 1))
    at = [0]
    end, tensor, statistic, chosen, code = int(np.prod(steps[0][1])), 0, 0, 0, ""
    for k, (op, before, behind, own) in enumerate(steps):
        ops[k, : maps.STATISTIC] = [
            maps.BANK if op.code == "bank" else _CODES[op.code], *before, *behind, op.length, op.padding,
            op.stride, op.dilation, op.filters, tensor if own else -1, op.biased,
        ]  # fmt: skip
        ops[k, maps.STATISTIC], ops[k, maps.CHOSEN] = statistic, chosen
        reals[k] = op.eps, op.momentum, op.kept, op.most
        tensor += len(own)
        if op.code == "norm":
            statistic += 2 * before[0]
        elif op.code == "bank":
            statistic += 4 * op.filters + behind[0] * (before[1] + behind[1]) * schedule.batch_size
        elif op.code == "largest":
            chosen += behind[0] * behind[1]
        stays = op.code in _IN_PLACE or (op.code == "drop" and code not in _IN_PLACE)
        at.append(at[-1] if stays and k else end)
        end += 0 if stays and k else behind[0] * behind[1]
        code = op.code
    return maps.MapShape(
        ops,
        reals,
        np.array(at),
        np.cumsum([0, *sizes]),
        BETAS,
        EPS,
        float(schedule.weight_decay),
        int(schedule.batch_size),
    )


def make_scratch(shape: maps.MapShape, dtype: np.dtype) -> maps.MapScratch:
    """Return memory for batches of ``shape.batch``."""
    ops, batch = shape.ops, shape.batch
    size_in, size_out = (ops[:, a] * ops[:, b] for a, b in ((maps.N_IN, maps.T_IN), (maps.N_OUT, maps.T_OUT)))
    bank = ops[:, maps.CODE] == maps.BANK
    widest = int(max(size_in.max(), size_out.max(), (bank * ops[:, maps.N_OUT] * ops[:, maps.T_IN]).max()))
    eights = -(-ops[:, maps.KERNEL] // 8) * 8
    seen = ops[:, maps.N_IN] * ops[:, maps.KERNEL]
    convolves = np.isin(ops[:, maps.CODE], (maps.CONV, maps.JOINED))
    patches = int((convolves * seen * ops[:, maps.T_OUT]).max())
    together = 2 * (seen + 1) * ops[:, maps.N_OUT] * (ops[:, maps.CODE] == maps.JOINED)
    filters = together + 2 * eights + bank * ops[:, maps.N_OUT] * ops[:, maps.N_IN]
    row = np.maximum(ops[:, maps.T_IN], ops[:, maps.T_OUT]) + 2 * ops[:, maps.PAD] + 2 * eights + 16
    kernel = int(ops[0, maps.KERNEL]) if bank[0] else 0
    last = (shape.at * batch)[-1] + int(size_out[-1]) * batch
    return maps.MapScratch(
        values=aligned(int(last), dtype),
        slopes=aligned(widest * batch, dtype),
        lower=aligned(widest * batch, dtype),
        gradient=aligned(int(shape.offsets[-1]), dtype),
        patches=aligned(max(_PATCHES, patches) if convolves.any() else 0, dtype),
        row=aligned(4 * int(row.max()), dtype),
        filters=aligned(int(filters.max()), dtype),
        statistics=aligned(_statistics(shape), dtype),
        chosen=np.zeros(int((size_out * (ops[:, maps.CODE] == maps.LARGEST)).sum()) * batch, np.int64),
        moments=np.zeros(kernel + kernel * (kernel + 1) // 2),
        answers=aligned(2 * batch, dtype),
        kept=np.zeros(int((size_out * (ops[:, maps.CODE] == maps.DROP)).sum()) * batch, np.uint8),
        words=np.zeros(2 * draws.WORDS, np.uint32),
    )


def _statistics(shape: maps.MapShape) -> int:
    """How many values all operations keep for their way back."""
    ops = shape.ops
    norms = 2 * ops[ops[:, maps.CODE] == maps.NORM, maps.N_IN].sum()
    banks = ops[ops[:, maps.CODE] == maps.BANK]
    series = banks[:, maps.N_OUT] * (banks[:, maps.T_IN] + banks[:, maps.T_OUT]) * shape.batch
    return int(norms + (4 * banks[:, maps.FILTERS] + series).sum())


def compile_maps(dtype: str) -> None:
    """Compile the kernel for numpy's cache by training the smallest network; nothing is kept of it.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Precision of what trains.
    """
    kind = np.dtype(dtype)
    layer = Layer("linear", "head", "head", {"n_in": 1, "n_out": 1})
    network = Network("example", (layer,), (1, 1), 1)
    step = MapOp("conv", 1, biased=True), (1, 1), (1, 1), tuple(layer.tensor_shapes())
    shape = map_shape(network, [step], Schedule(batch_size=1))
    rows, number = aligned_rows(1, 2, kind), np.zeros((1, 2))
    state = State(
        rows, rows.copy(), rows.copy(), aligned_rows(0, 2, kind), number, number, number.astype(int)
    )
    scratch, X, order = make_scratch(shape, kind), np.zeros((1, 1), kind), np.zeros((1, 1), int)
    driver.find_moments(shape.ops, X, np.zeros(0, int), scratch.row, np.zeros((0, 2)))
    given = maps.Given(np.zeros((1, 1), int), np.zeros((0, 2)), np.zeros(1, int))
    counts = np.empty((1, 0), kind)
    numbers, nothing = np.zeros(1, int), np.empty((0, 0, 1), kind)
    driver.run(shape, state, scratch, X, order, numbers, 0, np.zeros(1), numbers, counts, given, nothing)


def is_stored() -> bool:
    """Whether this process runs what is stored, see :func:`.compiled.is_stored`."""
    return bool(sum(driver.run.stats.cache_hits.values()))


class CompiledMaps(CompiledModels):
    """Weights of a stack's models, and the epochs that move them, for networks of maps over time.

    Parameters
    ----------
    job : Job
        Of arms without penalty, low-rank pair, teacher or stochastic norm, on a network for which
        :func:`can_map` holds.
    X : Tensor, shape (n_pool, *input_shape)
        All windows, on the CPU; gives the precision.
    y : Tensor, shape (n_pool,)
        Labels.
    """

    stored = staticmethod(is_stored)

    def __init__(self, job: Job, X: torch.Tensor, y: torch.Tensor):
        super().__init__(job, X, y)
        self._moments, self._row_of = self._find_moments()

    def _prepared(self, schedule: Schedule) -> tuple[Any, Any]:
        steps = steps_of(self.job.network)
        assert steps is not None
        self.steps = steps
        shape = map_shape(self.job.network, steps, schedule)
        return shape, make_scratch(shape, self.X.dtype)

    def _names(self) -> list[str]:
        return [name for _, _, _, own in self.steps for name in own]

    def _views(self, rows: np.ndarray) -> Stacked:
        shapes, found = self.job.network.tensor_shapes, {}
        for i, name in enumerate(self._names()):
            flat = torch.from_numpy(rows[:, self.shape.offsets[i] : self.shape.offsets[i + 1]])
            found[name] = flat.unflatten(1, shapes[name])
        return {name: found[name] for name in shapes}

    def _find_moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the moments of every window that trains, where they are not too many, and their rows."""
        n_moments, row_of = len(self._scratch.moments), np.zeros(len(self.X), np.int64)
        rows = np.unique(self.job.train_rows) if n_moments else np.empty(0, np.int64)
        if len(rows) * n_moments > _MOMENTS:
            return np.empty((0, n_moments)), row_of
        moments = np.empty((len(rows), n_moments))
        driver.find_moments(self.shape.ops, self.X, rows, self._scratch.row, moments)
        row_of[rows] = np.arange(len(rows))
        return moments, row_of

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what each model says of some of its evaluation rows, (n_models, n_windows, n_classes)."""
        out = np.empty((*rows.shape, self.job.network.n_outputs), self.X.dtype)
        counts, seeds = np.empty((len(rows), 0), self.X.dtype), np.zeros((1, 1), np.int64)
        self._run(np.ascontiguousarray(rows.numpy()), counts, 0, seeds, out)
        return torch.from_numpy(out)

    def _train(self, order: np.ndarray, counts: np.ndarray, done: int) -> None:
        updates = range(done, done + self.job.schedule.steps_per_epoch(order.shape[1]))
        split = self.job.split_uid
        seeds = np.array([[update_seed(arm.seed, split, u) for u in updates] for arm in self.job.arms])
        self._run(order, counts, done, seeds, np.empty((0, 0, self.job.network.n_outputs), self.X.dtype))

    def _run(
        self, order: np.ndarray, counts: np.ndarray, done: int, seeds: np.ndarray, logits: np.ndarray
    ) -> None:
        """Let the kernel train, or answer where ``logits`` are asked for."""
        driver.run(
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
            maps.Given(seeds, self._moments, self._row_of),
            logits,
        )
