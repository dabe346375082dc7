"""Multi-task pretraining: source and target learn together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import check, check_option

if TYPE_CHECKING:
    import torch

    from .problem import Learned, PretrainProblem

STEMS = ("target", "source")


def multi_task(problem: PretrainProblem, *, target_weight: float = 1.0, stem: str = "target") -> Learned:
    """Classify source and target at once: one body, a stem and a head for each modality.

    Every update sees as many windows of the target's training rows as of the source, and there are as many
    updates as in supervised pretraining. **It has seen the target's labels before the arms start**: its gain
    over scratch is that of longer training, too. Compare it with the same method on a control source
    (``{name: noise_source, pretrain: multi_task}``).

    Parameters
    ----------
    problem : PretrainProblem
        With the target's training rows.
    target_weight : float, above 0
        Weight of the target's cross-entropy; the source's is 1.
    stem : {"target", "source"}
        Whose stem goes to the target with the shared body.

    Notes
    -----
    Source: Caruana 1997, doi:10.1023/A:1007379606734.
    """
    import numpy as np
    import torch

    from ...learning.training.losses import cross_entropy
    from .problem import Learned, Stack, minimize, to_arrays

    check_option("pretrain multi_task: stem", stem, STEMS)
    check(target_weight > 0, f"pretrain multi_task: target_weight={target_weight}. Expected above 0.")
    target, target_network = problem.target, problem.target_network
    assert target is not None
    assert target_network is not None
    networks = {"source": problem.network, "target": target_network}
    body = {k for k, part in problem.network.tensor_parts.items() if part == "body"}
    tensors = {
        prefix + name: value
        for side, net in networks.items()
        for prefix in [f"{side}/"]
        for name, value in problem.draw(net).items()
        if net.tensor_parts[name] != "body"
    }
    tensors |= {k: v for k, v in problem.draw(problem.network).items() if k in body}
    prefixes = {side: {"stem": f"{side}/", "head": f"{side}/"} for side in networks}
    stacks = {side: Stack(net, problem.engine) for side, net in networks.items()}
    X, y = map(problem.to_torch, problem.pooled())
    X_target, y_target = problem.to_torch(target.X), problem.to_torch(target.y)
    draws = problem.draws(31)
    n_target = len(target)

    def own(side: str) -> dict[str, torch.Tensor]:
        net, prefix = networks[side], prefixes[side]
        return {name: tensors[prefix.get(net.tensor_parts[name], "") + name] for name in net.tensor_shapes}

    def updates() -> Iterator[Any]:
        waiting = [np.empty(0, np.int64) for _ in draws]
        for rows in problem.batches():
            size = rows.shape[1]
            for i, rng in enumerate(draws):
                while len(waiting[i]) < size:
                    waiting[i] = np.concatenate([waiting[i], rng.permutation(n_target)])
            now = np.stack([row[:size] for row in waiting])
            waiting = [row[size:] for row in waiting]
            yield rows, torch.from_numpy(now).to(problem.device)

    def loss(item: Any) -> torch.Tensor:
        rows, target_rows = item
        here = cross_entropy(stacks["source"](own("source"), X[rows]), y[rows])
        there = cross_entropy(stacks["target"](own("target"), X_target[target_rows]), y_target[target_rows])
        return here + target_weight * there

    history, broken = minimize(problem, tensors, loss, updates())
    learned = to_arrays(tensors, problem.network, prefixes["source"])
    if stem == "source":
        return Learned(learned, history, broken)
    return Learned(
        learned, history, broken, (target_network, to_arrays(tensors, target_network, prefixes["target"]))
    )
