"""Pretraining over people: a start or a space that serves a new one, or the worst of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ...errors import check
from .adversarial import head_of

if TYPE_CHECKING:
    import torch

    from .problem import Learned, PretrainProblem


def maml(
    problem: PretrainProblem, *, inner_steps: int = 1, inner_rate: float = 0.05, people: int = 4
) -> Learned:
    """Find the start from which a few steps on a person's windows fit that person's other windows.

    As fomaml, with the gradient through the steps: second derivatives are not left out.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more.
    inner_steps : int, 1 to 100
        Steps per person and round.
    inner_rate : float, above 0
        Learning rate of these steps.
    people : int, 1 to 1000
        People per round; the batch is shared among them.

    Notes
    -----
    Source: Finn et al. 2017, arXiv:1703.03400, algorithm 2.
    """
    import torch

    from ...learning.training.losses import cross_entropy
    from .problem import Learned, Stack, adamw, by_epoch, to_arrays

    check(inner_steps >= 1, f"pretrain maml: inner_steps={inner_steps}. Expected 1 or more, such as 1.")
    check(inner_rate > 0, f"pretrain maml: inner_rate={inner_rate}. Expected above 0, such as 0.05.")
    groups = problem.people(2)
    people = min(people, len(groups))
    n_windows = max(2, problem.schedule.batch_size // people)
    n_rounds = max(1, problem.n_updates // (inner_steps + 1))
    stack, draws = Stack(problem.network, problem.engine), problem.draws(38)
    X, y = map(problem.to_torch, problem.pooled())
    start = problem.draw(problem.network)
    optimizer, losses = adamw(problem, start), []
    for _ in range(n_rounds):
        _, rows = problem.draw_people(draws, groups, people, (inner_steps + 1) * n_windows)
        *support, query = rows.flatten(0, 1).split(n_windows, 1)
        tensors = {k: v.repeat_interleave(people, 0) for k, v in start.items()}
        for batch in support:
            inner = cross_entropy(stack(tensors, X[batch]), y[batch]).sum()
            steps = torch.autograd.grad(inner, list(tensors.values()), create_graph=True)
            tensors = {k: v - inner_rate * g for (k, v), g in zip(tensors.items(), steps, strict=True)}
        loss = cross_entropy(stack(tensors, X[query]), y[query]).view(len(problem.seeds), people).mean(1)
        optimizer.zero_grad(set_to_none=True)
        loss.sum().backward()
        optimizer.step()
        losses.append(loss.detach())
    return Learned(to_arrays(start, problem.network), *by_epoch(losses, problem))


def protonet(problem: PretrainProblem, *, people: int = 4, head: float = 1.0) -> Learned:
    """Learn features in which a person's windows lie near the mean of the person's other windows of a class.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more.
    people : int, 1 to 1000
        People per update; the batch is shared among them. One half of a person's windows make the prototypes,
        the other half is classified by the distance to them.
    head : float, above 0
        Weight of the plain cross-entropy of the network's own head, which prototypes do not need and every
        source network is judged by.

    Notes
    -----
    Source: Snell, Swersky & Zemel 2017, arXiv:1703.05175, equations 1 and 2; a task is a person. Classes of
    which a person's first half has no window are left out of the person's choice.
    """
    from ...learning.training.losses import cross_entropy
    from .problem import Learned, Stack, minimize, to_arrays, trunk

    check(head > 0, f"pretrain protonet: head={head}. Expected above 0, such as 1.0.")
    groups = problem.people(2)
    people = min(people, len(groups))
    n_windows = max(4, problem.schedule.batch_size // people) // 2
    encode = Stack(trunk(problem.network), problem.engine)
    classify = Stack(head_of(problem.network), problem.engine)
    tensors, draws = problem.draw(problem.network), problem.draws(39)
    X, y = map(problem.to_torch, problem.pooled())
    n_classes = problem.network.n_outputs

    def updates() -> Iterator[Any]:
        for _ in range(problem.n_updates):
            yield problem.draw_people(draws, groups, people, 2 * n_windows)[1]

    def loss(rows: Any) -> torch.Tensor:
        n_models = len(rows)
        features = encode(tensors, X[rows.flatten(1, 2)])
        labels = y[rows]
        own = features.view(n_models * people, 2 * n_windows, -1)
        named = labels.view(n_models * people, 2 * n_windows)
        first, second = own[:, :n_windows], own[:, n_windows:]
        member = (named[:, :n_windows].unsqueeze(2) == _range(n_classes, named)).to(features)
        counts = member.sum(1)
        prototypes = member.transpose(1, 2) @ first / counts.clamp_min(1).unsqueeze(2)
        squared = (second.unsqueeze(2) - prototypes.unsqueeze(1)).square().sum(-1)
        logits = (-squared).masked_fill((counts == 0).unsqueeze(1), -1e9)
        asked = named[:, n_windows:]
        there = counts.gather(1, asked) > 0
        chances = logits.log_softmax(-1).gather(2, asked.unsqueeze(2)).squeeze(2)
        each = -(chances * there.to(chances)).sum(1) / there.sum(1).clamp_min(1)
        said = classify(tensors, features)
        plain = cross_entropy(said, labels.flatten(1))
        return each.view(n_models, people).mean(1) + head * plain

    history, broken = minimize(problem, tensors, loss, updates())
    return Learned(to_arrays(tensors, problem.network), history, broken)


def _range(n: int, like: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.arange(n, device=like.device)


def ccsa(problem: PretrainProblem, *, weight: float = 0.5, margin: float = 1.0) -> Learned:
    """Classify, with windows of one class of two people near and of two classes apart.

    Every update takes windows of two people, half of the batch each.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more.
    weight : float, 0 to 1
        Of the contrast; the cross-entropy has the rest.
    margin : float, above 0
        Distance that windows of two classes have to keep.

    Notes
    -----
    Source: Motiian et al. 2017, arXiv:1709.10190, equations 3 to 6, between pairs of labelled people.
    """
    from ...learning.training.losses import cross_entropy
    from .problem import Learned, Stack, minimize, to_arrays, trunk

    check(0 < weight < 1, f"pretrain ccsa: weight={weight}. Expected a share between 0 and 1, such as 0.5.")
    check(margin > 0, f"pretrain ccsa: margin={margin}. Expected above 0, such as 1.0.")
    groups = problem.people(2)
    n_windows = max(2, problem.schedule.batch_size // 2)
    encode = Stack(trunk(problem.network), problem.engine)
    classify = Stack(head_of(problem.network), problem.engine)
    tensors, draws = problem.draw(problem.network), problem.draws(40)
    X, y = map(problem.to_torch, problem.pooled())

    def updates() -> Iterator[Any]:
        for _ in range(problem.n_updates):
            yield problem.draw_people(draws, groups, 2, n_windows)[1].flatten(1, 2)

    def loss(rows: Any) -> torch.Tensor:
        features, labels = encode(tensors, X[rows]), y[rows]
        pairs = features[:, :n_windows].unsqueeze(2) - features[:, n_windows:].unsqueeze(1)
        apart = pairs.square().sum(-1).clamp_min(1e-12).sqrt()
        same = (labels[:, :n_windows].unsqueeze(2) == labels[:, n_windows:].unsqueeze(1)).to(apart)
        near = (same * 0.5 * apart.square()).sum((1, 2)) / same.sum((1, 2)).clamp_min(1)
        kept = (1 - same) * 0.5 * (margin - apart).clamp_min(0).square()
        far = kept.sum((1, 2)) / (1 - same).sum((1, 2)).clamp_min(1)
        plain = cross_entropy(classify(tensors, features), labels)
        return (1 - weight) * plain + weight * (near + far)

    history, broken = minimize(problem, tensors, loss, updates())
    return Learned(to_arrays(tensors, problem.network), history, broken)


def group_dro(problem: PretrainProblem, *, step: float = 0.1, people: int = 4) -> Learned:
    """Classify so that the person who is classified worst is classified well.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more.
    step : float, above 0
        How fast the weight of a person grows with the loss.
    people : int, 2 to 1000
        People per update; the batch is shared among them.

    Notes
    -----
    Source: Sagawa et al. 2020, arXiv:1911.08731, algorithm 1; the groups are the source's training people,
    and an update sees some of them.
    """
    import torch

    from ...learning.training.losses import cross_entropy
    from .problem import Learned, Stack, minimize, to_arrays

    check(step > 0, f"pretrain group_dro: step={step}. Expected above 0, such as 0.1.")
    groups = problem.people(2)
    people = min(people, len(groups))
    n_windows = max(2, problem.schedule.batch_size // people)
    stack, draws = Stack(problem.network, problem.engine), problem.draws(41)
    tensors = problem.draw(problem.network)
    X, y = map(problem.to_torch, problem.pooled())
    weights = torch.full((len(problem.seeds), len(groups)), 1.0 / len(groups)).to(X)

    def updates() -> Iterator[Any]:
        for _ in range(problem.n_updates):
            yield problem.draw_people(draws, groups, people, n_windows)

    def loss(item: Any) -> torch.Tensor:
        who, rows = item
        n_models = len(rows)
        logits = stack(tensors, X[rows.flatten(1, 2)]).unflatten(1, (people, n_windows))
        each = cross_entropy(logits.flatten(0, 1), y[rows].flatten(0, 1)).view(n_models, people)
        grown = weights.gather(1, who) * torch.exp(step * each.detach())
        weights.scatter_(1, who, grown)
        weights.div_(weights.sum(1, keepdim=True))
        mine = weights.gather(1, who)
        return (mine / mine.sum(1, keepdim=True) * each).sum(1)

    history, broken = minimize(problem, tensors, loss, updates())
    return Learned(to_arrays(tensors, problem.network), history, broken)
