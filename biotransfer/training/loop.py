"""One training at a time with plain torch: any network, and the oracle for the stacked engine."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..networks.modules import build_module, load_tensors, module_tensors, set_training
from .job import Curves, Job, empty_curves
from .schedule import update_seed

_EVAL_WINDOWS = 1024


def train_loop(job: Job, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Curves:
    """Train the arms of ``job`` one after the other.

    Parameters
    ----------
    job : Job
        What to train.
    device : str
        A torch device.
    dtype : torch.dtype
        Precision.
    """
    curves = empty_curves(job)
    X = torch.from_numpy(np.ascontiguousarray(job.X)).to(device=device, dtype=dtype)
    y = torch.from_numpy(job.y).to(device)
    for a in range(len(job.arms)):
        with torch.random.fork_rng(devices=[X.device] if X.is_cuda else []):
            _train_one(job, a, X, y, curves, device, dtype)
    return curves


def _train_one(
    job: Job, a: int, X: torch.Tensor, y: torch.Tensor, curves: Curves, device: str, dtype: torch.dtype
) -> None:
    arm, schedule = job.arms[a], job.schedule
    module = build_module(job.network, dtype).to(device)
    load_tensors(module, arm.tensors)
    groups: list[dict[str, Any]] = []
    for name, parameter in module.named_parameters():
        rate = arm.lr_scale[name]
        parameter.requires_grad_(rate > 0)
        if rate > 0:
            groups.append({"params": [parameter], "lr": schedule.learning_rate * rate})
    optimizer = torch.optim.AdamW(groups, lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    eval_rows = torch.from_numpy(job.eval_rows[a]).to(device)
    _evaluate(module, X, y, eval_rows, curves, a, 0)
    n_train = job.train_rows.shape[1]
    still = {name for name, rate in arm.lr_scale.items() if rate == 0}
    update = 0
    for epoch in range(schedule.epochs):
        order = torch.from_numpy(job.order(a, epoch)).to(device)
        total = torch.zeros((), dtype=dtype, device=device)
        correct = torch.zeros((), dtype=torch.int64, device=device)
        set_training(module, still)
        for batch in schedule.batches(n_train):
            rows = order[batch]
            torch.manual_seed(update_seed(arm.seed, job.split_uid, update))
            update += 1
            logits = module(X[rows])
            loss = functional.cross_entropy(logits, y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(rows)
            correct += (logits.detach().argmax(1) == y[rows]).sum()
        curves.train_loss[a, epoch + 1] = float(total) / n_train
        curves.train_accuracy[a, epoch + 1] = float(correct) / n_train
        _evaluate(module, X, y, eval_rows, curves, a, epoch + 1)
    final = module_tensors(module)
    curves.tensors[a].update({k: final[k].detach().cpu().numpy().copy() for k in job.network.tensor_shapes})


@torch.no_grad()
def _evaluate(
    module: torch.nn.Module,
    X: torch.Tensor,
    y: torch.Tensor,
    rows: torch.Tensor,
    curves: Curves,
    a: int,
    at: int,
) -> None:
    last = at == len(curves.steps) - 1
    module.eval()
    for begin in range(0, len(rows), _EVAL_WINDOWS):
        part = slice(begin, min(begin + _EVAL_WINDOWS, len(rows)))
        logits = module(X[rows[part]])
        log_p = functional.log_softmax(logits, dim=1)
        curves.predicted[a, at, part] = logits.argmax(1).cpu().numpy()
        loss = functional.nll_loss(log_p, y[rows[part]], reduction="none")
        curves.loss[a, at, part] = loss.cpu().numpy()
        if last:
            curves.probabilities[a, part] = log_p.exp().cpu().numpy()
