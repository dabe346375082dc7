"""What trains beside a network to be played against it, and how hard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Shapes = dict[str, tuple[int, ...]]
_STEEP = 10.0


def dense_shapes(name: str, n_in: int, n_out: int) -> Shapes:
    """Return the tensors of one dense layer."""
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}


def critic_of(n_features: int, n_outputs: int, options: Mapping[str, Any]) -> Shapes:
    """Return a critic of the features: one hidden layer, one number."""
    hidden = int(options["hidden"])
    return {**dense_shapes("critic_0", n_features, hidden), **dense_shapes("critic_1", hidden, 1)}


def joint_critic_of(n_features: int, n_outputs: int, options: Mapping[str, Any]) -> Shapes:
    """Return a critic of the products of features and class probabilities."""
    return critic_of(n_features * n_outputs, n_outputs, options)


def second_head_of(n_features: int, n_outputs: int, options: Mapping[str, Any]) -> Shapes:
    """Return one more head."""
    return dense_shapes("second", n_features, n_outputs)


def two_heads_of(n_features: int, n_outputs: int, options: Mapping[str, Any]) -> Shapes:
    """Return two more heads."""
    return {**second_head_of(n_features, n_outputs, options), **dense_shapes("third", n_features, n_outputs)}


def projection_of(n_features: int, n_outputs: int, options: Mapping[str, Any]) -> Shapes:
    """Return a dense layer that projects the features."""
    return dense_shapes("projection", n_features, int(options["projection"]))


def prototypes_of(n_features: int, n_outputs: int, options: Mapping[str, Any]) -> Shapes:
    """Return a projection of the features, and a prototype of every class in the space of features."""
    return {**projection_of(n_features, n_outputs, options), "prototypes": (n_outputs, n_features)}


def apply_dense(tensors: Mapping[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    """Return what a dense layer makes of x, shape (n_models, n_windows, n_in)."""
    weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
    return bias.unsqueeze(1).baddbmm(x, weight.transpose(1, 2))


def ask_critic(tensors: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Return what the critic says of x, shape (n_models, n_windows)."""
    return apply_dense(tensors, "critic_1", apply_dense(tensors, "critic_0", x).relu()).squeeze(-1)


def rising(progress: float) -> float:
    """Return how hard a critic is played against, from 0 at the beginning to nearly 1.

    Notes
    -----
    Source: Ganin et al. 2016, arXiv:1505.07818, section 5.2.2.
    """
    return 2.0 / (1.0 + math.exp(-_STEEP * progress)) - 1.0


def warming(progress: float, share: float) -> float:
    """Return the weight of a consistency: 0 at the beginning, 1 after a share of the updates.

    Notes
    -----
    Source: Laine & Aila 2017, arXiv:1610.02242, section 2.1 (a Gaussian ramp).
    """
    if progress >= share:
        return 1.0
    return math.exp(-5.0 * (1.0 - progress / share) ** 2)
