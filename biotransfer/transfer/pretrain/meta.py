"""Learning to learn: a start from which a few steps suffice for one more person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import check, check_option

if TYPE_CHECKING:
    import torch

    from .problem import Learned, PretrainProblem, Stack, Stacked


INNER = ("adam", "sgd")
_BETA, _EPSILON = 0.999, 1e-8


def _check_common(name: str, inner_steps: int, inner_rate: float, people: int) -> None:
    check(inner_steps >= 1, f"pretrain {name}: inner_steps={inner_steps}. Expected 1 or more, such as 5.")
    check(inner_rate > 0, f"pretrain {name}: inner_rate={inner_rate}. Expected above 0, such as 0.05.")
    check(people >= 1, f"pretrain {name}: people={people}. Expected 1 or more, such as 4.")


class InnerDescent:
    """Plain gradient descent, for many models at once.

    Parameters
    ----------
    rate : float
        Learning rate.
    """

    def __init__(self, rate: float):
        self.rate = rate

    def step(self, tensors: Stacked, gradients: Stacked) -> Stacked:
        """Return the tensors after one step."""
        return {name: value - self.rate * gradients[name] for name, value in tensors.items()}


class InnerAdam:
    """Adam without momentum, for many models at once: the steps that Reptile takes inside a task.

    Parameters
    ----------
    rate : float
        Learning rate.

    Notes
    -----
    Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1 with beta_1 = 0, as in Nichol et al. 2018.
    """

    def __init__(self, rate: float):
        self.rate, self.n_steps = rate, 0
        self.squares: Stacked = {}

    def step(self, tensors: Stacked, gradients: Stacked) -> Stacked:
        """Return the tensors after one step."""
        self.n_steps += 1
        out = {}
        for name, value in tensors.items():
            square = (1 - _BETA) * gradients[name].square()
            square = square + _BETA * self.squares[name] if name in self.squares else square
            self.squares[name] = square
            size = (square / (1 - _BETA**self.n_steps)).sqrt() + _EPSILON
            out[name] = value - self.rate * gradients[name] / size
        return out


def gradients_of(
    stack: Stack, tensors: Stacked, x: torch.Tensor, y: torch.Tensor
) -> tuple[torch.Tensor, Stacked]:
    """Cross-entropy of every model, shape (n_models,), and its gradients."""
    import torch

    from ...learning.training.losses import cross_entropy

    leaves = {k: v.detach().requires_grad_() for k, v in tensors.items()}
    loss = cross_entropy(stack(leaves, x), y)
    gradients = torch.autograd.grad(loss.sum(), list(leaves.values()))
    return loss.detach(), {k: g.detach() for k, g in zip(leaves, gradients, strict=True)}


def reptile(
    problem: PretrainProblem,
    *,
    inner_steps: int = 5,
    inner: str = "adam",
    inner_rate: float | None = None,
    meta_rate: float = 1.0,
    people: int = 4,
) -> Learned:
    """Step from one start towards several people and move the start to where they came out.

    A task is a person. In every round ``people`` of them are drawn, each trained for ``inner_steps`` steps
    from the start; then the start moves by ``meta_rate`` (falling to 0) of the way to their mean. Steps and
    windows are as many as in supervised pretraining.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more.
    inner_steps : int, 1 to 1000
        Steps per person and round.
    inner : {"adam", "sgd"}
        Which steps: Adam without momentum, begun anew for every task, or plain gradient descent.
    inner_rate : float, above 0, optional
        Learning rate of these steps; default that of the schedule.
    meta_rate : float, above 0
        Share of the way in the first round; falls linearly to 0.
    people : int, 1 to 1000
        People per round; the batch is shared among them.

    Notes
    -----
    Source: Nichol et al. 2018, arXiv:1803.02999, algorithm 2 with linear decay. Differs in that a person's
    steps take windows without repeating any until all are used.
    """
    from .problem import Learned, Stack, by_epoch, to_arrays

    check_option("pretrain reptile: inner", inner, INNER)
    rate = problem.schedule.learning_rate if inner_rate is None else inner_rate
    _check_common("reptile", inner_steps, rate, people)
    check(0 < meta_rate <= 1, f"pretrain reptile: meta_rate={meta_rate}. Expected above 0, up to 1.")
    groups = problem.people(2)
    people = min(people, len(groups))
    n_windows = max(2, problem.schedule.batch_size // people)
    n_rounds = max(1, problem.n_updates // inner_steps)
    stack, draws = Stack(problem.network, problem.engine), problem.draws(32)
    X, y = map(problem.to_torch, problem.pooled())
    start = {k: v.detach() for k, v in problem.draw(problem.network).items()}
    n_models = len(problem.seeds)
    losses = []
    for t in range(n_rounds):
        _, rows = problem.draw_people(draws, groups, people, inner_steps * n_windows)
        tensors = {k: v.repeat_interleave(people, 0) for k, v in start.items()}
        optimizer: InnerAdam | InnerDescent = InnerAdam(rate) if inner == "adam" else InnerDescent(rate)
        first: torch.Tensor | None = None
        for batch in rows.flatten(0, 1).split(n_windows, 1):
            loss, gradients = gradients_of(stack, tensors, X[batch], y[batch])
            first = loss if first is None else first
            tensors = optimizer.step(tensors, gradients)
        assert first is not None
        losses.append(first.view(n_models, people).mean(1))
        share = meta_rate * (1 - t / n_rounds)
        for name, value in start.items():
            end = tensors[name].view(n_models, people, *value.shape[1:]).mean(1)
            start[name] = value + share * (end - value)
    return Learned(to_arrays(start, problem.network), *by_epoch(losses, problem))


def fomaml(
    problem: PretrainProblem, *, inner_steps: int = 3, inner_rate: float = 0.05, people: int = 4
) -> Learned:
    """Find the start from which a few steps on a person's windows fit that person's other windows.

    A task is a person. In every round ``people`` of them are drawn, each trained for ``inner_steps`` steps of
    gradient descent from the start; the start then takes a step of AdamW along the mean gradient that new
    windows of the same people have where they came out. Steps and windows are as many as in supervised
    pretraining.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more.
    inner_steps : int, 1 to 1000
        Steps per person and round.
    inner_rate : float, above 0
        Learning rate of these steps.
    people : int, 1 to 1000
        People per round; the batch is shared among them.

    Notes
    -----
    Source: Finn et al. 2017, arXiv:1703.03400, section 5.2 (first-order MAML: the second derivatives are left
    out).
    """
    from .problem import Learned, Stack, adamw, by_epoch, to_arrays

    _check_common("fomaml", inner_steps, inner_rate, people)
    groups = problem.people(2)
    people = min(people, len(groups))
    n_windows = max(2, problem.schedule.batch_size // people)
    n_rounds = max(1, problem.n_updates // (inner_steps + 1))
    stack, draws = Stack(problem.network, problem.engine), problem.draws(33)
    X, y = map(problem.to_torch, problem.pooled())
    start = problem.draw(problem.network)
    optimizer = adamw(problem, start)
    n_models = len(problem.seeds)
    losses = []
    for _ in range(n_rounds):
        _, rows = problem.draw_people(draws, groups, people, (inner_steps + 1) * n_windows)
        *support, query = rows.flatten(0, 1).split(n_windows, 1)
        tensors = {k: v.detach().repeat_interleave(people, 0) for k, v in start.items()}
        inner = InnerDescent(inner_rate)
        for batch in support:
            _, gradients = gradients_of(stack, tensors, X[batch], y[batch])
            tensors = inner.step(tensors, gradients)
        loss, gradients = gradients_of(stack, tensors, X[query], y[query])
        for name, value in start.items():
            value.grad = gradients[name].view(n_models, people, *value.shape[1:]).mean(1)
        optimizer.step()
        losses.append(loss.view(n_models, people).mean(1))
    return Learned(to_arrays(start, problem.network), *by_epoch(losses, problem))
