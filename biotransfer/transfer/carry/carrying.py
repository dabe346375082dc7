"""Ways to carry weights over: which tensors, how fast and from when on they train, and what holds them.

Every function takes ``start``: "source", another source network in its place ("own_donors", "noise_source",
...) or a sham ("scratch", "permuted", "redrawn"), which turn the method into its own positive control or
control (see :func:`.begin_with`).
"""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np

from ...errors import check
from ...learning.networks.network import Network
from ...learning.training.arm import Arm
from ...learning.weights import Tensors, Weights, is_statistic
from .starting import carried_layers, carried_tensors, carry


def transferred(
    source: Weights, fresh: Tensors, network: Network, seed: int, *, start: str = "source"
) -> Arm:
    """Start from the weights trained on the source; everything trains.

    Parameters
    ----------
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.
    """
    return carry("transferred", source, fresh, network, seed, start=start)


def frozen_body(
    source: Weights, fresh: Tensors, network: Network, seed: int, *, start: str = "source"
) -> Arm:
    """Keep what came from the source as it is and train only what is fresh.

    Parameters
    ----------
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Notes
    -----
    When the stem is fresh too (other channels), this is not the textbook linear probe: the ledger says what
    was trained.
    """
    return carry("frozen_body", source, fresh, network, seed, start=start, freeze=True)


def partial_carry(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    layers: int = 1,
    freeze: bool = False,
    start: str = "source",
) -> Arm:
    """Carry only the first layers, from the input on, and draw the others afresh.

    Parameters
    ----------
    layers : int, 1 to 1000
        How many of the layers that fit, counted from the input.
    freeze : bool
        Whether they stay still.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When fewer layers fit.

    Notes
    -----
    Source: Yosinski et al. 2014, arXiv:1411.1792, section 2 (AnB with ``freeze``, AnB+ without); differs from
    it in that layers whose shape does not fit are not counted.
    """
    fitting = carried_layers(source, network)
    check(
        1 <= layers <= len(fitting),
        f"arm partial_carry: layers={layers}, but {len(fitting)} layers of the source fit network "
        f"{network.name!r} ({', '.join(fitting) or 'none'}). Expected 1 to {len(fitting)}.",
    )
    return carry(
        "partial_carry", source, fresh, network, seed, start=start, layers=fitting[:layers], freeze=freeze
    )


def probe_then_finetune(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    probe: float = 0.5,
    rate: float = 1.0,
    start: str = "source",
) -> Arm:
    """Train what is fresh first, with the carried weights still; then train everything.

    Parameters
    ----------
    probe : float, 0 to 1
        Share of the updates that go to the probe.
    rate : float, 0 or more
        Factor on the learning rate of the carried weights afterwards.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When ``probe`` is no share or ``rate`` is not positive.

    Notes
    -----
    Source: Kumar et al. 2022, arXiv:2202.10054, section 3.4 (LP-FT); differs from it in that the number of
    updates of both phases together is that of every other arm, and the probe's length is set beforehand.
    """
    check(0 < probe < 1, f"arm probe_then_finetune: probe={probe}. Expected a share, such as 0.5.")
    check(rate > 0, f"arm probe_then_finetune: rate={rate}. Expected above 0, such as 1.0.")
    arm = carry("probe_then_finetune", source, fresh, network, seed, start=start)
    held = carried_tensors(source, network)
    return replace(
        arm, lr_scale={**arm.lr_scale, **dict.fromkeys(held, rate)}, thaw=dict.fromkeys(held, probe)
    )


def gradual_unfreezing(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    until: float = 0.5,
    start: str = "source",
) -> Arm:
    """Train the head first, then one carried layer more at a time, from the head down to the input.

    Parameters
    ----------
    until : float, 0 to 1
        Share of the updates after which the last layer, the one nearest to the input, has thawed; the layers
        thaw at equal distances.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When ``until`` is no share.

    Notes
    -----
    Source: Howard & Ruder 2018, arXiv:1801.06146, section 3.3; differs from it in that the distance is a
    share of all updates, not one epoch, and in that fresh layers train from the beginning, wherever they are.
    """
    check(0 < until < 1, f"arm gradual_unfreezing: until={until}. Expected a share, such as 0.5.")
    arm = carry("gradual_unfreezing", source, fresh, network, seed, start=start)
    from_head = carried_layers(source, network)[::-1]
    at = {layer: until * (depth + 1) / len(from_head) for depth, layer in enumerate(from_head)}
    return replace(arm, thaw={k: at[network.tensor_layers[k]] for k in carried_tensors(source, network)})


