"""Convolutional networks: over an image of features, and over the signal itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import check
from ..layers.layer import Layer, output_shape
from .heads import head_layers
from .network import Network


def cnn_image(
    input_shape: tuple[int, ...],
    n_outputs: int,
    *,
    filters: Sequence[int] = (16, 32),
    kernel: int = 3,
    hidden: int = 64,
    head: str | Mapping[str, Any] | None = None,
) -> Network:
    """Two-dimensional convolutions over features laid out as a square image.

    Parameters
    ----------
    input_shape : tuple
        ``(n_features,)``, a square number such as 256.
    n_outputs : int
        Number of classes.
    filters : sequence of int, 1 to 1024
        Filters of each convolution, each followed by ReLU and 2 x 2 pooling; the first is the stem.
    kernel : int, 1 to 1001
        Side of the filters, odd.
    hidden : int, 1 to 4096
        Units of the dense layer before the head.
    head : str or mapping, optional
        See ``biotransfer list heads``; one dense layer when not given.

    Raises
    ------
    BiotransferError
        When the number of features is no square, or the image too small to pool that often.

    Notes
    -----
    Source: the second experiment of Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074 (features reshaped to
    an image); its layers and the image's side are not published, so these are ours.
    """
    check(
        len(input_shape) == 1,
        f"network cnn_image takes features, these windows have shape {tuple(input_shape)}. "
        "Add features: statistical, or use network: cnn_signal.",
    )
    n_features = input_shape[0]
    side = math.isqrt(n_features)
    check(
        side * side == n_features,
        f"network cnn_image: {n_features} features are no square image. "
        f"Use align: {{name: top_k, k: {side * side}}} or k: {(side + 1) ** 2}.",
    )
    filters = list(filters)
    check(filters and min(filters) > 0, f"network cnn_image: filters={filters}. Expected e.g. [16, 32].")
    check(kernel % 2 == 1 and kernel > 0, f"network cnn_image: kernel={kernel} is not odd. Try 3.")
    check(
        side >= 2 ** len(filters),
        f"network cnn_image: a {side} x {side} image cannot be halved {len(filters)} times. "
        f"Use at least {4 ** len(filters)} features or fewer filters.",
    )
    layers = [Layer("image", "stem", "", {"side": side})]
    n_in = 1
    for i, n_out in enumerate(filters):
        part = "stem" if i == 0 else "body"
        layers += [
            Layer("conv2d", part, f"{part}_{i}", {"n_in": n_in, "n_out": n_out, "kernel": kernel}),
            Layer("relu", part),
            Layer("max_pool", part, "", {"size": 2}),
        ]
        n_in = n_out
    layers.append(Layer("flatten", "body"))
    flat = output_shape(layers, input_shape)[0]
    layers += [
        Layer("linear", "body", f"body_{len(filters)}", {"n_in": flat, "n_out": hidden}),
        Layer("relu", "body"),
    ]
    end, head_spec = head_layers(head, hidden, n_outputs)
    parameters = {"filters": filters, "kernel": kernel, "hidden": hidden, "head": head_spec}
    return Network("cnn_image", tuple(layers + end), tuple(input_shape), n_outputs, parameters)


def cnn_signal(
    input_shape: tuple[int, ...],
    n_outputs: int,
    *,
    filters: Sequence[int] = (16, 32, 32),
    kernel: int = 15,
    pool: int = 4,
    head: str | Mapping[str, Any] | None = None,
) -> Network:
    """One-dimensional convolutions over channels x time.

    Parameters
    ----------
    input_shape : tuple
        ``(n_chans, n_times)``.
    n_outputs : int
        Number of classes.
    filters : sequence of int, 1 to 1024
        Filters of each convolution; the first mixes the channels and is the stem. Group normalisation (no
        running statistics), ReLU and pooling follow each; the last is averaged over time.
    kernel : int, 1 to 1001
        Length of the filters in samples, odd.
    pool : int, 1 to 1000
        Samples per pooled sample.
    head : str or mapping, optional
        See ``biotransfer list heads``; one dense layer when not given.

    Raises
    ------
    BiotransferError
        For features instead of signals, or windows too short to pool that often.
    """
    check(
        len(input_shape) == 2,
        f"network cnn_signal takes signals, these windows have shape {tuple(input_shape)}. "
        "Remove features from the recipe, or use network: mlp.",
    )
    n_chans, n_times = input_shape
    filters = list(filters)
    check(filters and min(filters) > 0, f"network cnn_signal: filters={filters}. Expected e.g. [16, 32].")
    check(kernel % 2 == 1 and kernel > 0, f"network cnn_signal: kernel={kernel} is not odd. Try 15.")
    check(pool >= 1, f"network cnn_signal: pool={pool}. Expected 1 or more.")
    check(
        n_times >= pool ** (len(filters) - 1),
        f"network cnn_signal: {n_times} samples cannot be pooled {len(filters) - 1} times by {pool}. "
        "Use longer windows, fewer filters or a smaller pool.",
    )
    layers: list[Layer] = []
    n_in = n_chans
    for i, n_out in enumerate(filters):
        part = "stem" if i == 0 else "body"
        layers += [
            Layer("conv1d", part, f"{part}_{i}", {"n_in": n_in, "n_out": n_out, "kernel": kernel}),
            Layer("group_norm", part, f"{part}_{i}_norm", {"n_out": n_out, "groups": math.gcd(n_out, 4)}),
            Layer("relu", part),
        ]
        if i < len(filters) - 1:
            layers.append(Layer("max_pool", part, "", {"size": pool}))
        n_in = n_out
    layers.append(Layer("mean_over_time", "body"))
    end, head_spec = head_layers(head, n_in, n_outputs)
    parameters = {"filters": filters, "kernel": kernel, "pool": pool, "head": head_spec}
    return Network("cnn_signal", tuple(layers + end), tuple(input_shape), n_outputs, parameters)
