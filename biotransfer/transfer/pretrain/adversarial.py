"""Pretraining that forgets who was recorded: the people of one modality share their classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ...errors import check
from ...learning.layers.layer import Layer
from ...learning.networks.network import Network

if TYPE_CHECKING:
    import torch

    from .problem import Learned, PretrainProblem


def dann(problem: PretrainProblem, *, weight: float = 1.0, hidden: int = 32) -> Learned:
    """Classify the source's windows by features from which a second classifier cannot tell the people apart.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more.
    weight : float, above 0
        Largest strength of the reversed gradient; it rises from 0 during training.
    hidden : int, 1 to 4096
        Hidden units of the classifier of people, which is thrown away.

    Notes
    -----
    Source: Ganin et al. 2016, arXiv:1505.07818, equations 13 to 15; the strength at progress p is
    2 / (1 + exp(-10 p)) - 1 times ``weight``. Differs in that the domains are the source's training people,
    all of them labelled, and more than two (as in Ozdenizci et al. 2020, doi:10.1109/ACCESS.2020.2971600).
    """
    import numpy as np

    from ...learning.training.losses import cross_entropy, reverse_gradient
    from .problem import Learned, Stack, minimize, n_features, to_arrays, trunk

    check(weight > 0, f"pretrain dann: weight={weight}. Expected above 0.")
    check(hidden >= 1, f"pretrain dann: hidden={hidden}. Expected 1 or more.")
    groups = problem.people(2)
    who = np.zeros(len(problem.windows[0]), np.int64)
    for i, rows in enumerate(groups):
        who[rows] = i
    people = problem.to_torch(np.tile(who, len(problem.windows)))
    body, head, width = trunk(problem.network), head_of(problem.network), n_features(problem.network)
    layers = (
        Layer("linear", "head", "people_0", {"n_in": width, "n_out": hidden}),
        Layer("relu", "head"),
        Layer("linear", "head", "people_1", {"n_in": hidden, "n_out": len(groups)}),
    )
    critic = Network("people", layers, (width,), len(groups))
    tensors = problem.draw(problem.network)
    learns = tensors | problem.draw(critic)
    encode, classify, recognise = (Stack(part, problem.engine) for part in (body, head, critic))
    X, y = map(problem.to_torch, problem.pooled())

    def updates() -> Iterator[Any]:
        for i, rows in enumerate(problem.batches()):
            progress = i / problem.n_updates
            yield rows, weight * (2 / (1 + np.exp(-10 * progress)) - 1)

    def loss(item: Any) -> torch.Tensor:
        rows, strength = item
        features = encode(learns, X[rows])
        named = recognise(learns, reverse_gradient(features, strength))
        return cross_entropy(classify(learns, features), y[rows]) + cross_entropy(named, people[rows])

    history, broken = minimize(problem, learns, loss, updates())
    return Learned(to_arrays(tensors, problem.network), history, broken)


def head_of(network: Network) -> Network:
    """Return the head alone, as a network of the features."""
    from .problem import n_features

    layers = tuple(layer for layer in network.layers if layer.part == "head")
    return Network(network.name, layers, (n_features(network),), network.n_outputs)


def _alike(
    problem: PretrainProblem,
    distance: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    weight: float,
    stream: int,
) -> Learned:
    """Classify, and make the features of two people at a time alike."""
    from ...learning.training.losses import cross_entropy
    from .problem import Learned, Stack, minimize, to_arrays, trunk

    groups = problem.people(2)
    n_windows = max(2, problem.schedule.batch_size // 2)
    encode = Stack(trunk(problem.network), problem.engine)
    classify = Stack(head_of(problem.network), problem.engine)
    tensors = problem.draw(problem.network)
    X, y = map(problem.to_torch, problem.pooled())
    draws = problem.draws(stream)

    def updates() -> Iterator[Any]:
        for _ in range(problem.n_updates):
            yield problem.draw_people(draws, groups, 2, n_windows)[1].flatten(1, 2)

    def loss(rows: Any) -> torch.Tensor:
        features = encode(tensors, X[rows])
        apart = distance(features[:, :n_windows], features[:, n_windows:])
        return cross_entropy(classify(tensors, features), y[rows]) + weight * apart

    history, broken = minimize(problem, tensors, loss, updates())
    return Learned(to_arrays(tensors, problem.network), history, broken)


def deep_coral(problem: PretrainProblem, *, weight: float = 1.0) -> Learned:
    """Classify the source's windows by features whose covariance is the same in all people.

    Every update takes windows of two people, half of the batch each, and adds the distance of the covariances
    of their features to the cross-entropy.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more.
    weight : float, above 0
        Of the distance.

    Notes
    -----
    Source: Sun & Saenko 2016, arXiv:1607.01719, equations 1 and 6, between pairs of labelled people as in
    Gulrajani & Lopez-Paz 2021, arXiv:2007.01434.
    """
    from ...learning.training.losses import coral_distance

    check(weight > 0, f"pretrain deep_coral: weight={weight}. Expected above 0.")
    return _alike(problem, coral_distance, weight, 36)


def mmd(problem: PretrainProblem, *, weight: float = 1.0) -> Learned:
    """Classify the source's windows by features whose distribution is the same in all people.

    Every update takes windows of two people, half of the batch each, and adds the maximum mean discrepancy of
    their features to the cross-entropy.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more.
    weight : float, above 0
        Of the discrepancy.

    Notes
    -----
    Source: Long et al. 2015, arXiv:1502.02791 (several Gaussian kernels, biased estimate), between pairs of
    labelled people as in Gulrajani & Lopez-Paz 2021, arXiv:2007.01434.
    """
    from ...learning.training.losses import mmd_distance

    check(weight > 0, f"pretrain mmd: weight={weight}. Expected above 0.")
    return _alike(problem, mmd_distance, weight, 37)