def layerwise_decay(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    decay: float = 0.385,
    start: str = "source",
) -> Arm:
    """Train carried layers the slower, the farther they are from the head.

    Parameters
    ----------
    decay : float, above 0
        Factor on the learning rate from one carried layer to the next below; fresh layers keep the full rate.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When ``decay`` is not between 0 and 1.

    Notes
    -----
    Source: Howard & Ruder 2018, arXiv:1801.06146, section 3.2 (their factor is 1/2.6); differs from it
    in that layers that could not carry over keep the full rate.
    """
    check(
        0 < decay <= 1, f"arm layerwise_decay: decay={decay}. Expected above 0 and at most 1, such as 0.385."
    )
    arm = carry("layerwise_decay", source, fresh, network, seed, start=start)
    from_head = carried_layers(source, network)[::-1]
    rates = {layer: decay ** (depth + 1) for depth, layer in enumerate(from_head)}
    held = carried_tensors(source, network)
    return replace(arm, lr_scale={**arm.lr_scale, **{k: rates[network.tensor_layers[k]] for k in held}})


def l2_sp(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    alpha: float = 0.1,
    beta: float = 0.01,
    start: str = "source",
) -> Arm:
    """Pull carried weights towards where they started, and fresh ones towards zero.

    Parameters
    ----------
    alpha : float, 0 or more
        Strength on what was carried: adds ``alpha/2 ||w - w_source||^2``.
    beta : float, 0 or more
        Strength on the rest: adds ``beta/2 ||w||^2``.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When a strength is negative.

    Notes
    -----
    Source: Li, Grandvalet & Davoine 2018, arXiv:1802.01483, equation 3; the paper selects ``alpha`` by
    validation and sets ``beta`` to 0.01.
    """
    check(min(alpha, beta) >= 0, f"arm l2_sp: alpha={alpha}, beta={beta}. Expected 0 or more, such as 0.1.")
    arm = carry("l2_sp", source, fresh, network, seed, start=start)
    held = set(carried_tensors(source, network))
    anchor = {
        k: (value, alpha) if k in held else (np.zeros_like(value), beta)
        for k, value in arm.tensors.items()
        if not is_statistic(k)
    }
    return replace(arm, anchor=anchor)


def lora(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    rank: int = 4,
    alpha: float = 8.0,
    start: str = "source",
) -> Arm:
    """Keep carried weights still and train a product of two thin matrices beside each dense one.

    Parameters
    ----------
    rank : int, 1 to 4096
        Of the product.
    alpha : float, 0 or more
        The product counts ``alpha / rank`` times.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When no dense layer carries over, or ``rank`` exceeds its sizes.

    Notes
    -----
    Source: Hu et al. 2021, arXiv:2106.09685, section 4.1: B = 0 and A random, as peft draws it (uniform in
    +-1/sqrt(n_in)). Convolutions, norms and biases that were carried stay still; what is fresh trains.
    """
    arm = carry("lora", source, fresh, network, seed, start=start, freeze=True)
    dense = [
        k for k in carried_tensors(source, network) if k.endswith(".weight") and arm.tensors[k].ndim == 2
    ]
    check(
        dense,
        f"arm lora: no dense layer of the source fits network {network.name!r}, so there is nothing to put a "
        "low-rank product beside. Use network: mlp or cnn_image, or arm frozen_body.",
    )
    smallest = min(min(arm.tensors[k].shape) for k in dense)
    check(
        1 <= rank <= smallest,
        f"arm lora: rank={rank}, but the smallest side of a carried dense layer is {smallest}. "
        f"Expected 1 to {smallest}.",
    )
    low_rank = {}
    for name in dense:
        n_out, n_in = arm.tensors[name].shape
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), 3])
        a = (rng.uniform(-1.0, 1.0, (rank, n_in)) / np.sqrt(n_in)).astype(np.float32)
        low_rank[name] = (a, np.zeros((n_out, rank), np.float32), alpha / rank)
    ledger = tuple(
        replace(row, trained=True, reason=f"{row.reason}; a product of rank {rank} beside it trains")
        if row.tensor in low_rank
        else row
        for row in arm.ledger
    )
    lr_scale = {**arm.lr_scale, **dict.fromkeys(low_rank, 1.0)}
    return replace(arm, lr_scale=lr_scale, low_rank=low_rank, ledger=ledger)
