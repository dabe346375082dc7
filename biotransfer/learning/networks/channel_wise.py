"""One encoder for every channel, pooled over channels: takes any number of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import check, check_option
from ..layers.layer import Layer
from .heads import head_layers
from .network import Network

POOLINGS = ("mean", "attention")


def channel_wise(
    input_shape: tuple[int, ...],
    n_outputs: int,
    *,
    filters: Sequence[int] = (16, 32, 32),
    kernel: int = 15,
    pool: int = 4,
    pooling: str = "mean",
    hidden: int = 32,
    head: str | Mapping[str, Any] | None = None,
) -> Network:
    """Convolutions over time, the same for every channel, pooled over channels.

    Parameters
    ----------
    input_shape : tuple
        ``(n_chans, n_times)``.
    n_outputs : int
        Number of classes.
    filters : sequence of int, 1 to 1024
        Filters of each convolution over time; the first is the stem. Group normalisation over all channels
        (no running statistics; channels keep their amplitudes relative to each other), ReLU and pooling
        follow each; the last is averaged over time.
    kernel : int, 1 to 1001
        Length of the filters in samples, odd.
    pool : int, 1 to 1000
        Samples per pooled sample.
    pooling : {"mean", "attention"}
        Whether channels count alike, or by a weight that is learned from what each of them shows.
    hidden : int, 1 to 4096
        Units of the dense layer behind the pooling.
    head : str or mapping, optional
        See ``biotransfer list heads``; one dense layer when not given.

    Raises
    ------
    BiotransferError
        For features instead of signals, or windows too short to pool that often.

    Notes
    -----
    Nothing but the head depends on the montage: between 8 and 4 channels everything else carries over, and
    the order of the channels does not matter. Source: shared weights and pooling after Zaheer et al. 2017,
    arXiv:1703.06114, theorem 2; attention after Ilse et al. 2018, arXiv:1802.04712, equation 8. The
    convolutions are those of ``cnn_signal``.
    """
    check(
        len(input_shape) == 2,
        f"network channel_wise takes signals, these windows have shape {tuple(input_shape)}. "
        "Remove features from the recipe, or use network: mlp.",
    )
    _, n_times = input_shape
    filters = list(filters)
    check(filters and min(filters) > 0, f"network channel_wise: filters={filters}. Expected e.g. [16, 32].")
    check(kernel % 2 == 1 and kernel > 0, f"network channel_wise: kernel={kernel} is not odd. Try 15.")
    check(pool >= 1, f"network channel_wise: pool={pool}. Expected 1 or more.")
    check(hidden >= 1, f"network channel_wise: hidden={hidden}. Expected 1 or more.")
    check_option("pooling", pooling, POOLINGS)
    check(
        n_times >= pool ** (len(filters) - 1),
        f"network channel_wise: {n_times} samples cannot be pooled {len(filters) - 1} times by {pool}. "
        "Use longer windows, fewer filters or a smaller pool.",
    )
    layers = [Layer("channels_apart", "stem")]
    n_in = 1
    for i, n_out in enumerate(filters):
        part = "stem" if i == 0 else "body"
        layers += [
            Layer("conv_time", part, f"{part}_{i}", {"n_in": n_in, "n_out": n_out, "kernel": kernel}),
            Layer("group_norm", part, f"{part}_{i}_norm", {"n_out": n_out, "groups": math.gcd(n_out, 4)}),
            Layer("relu", part),
        ]
        if i < len(filters) - 1:
            layers.append(Layer("max_pool_time", part, "", {"size": pool}))
        n_in = n_out
    layers.append(Layer("mean_over_time", "body"))
    if pooling == "mean":
        layers.append(Layer("mean_over_channels", "body"))
    else:
        layers.append(Layer("attend_channels", "body", "body_attention", {"n_in": n_in, "n_out": n_in}))
    layers += [
        Layer("linear", "body", f"body_{len(filters)}", {"n_in": n_in, "n_out": hidden}),
        Layer("relu", "body"),
    ]
    end, head_spec = head_layers(head, hidden, n_outputs)
    parameters = {
        "filters": filters,
        "kernel": kernel,
        "pool": pool,
        "pooling": pooling,
        "hidden": hidden,
        "head": head_spec,
    }
    return Network("channel_wise", tuple(layers + end), tuple(input_shape), n_outputs, parameters)
