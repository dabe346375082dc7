"""Many trainings of one shape at once: every tensor carries a leading model axis.

The models never mix: the loss is a sum over models, so each gets exactly its own gradient. Results are those
of the loop engine up to rounding.
"""

from __future__ import annotations

import json
from collections.abc import Hashable

import numpy as np
import torch
from torch.nn import functional

from ..arms.arm import Arm
from ..networks.network import Network, output_shape
from .augmentations import Augment, make_augment
from .dense import DenseGradients, written_out
from .extras import Anchors, LowRank, Penalties, Stacked, stack_arrays
from .job import Curves, Job, empty_curves, join_curves, shared_tensor
from .layers import STACKABLE, run_mixed, run_stacked
from .schedule import update_seed
from .stopping import BestEpochs
from .teaching import pseudo_order, soft_cross_entropy
from .updates import StackedAdamW

_STACK_BYTES = 12 * 2**20
_FEWEST = 4
_EVAL_WINDOWS = 512


def can_stack(network: Network) -> bool:
    """Whether every layer has a stacked form."""
    return all(layer.kind in STACKABLE for layer in network.layers)


def models_per_stack(network: Network, batch_size: int, device: str = "cpu") -> int:
    """How many models keep weights, gradients, moments and a batch inside the memory planned for a stack.

    On a CPU that is about what its caches hold: a larger stack trains no more models in a second. On a GPU it
    is a quarter of what is free there.

    Parameters
    ----------
    network : Network
        Of all models.
    batch_size : int
        Windows per update.
    device : str
        A torch device.
    """
    values = float(np.prod(network.input_shape))
    shape = tuple(network.input_shape)
    for layer in network.layers:
        shape = output_shape([layer], shape)
        values += float(np.prod(shape))
    per_model = 4 * (4 * network.n_parameters + 2 * batch_size * values)
    memory = _STACK_BYTES if device == "cpu" else torch.cuda.mem_get_info(device)[0] / 4
    return max(_FEWEST, int(memory // per_model))


def train_stacked(job: Job, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Curves:
    """Train all arms of ``job`` together, in as many stacks as memory and the arms' nature ask for.

    Parameters
    ----------
    job : Job
        What to train; its network must have a stacked form.
    device : str
        A torch device.
    dtype : torch.dtype
        Precision.
    """
    X = shared_tensor(job.X).to(device=device, dtype=dtype)
    y = shared_tensor(job.y).to(device)
    stacks = plan_stacks(job, device)
    augment = make_augment(job.schedule.augment, job.sfreq) if job.schedule.augment != "none" else None
    parts = [_train_stack(job.take(stack), X, y, augment) for stack in stacks]
    return join_curves(parts, np.concatenate(stacks))


def plan_stacks(job: Job, device: str = "cpu") -> list[np.ndarray]:
    """Return which arms train together: of one nature, like next to like, and no more than memory is for."""
    natures: dict[Hashable, list[int]] = {}
    for a, arm in enumerate(job.arms):
        said = job.labels_of(a)
        natures.setdefault((_nature(arm), said.ratio if said else 0), []).append(a)
    size = models_per_stack(job.network, job.schedule.batch_size, device)
    stacks: list[np.ndarray] = []
    for members in natures.values():
        members = sorted(members, key=lambda a: _moves(job.arms[a]))
        n_stacks = -(-len(members) // size)
        stacks += np.array_split(np.array(members), n_stacks)
    return stacks


def _nature(arm: Arm) -> Hashable:
    """Return what the models of a stack must have in common."""
    penalty: Hashable = None
    if arm.penalty is not None:
        record = arm.penalty.network.describe() if arm.penalty.network else None
        shapes = {name: list(np.shape(value)) for name, value in arm.penalty.tensors.items()}
        facts = [arm.penalty.name, dict(arm.penalty.options), record, shapes]
        penalty = json.dumps(facts, sort_keys=True)
    return penalty, tuple((name, len(a)) for name, (a, _, _) in arm.low_rank.items())


def _moves(arm: Arm) -> tuple[tuple[float, float], ...]:
    """Return rate and beginning of every tensor: neighbours that agree are updated as one."""
    return tuple((rate, arm.thaw.get(name, 0.0)) for name, rate in arm.lr_scale.items())


def _train_stack(job: Job, X: torch.Tensor, y: torch.Tensor, augment: Augment | None) -> Curves:
    curves, schedule, network = empty_curves(job, "stacked"), job.schedule, job.network
    n_arms, n_train = job.train_rows.shape
    tensors = {
        name: stack_arrays([arm.tensors[name] for arm in job.arms], X) for name in network.tensor_shapes
    }
    low_rank, anchors = LowRank(job.arms, X), Anchors(job.arms, X)
    run = run_mixed if schedule.precision == "mixed" else run_stacked
    penalty = Penalties(job.arms, X, run) if job.arms[0].penalty else None
    leaves = {name: low_rank.factors.get(name, (tensor,)) for name, tensor in tensors.items()}
    by_name = {f"{name}/{i}": leaf for name, parts in leaves.items() for i, leaf in enumerate(parts)}
    optimizer = StackedAdamW(job.arms, leaves, schedule, n_train)
    best = BestEpochs(job, curves, by_name, slice(0, n_arms))
    said = [job.labels_of(a) for a in range(n_arms)]
    ratio = said[0].ratio if said[0] else 0
    _evaluate(network, low_rank.merge(tensors), X, y, job, curves, 0)
    plain = not (penalty or low_rank.factors or ratio or augment) and schedule.precision == "full"
    written = DenseGradients(network, tensors, n_arms) if plain and written_out(network) else None
    update = 0
    for epoch in range(schedule.epochs):
        order = torch.from_numpy(np.stack([job.order(a, epoch) for a in range(n_arms)])).to(X.device)
        targets_all = y[order]
        total = torch.zeros(n_arms, dtype=X.dtype, device=X.device)
        correct = torch.zeros(n_arms, dtype=torch.int64, device=X.device)
        if ratio:
            picked = [pseudo_order(job, a, epoch) for a in range(n_arms)]
            further = np.stack([s.rows[p] for s, p in zip(said, picked, strict=True) if s])
            further_rows = torch.from_numpy(further).to(X.device)
            labels = stack_arrays([s.probabilities[p] for s, p in zip(said, picked, strict=True) if s], X)
        for batch in schedule.batches(n_train):
            rows, targets, n = order[:, batch], targets_all[:, batch], batch.stop - batch.start
            if optimizer.begin(update) and written is None:
                for name, leaf in by_name.items():
                    leaf.requires_grad_(name in optimizer.training)
            if written is not None:
                labelled, hits = written(X, rows, targets, optimizer.training)
                anchors.add_gradients(written.gradients, tensors)
                optimizer.step(written.gradients)
            else:
                if ratio:
                    more = slice(ratio * batch.start, ratio * batch.stop)
                    rows = torch.cat([rows, further_rows[:, more]], dim=1)
                x, merged = gather(X, rows), low_rank.merge(tensors)
                if augment:
                    seeds = [update_seed(arm.seed, job.split_uid, update) for arm in job.arms]
                    x = torch.stack([augment(own, seed) for own, seed in zip(x, seeds, strict=True)])
                features, logits = run(network, merged, x)
                losses = functional.cross_entropy(
                    logits[:, :n].flatten(0, 1), targets.flatten(), reduction="none"
                ).view_as(targets)
                loss = labelled = losses.mean(dim=1)
                if ratio:
                    pseudo = soft_cross_entropy(logits[:, n:], labels[:, more]).sum(dim=1)
                    loss = (n * labelled + pseudo) / rows.shape[1]
                if anchors.parts:
                    loss = loss + anchors.loss(merged)
                if penalty:
                    progress = update / schedule.n_updates(n_train)
                    loss = loss + penalty.loss(x, targets, features, logits, merged, progress)
                if optimizer.training:
                    found = torch.autograd.grad(loss.sum(), [by_name[name] for name in optimizer.training])
                    named = zip(optimizer.training, found, strict=True)
                    optimizer.step({name: gradient.contiguous() for name, gradient in named})
                hits = (logits[:, :n].detach().argmax(-1) == targets).sum(dim=1)
            update += 1
            total += labelled.detach() * n
            correct += hits
        curves.train_loss[:, epoch + 1] = total.cpu().numpy() / n_train
        curves.train_accuracy[:, epoch + 1] = correct.cpu().numpy() / n_train
        _evaluate(network, low_rank.merge(tensors), X, y, job, curves, epoch + 1)
        if best.watch(epoch + 1):
            break
    if schedule.patience:
        best.restore()
        _evaluate(network, low_rank.merge(tensors), X, y, job, curves, schedule.epochs)
    final = {name: tensor.detach().cpu().numpy() for name, tensor in low_rank.merge(tensors).items()}
    for a in range(n_arms):
        curves.tensors[a].update({name: value[a].copy() for name, value in final.items()})
    return curves


def gather(X: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return the windows of each model, shape (n_models, n_windows, *input_shape)."""
    return X.index_select(0, rows.reshape(-1)).unflatten(0, tuple(rows.shape))


@torch.no_grad()
def _evaluate(
    network: Network, tensors: Stacked, X: torch.Tensor, y: torch.Tensor, job: Job, curves: Curves, at: int
) -> None:
    last = at == len(curves.steps) - 1
    shared = bool((job.eval_rows == job.eval_rows[:1]).all())
    rows_all = torch.from_numpy(job.eval_rows).to(X.device)
    for begin in range(0, rows_all.shape[1], _EVAL_WINDOWS):
        part = slice(begin, min(begin + _EVAL_WINDOWS, rows_all.shape[1]))
        rows = rows_all[:, part]
        x = gather(X, rows[:1]).expand(len(rows), *[-1] * X.ndim) if shared else gather(X, rows)
        _, logits = run_stacked(network, tensors, x)
        log_p = functional.log_softmax(logits.transpose(1, 2).contiguous(), dim=1)
        curves.predicted[:, at, part] = logits.argmax(-1).cpu().numpy()
        loss = -log_p.gather(1, y[rows].unsqueeze(1)).squeeze(1)
        curves.loss[:, at, part] = loss.cpu().numpy()
        if last:
            curves.probabilities[:, part] = log_p.exp().transpose(1, 2).cpu().numpy()
