"""Pretraining that mixes the style of people: means and deviations of feature maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ...errors import check
from ...learning.layers.layer import output_shape

if TYPE_CHECKING:
    import torch

    from ...learning.networks.network import Network
    from .problem import Learned, PretrainProblem

_EPSILON = 1e-6


def mix_style(
    problem: PretrainProblem, *, probability: float = 0.5, alpha: float = 0.1, blocks: int = 2
) -> Learned:
    """Classify windows whose early feature maps have means and deviations between two people's.

    Every update takes windows of two people, half of the batch each; behind each of the first blocks the
    statistics of a map over time are mixed with those of a window of the other person.

    Parameters
    ----------
    problem : PretrainProblem
        Two people or more, and a network of feature maps.
    probability : float, 0 to 1
        Share of the updates in which a block mixes.
    alpha : float, above 0
        Of the beta distribution of a window's own share: small keeps nearly all of one of the two.
    blocks : int, 1 to 100
        Behind how many of the first blocks (convolution to pooling), at most those that end in maps.

    Notes
    -----
    Source: Zhou et al. 2021, arXiv:2104.02008, equations 3 to 7 with domain labels (a person is a domain);
    its values are 0.5, 0.1 and the first two blocks. Statistics carry no gradient.
    """
    import torch

    from ...learning.training.losses import cross_entropy
    from .problem import Learned, Stack, minimize, to_arrays

    check(0 < probability <= 1, f"pretrain mix_style: probability={probability}. Expected above 0, up to 1.")
    check(alpha > 0, f"pretrain mix_style: alpha={alpha}. Expected above 0, such as 0.1.")
    check(blocks >= 1, f"pretrain mix_style: blocks={blocks}. Expected 1 or more, such as 2.")
    groups = problem.people(2)
    half = max(2, problem.schedule.batch_size // 2)
    parts = [Stack(part, problem.engine) for part in cut_behind_maps(problem.network, blocks)]
    tensors, draws = problem.draw(problem.network), problem.draws(42)
    X, y = map(problem.to_torch, problem.pooled())

    def updates() -> Iterator[Any]:
        for _ in range(problem.n_updates):
            rows = problem.draw_people(draws, groups, 2, half)[1].flatten(1, 2)
            mixes = []
            for _ in parts[:-1]:
                drawn = [draw_mix(rng, half, probability, alpha) for rng in draws]
                partners, own = zip(*drawn, strict=True)
                mixes.append((torch.tensor(partners), torch.tensor(own, dtype=torch.float64)))
            yield rows, mixes

    def loss(item: Any) -> torch.Tensor:
        rows, mixes = item
        x = X[rows]
        for part, (partners, own) in zip(parts[:-1], mixes, strict=True):
            x = mix_statistics(part(tensors, x), partners.to(x.device), own.to(x))
        return cross_entropy(parts[-1](tensors, x), y[rows])

    history, broken = minimize(problem, tensors, loss, updates())
    return Learned(to_arrays(tensors, problem.network), history, broken)


def draw_mix(rng: Any, half: int, probability: float, alpha: float) -> tuple[list[int], list[float]]:
    """Draw for each of ``2 * half`` windows one of the other half, and its own share; 1 where none mixes.

    Parameters
    ----------
    rng : Generator
        Draws.
    half : int
        Windows of each of the two people.
    probability, alpha : float
        See :func:`mix_style`.
    """
    mixes = rng.random() < probability
    partners = [*(half + rng.permutation(half)), *rng.permutation(half)]
    own = rng.beta(alpha, alpha, size=2 * half)
    return [int(i) for i in partners], [float(share) if mixes else 1.0 for share in own]


def mix_statistics(maps: torch.Tensor, partners: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Give maps means and deviations between their own and those of other windows.

    Parameters
    ----------
    maps : Tensor, shape (n_models, n_windows, n_maps, ...)
        Of every window.
    partners : Tensor, shape (n_models, n_windows), int64
        The other window of each.
    own : Tensor, shape (n_models, n_windows)
        Share of its own statistics.

    Returns
    -------
    Tensor, shape as ``maps``

    Notes
    -----
    Source: Zhou et al. 2021, arXiv:2104.02008, equations 3 to 6.
    """
    axes = tuple(range(3, maps.ndim))
    mean = maps.mean(axes, keepdim=True).detach()
    spread = (maps.var(axes, keepdim=True) + _EPSILON).sqrt().detach()
    at = partners.view(*partners.shape, *[1] * (maps.ndim - 2)).expand_as(mean)
    share = own.view(*own.shape, *[1] * (maps.ndim - 2))
    other_mean, other_spread = (value.gather(1, at) for value in (mean, spread))
    plain = (maps - mean) / spread
    return plain * (share * spread + (1 - share) * other_spread) + share * mean + (1 - share) * other_mean


def map_ends(network: Network) -> list[int]:
    """Return behind which layers blocks of feature maps end: pooling layers that leave maps."""
    shape, ends = tuple(network.input_shape), []
    for i, layer in enumerate(network.layers):
        shape = layer.output_shape(shape)
        if layer.record.pool and len(shape) > 1 and min(shape[1:]) > 1:
            ends.append(i + 1)
    return ends


def cut_behind_maps(network: Network, blocks: int) -> list[Network]:
    """Return the network in parts, cut behind its first blocks of maps."""
    places = [0, *map_ends(network)[:blocks], len(network.layers)]
    parts, shape = [], tuple(network.input_shape)
    for start, stop in pairwise(places):
        layers = network.layers[start:stop]
        parts.append(replace(network, layers=layers, input_shape=shape))
        shape = output_shape(layers, shape)
    return parts
