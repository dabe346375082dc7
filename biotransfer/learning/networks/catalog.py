"""The networks that a recipe can name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...catalog import Catalog, Entry, Fact
from ...errors import check
from .channel_wise import channel_wise
from .cnn import cnn_image, cnn_signal
from .foreign import REFUSED, foreign_entries
from .mlp import mlp
from .network import Network

_OWN = [
    Entry(
        "mlp",
        "Multilayer perceptron over features.",
        mlp,
        "Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074 (topology unpublished)",
        {"takes": "features", "engine": "stacked"},
    ),
    Entry(
        "cnn_image",
        "2-D convolutions over features laid out as a square image.",
        cnn_image,
        "Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074, second experiment (layers unpublished)",
        {"takes": "features", "engine": "stacked"},
    ),
    Entry(
        "cnn_signal",
        "1-D convolutions over channels and time.",
        cnn_signal,
        "own, after Schirrmeister et al. 2017, doi:10.1002/hbm.23730",
        {"takes": "signals", "engine": "stacked"},
    ),
    Entry(
        "channel_wise",
        "1-D convolutions shared by all channels and pooled over them: any number of channels.",
        channel_wise,
        "own; pooling after Zaheer et al. 2017, arXiv:1703.06114, and Ilse et al. 2018, arXiv:1802.04712",
        {"takes": "signals", "shared": True, "engine": "stacked"},
    ),
]

NETWORKS = Catalog(
    "network",
    [*_OWN, *foreign_entries()],
    {
        "takes": Fact("Windows of features or of signals.", options=("features", "signals")),
        "shared": Fact(
            "Whether all channels go through one encoder, whatever their number and names.",
            bool,
            default=False,
            asks={True: "any number of channels"}.get,
        ),
        "engine": Fact(
            "How it trains on a CPU with its usual options: stacked (many models at once) or loop (each).",
            options=("stacked", "loop"),
            default="loop",
        ),
        "kernel": Fact(
            "Whether a kernel of maps over time trains its stacks on a CPU, not torch.", bool, default=False
        ),
        "needs_sfreq": Fact("Whether it is built for a sampling rate.", bool, default=False),
        "needs_channels": Fact("Whether it knows electrodes by their place.", bool, default=False),
        "n_times_multiple": Fact("Samples that the length of a window is a multiple of.", int, default=1),
        "min_n_times": Fact("Samples that a window needs at least.", int, default=1),
        "pretrained": Fact("Its published checkpoint on the Hugging Face hub.", str | None, default=None),
        "pretrained_file": Fact("That checkpoint's file, where not the usual one.", str | None, default=None),
    },
    refused=REFUSED,
    word="networks",
)


OWN = tuple(entry.name for entry in _OWN)
"""Networks whose every layer this package knows: no library's whole model."""


MOST_PARAMETERS = 50_000_000
"""Of a network of ours: 200 MB for each model that is trained at once."""


def build_network(
    spec: str | Mapping[str, Any],
    input_shape: tuple[int, ...],
    n_outputs: int,
    *,
    sfreq: float | None = None,
) -> Network:
    """Return the network that ``spec`` names, for windows of ``input_shape`` and ``n_outputs`` classes.

    Parameters
    ----------
    spec : str or mapping
        Catalog name, or ``{"name": ..., parameter: value}``.
    input_shape : tuple of int
        ``(n_features,)`` or ``(n_chans, n_times)``.
    n_outputs : int
        Number of classes.
    sfreq : float, optional
        Sampling rate in Hz, for networks whose entry says ``needs_sfreq``.

    Raises
    ------
    BiotransferError
        When the network does not fit the windows.

    Examples
    --------
    >>> build_network({"name": "mlp", "hidden": [8]}, (16,), 3).tensor_shapes["head.weight"]
    (3, 8)
    """
    entry, parameters = NETWORKS.resolve(spec)
    if entry.facts["needs_sfreq"]:
        check(
            sfreq is not None,
            f"network {entry.name!r} needs the sampling rate. Pass build_network(..., sfreq=windows.sfreq).",
        )
        return entry.function(tuple(input_shape), n_outputs, sfreq, **parameters)
    network: Network = entry.function(tuple(input_shape), n_outputs, **parameters)
    check(
        network.n_parameters <= MOST_PARAMETERS,
        f"network {entry.name!r} with {parameters} has {network.n_parameters} parameters. Expected "
        f"{MOST_PARAMETERS} or fewer. Use fewer or narrower layers.",
    )
    return network
