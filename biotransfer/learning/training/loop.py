"""One training at a time with plain torch: any network, and the oracle for the stacked engine.

On a CPU filters lie with the channels last in memory: beside channels first, one core made 1.0 (EEGTCNet,
ATCNet, TIDNet, ShallowFBCSPNet) to 1.6 (EEGNet), 1.8 (EEGNeX) and 2.1 (Deep4Net) times as many updates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch.func import functional_call
from torch.nn import functional

from ..networks.modules import build_module
from ..networks.tensors import load_tensors, module_tensors, set_training
from .augmentations import Augment, make_augment
from .context import Others
from .curves import Curves
from .extras import Anchors, LowRank, ModuleOutputs, Penalties, watch_head
from .job import Job, empty_curves, shared_tensor
from .layout import put_channels_last
from .norms import make_stochastic
from .schedule import update_seed
from .stopping import BestEpochs
from .teaching import others_in_order, pseudo_order, soft_cross_entropy

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
    curves = empty_curves(job, "loop")
    augment = make_augment(job.schedule.augment, job.sfreq) if job.schedule.augment != "none" else None
    X = shared_tensor(job.X).to(device=device, dtype=dtype)
    y = shared_tensor(job.y).to(device)
    for a in range(len(job.arms)):
        with torch.random.fork_rng(devices=[X.device] if X.is_cuda else []):
            _train_one(job, a, X, y, curves, augment)
    return curves


def _train_one(
    job: Job, a: int, X: torch.Tensor, y: torch.Tensor, curves: Curves, augment: Augment | None
) -> None:
    arm, schedule, n_train = job.arms[a], job.schedule, job.train_rows.shape[1]
    module = build_module(job.network, X.dtype).to(X.device).requires_grad_(False)
    load_tensors(module, arm.tensors)
    if not X.is_cuda:
        put_channels_last(module, X[:1])
    if arm.stochastic_norm:
        make_stochastic(module, arm.stochastic_norm)
    parameters = dict(module.named_parameters())
    low_rank, anchors = LowRank([arm], X), Anchors([arm], X)
    entered = watch_head(job.network, module) if arm.penalty else []

    def run(own: Mapping[str, torch.Tensor], x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Run the network with any weights; everything has a model axis of one."""
        logits = functional_call(module, {name: value[0] for name, value in own.items()}, (x[0],))
        return entered[0][None], logits[None]

    penalty = Penalties([arm], X, ModuleOutputs(), run, schedule) if arm.penalty else None

    def weights() -> dict[str, torch.Tensor]:
        """Every parameter with a model axis of one, low-rank products added."""
        return low_rank.merge({name: p.unsqueeze(0) for name, p in parameters.items()})

    def forward(x: torch.Tensor) -> torch.Tensor:
        if schedule.precision == "full" and not low_rank.factors:
            return module(x)
        with torch.autocast(X.device.type, torch.bfloat16, enabled=schedule.precision == "mixed"):
            if not low_rank.factors:
                return module(x).to(X.dtype)
            own = {name: value[0] for name, value in weights().items()}
            return functional_call(module, own, (x,)).to(X.dtype)

    nothing: list[dict[str, Any]] = [{"params": []}]
    optimizer = torch.optim.AdamW(
        nothing, lr=schedule.learning_rate, weight_decay=schedule.weight_decay, fused=True
    )
    still = set(job.network.tensor_shapes)
    thaws = {
        name: schedule.first_update(arm.thaw.get(name, 0.0), n_train)
        for name in job.network.tensor_shapes
        if arm.lr_scale[name] > 0
    }

    def thaw(update: int) -> bool:
        """Let the optimiser begin with the tensors whose time has come; return whether there are any."""
        due = [
            name for name in job.network.tensor_shapes if name in still and thaws.get(name, np.inf) <= update
        ]
        groups: dict[float, list[torch.Tensor]] = {}
        for name in due:
            leaves = low_rank.factors.get(name) or [parameters[name]] if name in parameters else []
            rate = schedule.learning_rate * arm.lr_scale[name]
            groups.setdefault(rate, []).extend(leaf.requires_grad_() for leaf in leaves)
            still.remove(name)
        for rate, alike in groups.items():
            optimizer.add_param_group({"params": alike, "lr": rate})
        return bool(due)

    moving = {f"{k}/{i}": leaf for k, pair in low_rank.factors.items() for i, leaf in enumerate(pair)}
    best = BestEpochs(
        job, curves, moving | {k: t.unsqueeze(0) for k, t in module_tensors(module).items()}, slice(a, a + 1)
    )
    eval_rows = torch.from_numpy(job.eval_rows[a]).to(X.device)
    _evaluate(module, forward, X, y, eval_rows, curves, a, 0)
    said, update = job.labels_of(a), 0
    for epoch in range(schedule.epochs):
        order = torch.from_numpy(job.order(a, epoch)).to(X.device)
        counts = torch.from_numpy(job.weights_in_order(a, epoch)).to(X)
        total = torch.zeros((), dtype=X.dtype, device=X.device)
        correct = torch.zeros((), dtype=torch.int64, device=X.device)
        if said:
            picked = pseudo_order(job, a, epoch)
            further = torch.from_numpy(said.rows[picked]).to(X.device)
            labels = torch.from_numpy(said.probabilities[picked]).to(X)
        if penalty and penalty.others:
            seen = torch.from_numpy(others_in_order(job, a, epoch)).to(X.device)
        for batch in schedule.batches(n_train):
            if thaw(update) or batch.start == 0:
                set_training(module, still)
            rows, n = order[batch], batch.stop - batch.start
            if said:
                more = slice(said.ratio * batch.start, said.ratio * batch.stop)
                rows = torch.cat([rows, further[more]])
            seed, x = update_seed(arm.seed, job.split_uid, update), X.index_select(0, rows)
            x = augment(x, seed) if augment else x
            torch.manual_seed(seed)
            logits = forward(x)
            labelled = functional.cross_entropy(logits[:n], y[rows[:n]])
            loss = labelled
            if len(counts):
                each = functional.cross_entropy(logits[:n], y[rows[:n]], reduction="none")
                loss = (counts[batch] * each).mean()
            if said:
                pseudo = soft_cross_entropy(logits[n:], labels[more])
                loss = (n * loss + pseudo.sum()) / len(rows)
            plain = loss
            if anchors.parts:
                loss = loss + anchors.loss(weights())[0]
            if penalty:
                own, targets, features, answers = (t[None] for t in (x, y[rows], entered[0], logits))
                progress = update / schedule.n_updates(n_train)
                others = None
                if penalty.others:
                    known = y[seen[batch]][None] if penalty.others == "labelled" else None
                    others = Others(X[seen[batch]][None], seen[batch][None], len(X), known)
                loss = loss + penalty.loss(
                    own, targets, features, answers, weights(), progress,
                    labelled=plain[None], others=others, seeds=[seed],
                )[0]  # fmt: skip
                penalty.begin()
            if loss.requires_grad:
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                if penalty:
                    penalty.step()
            update += 1
            total += labelled.detach() * n
            correct += (logits[:n].detach().argmax(1) == y[rows[:n]]).sum()
        curves.train_loss[a, epoch + 1] = float(total) / n_train
        curves.train_accuracy[a, epoch + 1] = float(correct) / n_train
        _evaluate(module, forward, X, y, eval_rows, curves, a, epoch + 1)
        if best.watch(epoch + 1):
            break
    if schedule.patience:
        best.restore()
        _evaluate(module, forward, X, y, eval_rows, curves, a, schedule.epochs)
    final = module_tensors(module) | {name: value[0] for name, value in weights().items()}
    curves.tensors[a].update(
        {k: final[k].detach().contiguous().cpu().numpy().copy() for k in job.network.tensor_shapes}
    )


@torch.no_grad()
def _evaluate(
    module: torch.nn.Module,
    forward: Callable[[torch.Tensor], torch.Tensor],
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
        logits = forward(X.index_select(0, rows[part]))
        log_p = functional.log_softmax(logits, dim=1)
        curves.predicted[a, at, part] = logits.argmax(1).cpu().numpy()
        loss = functional.nll_loss(log_p, y[rows[part]], reduction="none")
        curves.loss[a, at, part] = loss.cpu().numpy()
        if last:
            curves.probabilities[a, part] = log_p.exp().cpu().numpy()
