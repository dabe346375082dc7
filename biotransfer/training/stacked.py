"""Many trainings of one shape at once: every tensor carries a leading model axis.

The models never mix: the loss is a sum over models, so each gets exactly its own gradient. Results are those
of the loop engine up to rounding.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional

from ..networks.network import Layer, Network
from .job import Curves, Job, empty_curves, join_curves

SUPPORTED = {"linear", "relu", "layer_norm"}
_STACK_BYTES = 12 * 2**20
_FEWEST = 8
_EVAL_WINDOWS = 512


def can_stack(network: Network) -> bool:
    """Whether every layer has a stacked form."""
    return all(layer.kind in SUPPORTED for layer in network.layers)


def models_per_stack(network: Network, batch_size: int) -> int:
    """How many models keep weights, gradients, moments and a batch inside the memory planned for a stack."""
    width = sum(layer.options.get("n_out", 0) for layer in network.layers) + int(network.input_shape[0])
    per_model = 4 * (4 * network.n_parameters + 2 * batch_size * width)
    return max(_FEWEST, _STACK_BYTES // per_model)


def train_stacked(job: Job, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Curves:
    """Train all arms of ``job`` together, in as many stacks as memory asks for.

    Parameters
    ----------
    job : Job
        What to train; its network must have a stacked form.
    device : str
        A torch device.
    dtype : torch.dtype
        Precision.
    """
    size = models_per_stack(job.network, job.schedule.batch_size)
    n_stacks = -(-len(job.arms) // size)
    bounds = np.linspace(0, len(job.arms), n_stacks + 1).astype(int)
    X = torch.from_numpy(np.ascontiguousarray(job.X)).to(device=device, dtype=dtype)
    y = torch.from_numpy(job.y).to(device)
    parts = [
        _train_stack(job.take(slice(begin, end)), X, y, device, dtype) for begin, end in pairwise(bounds)
    ]
    return join_curves(parts)


def _apply(layer: Layer, tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """One layer on x of shape (n_models, n_windows, n_units)."""
    if layer.kind == "linear":
        weight, bias = tensors[f"{layer.name}.weight"], tensors[f"{layer.name}.bias"]
        return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))
    if layer.kind == "layer_norm":
        weight, bias = tensors[f"{layer.name}.weight"], tensors[f"{layer.name}.bias"]
        return functional.layer_norm(x, x.shape[-1:]) * weight.unsqueeze(1) + bias.unsqueeze(1)
    return torch.relu(x)


def _forward(network: Network, tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    for layer in network.layers:
        x = _apply(layer, tensors, x)
    return x


class _PartlyFrozen:
    """Undo or shrink an optimiser step where an arm's learning-rate scale is not one."""

    def __init__(self, job: Job, tensors: dict[str, torch.Tensor]):
        self.parts: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        for name, tensor in tensors.items():
            scales = np.array([arm.lr_scale[name] for arm in job.arms])
            which = np.flatnonzero(scales != 1.0)
            if len(which):
                shape = (-1,) + (1,) * (tensor.ndim - 1)
                index = torch.from_numpy(which).to(tensor.device)
                scale = torch.from_numpy(scales[which]).to(tensor).reshape(shape)
                self.parts.append((tensor, index, scale))

    def remember(self) -> list[torch.Tensor]:
        return [tensor.detach()[index] for tensor, index, _ in self.parts]

    @torch.no_grad()
    def mend(self, before: list[torch.Tensor]) -> None:
        for (tensor, index, scale), old in zip(self.parts, before, strict=True):
            tensor[index] = torch.where(scale == 0, old, old + scale * (tensor[index] - old))


def _train_stack(job: Job, X: torch.Tensor, y: torch.Tensor, device: str, dtype: torch.dtype) -> Curves:
    curves, schedule, network = empty_curves(job), job.schedule, job.network
    n_arms, n_train = job.train_rows.shape
    tensors = {
        name: torch.from_numpy(np.stack([arm.tensors[name] for arm in job.arms]))
        .to(device=device, dtype=dtype)
        .requires_grad_()
        for name in network.tensor_shapes
    }
    optimizer = torch.optim.AdamW(
        list(tensors.values()), lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    frozen = _PartlyFrozen(job, tensors)
    _evaluate(network, tensors, X, y, job, curves, 0)
    for epoch in range(schedule.epochs):
        order = torch.from_numpy(np.stack([job.order(a, epoch) for a in range(n_arms)])).to(device)
        total = torch.zeros(n_arms, dtype=dtype, device=device)
        correct = torch.zeros(n_arms, dtype=torch.int64, device=device)
        for batch in schedule.batches(n_train):
            rows = order[:, batch]
            labels = y[rows]
            logits = _forward(network, tensors, X[rows])
            losses = functional.cross_entropy(
                logits.flatten(0, 1), labels.flatten(), reduction="none"
            ).view_as(labels)
            per_model = losses.mean(dim=1)
            optimizer.zero_grad(set_to_none=True)
            per_model.sum().backward()
            before = frozen.remember()
            optimizer.step()
            frozen.mend(before)
            total += per_model.detach() * rows.shape[1]
            correct += (logits.detach().argmax(-1) == labels).sum(dim=1)
        curves.train_loss[:, epoch + 1] = total.cpu().numpy() / n_train
        curves.train_accuracy[:, epoch + 1] = correct.cpu().numpy() / n_train
        _evaluate(network, tensors, X, y, job, curves, epoch + 1)
    final = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    for a in range(n_arms):
        curves.tensors[a].update({name: value[a].copy() for name, value in final.items()})
    return curves


@torch.no_grad()
def _evaluate(
    network: Network,
    tensors: dict[str, torch.Tensor],
    X: torch.Tensor,
    y: torch.Tensor,
    job: Job,
    curves: Curves,
    at: int,
) -> None:
    last = at == len(curves.steps) - 1
    rows_all = torch.from_numpy(job.eval_rows).to(X.device)
    for begin in range(0, rows_all.shape[1], _EVAL_WINDOWS):
        part = slice(begin, min(begin + _EVAL_WINDOWS, rows_all.shape[1]))
        rows = rows_all[:, part]
        logits = _forward(network, tensors, X[rows])
        log_p = functional.log_softmax(logits, dim=-1)
        curves.predicted[:, at, part] = logits.argmax(-1).cpu().numpy()
        loss = -log_p.gather(-1, y[rows].unsqueeze(-1)).squeeze(-1)
        curves.loss[:, at, part] = loss.cpu().numpy()
        if last:
            curves.probabilities[:, part] = log_p.exp().cpu().numpy()
