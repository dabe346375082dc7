"""Build a library's model, and find its tensors and which of them are stem, body and head."""

from __future__ import annotations

import inspect
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ...errors import BiotransferError, check, did_you_mean
from ...signals.windows.braindecode import listening, load_braindecode
from ..layers.layer import Layer
from ..weights import Tensors
from .foreign_build import build_foreign, construct_model
from .modules import build_module
from .network import Network
from .tensors import module_tensors

_SIGNAL_ARGUMENTS = ("n_chans", "n_times", "n_outputs", "sfreq", "chs_info", "input_window_seconds")
_MORE_PLACES = (
    "Fz",
    "Cz",
    "Pz",
    "Oz",
    "C3",
    "C4",
    "F3",
    "F4",
    "P3",
    "P4",
    "O1",
    "O2",
    "F7",
    "F8",
    "T7",
    "T8",
)
_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


@dataclass(frozen=True)
class Found:
    """What building a model has shown: its layers, and the declaration that builds it again."""

    layers: tuple[Layer, ...]
    build: Mapping[str, Any]


def _variant(like: tuple[Any, ...], *, more_chans: int = 0, more_outputs: int = 0) -> dict[str, torch.Size]:
    """Return shapes by tensor of the same model for other sizes; without memory where the model allows it."""
    model, n_chans, n_times, n_outputs, sfreq, options, channels = like
    n_chans, n_outputs = n_chans + more_chans, n_outputs + more_outputs
    if channels is not None:
        channels = (*channels, *(p for p in _MORE_PLACES if p not in channels))[:n_chans]
    sizes = (model, n_chans, n_times, n_outputs, sfreq, options, channels)
    try:
        module = construct_model(*sizes, device="meta")
    except (NotImplementedError, RuntimeError):
        module = construct_model(*sizes)
    return {name: tensor.shape for name, tensor in module_tensors(module).items()}


def _layers_of(module: nn.Module) -> dict[str, list[str]]:
    """Return the tensors of every layer by its name.

    A norm belongs to the layer whose output it takes; a loose tensor of a container (a token, an embedding of
    places) is a layer of its own.
    """
    layers: dict[str, list[str]] = {}
    learned = module_tensors(module)
    last: tuple[str, str, int | None] = ("", "", None)
    for path, part in module.named_modules():
        prefix = f"{path}." if path else ""
        own = [name for name in learned if name.startswith(prefix) and "." not in name[len(prefix) :]]
        if not own:
            continue
        name = path.split(".parametrizations.")[0]
        loose = name == path and any(child != "parametrizations" for child, _ in part.named_children())
        if loose or not path:
            layers.update({tensor: [tensor] for tensor in own})
            continue
        parent = name.rpartition(".")[0]
        width = part.weight.numel() if isinstance(part, _NORMS) and part.weight is not None else None
        if width is not None and last[1:] == (parent, width):
            name = last[0]
        elif name != last[0]:
            n_out = getattr(module.get_submodule(name), "out_channels", None)
            last = (name, parent, n_out or getattr(module.get_submodule(name), "out_features", None))
        layers.setdefault(name, []).extend(own)
    return layers


@lru_cache(maxsize=64)
def _inspect(
    model: str,
    n_chans: int,
    n_times: int,
    n_outputs: int,
    sfreq: float,
    options: str,
    channels: tuple[str, ...] | None,
) -> Found:
    arguments = json.loads(options)
    like = (model, n_chans, n_times, n_outputs, sfreq, arguments, channels)
    with torch.random.fork_rng(devices=[]), listening() as notes:
        module = construct_model(*like).eval()
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            answer = module(torch.zeros(1, n_chans, n_times))
        check(
            isinstance(answer, torch.Tensor) and answer.shape == (1, n_outputs),
            f"network {model} answers with {tuple(getattr(answer, 'shape', ()))} for one window, expected "
            f"{(1, n_outputs)}. It does not classify windows.",
        )
        channels_varied = _variant(like, more_chans=n_chans)
        classes_varied = _variant(like, more_outputs=1)
    shapes = {name: tensor.shape for name, tensor in module_tensors(module).items()}
    parts: dict[str, str] = {}
    for layer, names in _layers_of(module).items():
        sees_classes = any(classes_varied.get(name) != shapes[name] for name in names)
        sees_channels = any(channels_varied.get(name) != shapes[name] for name in names)
        parts[layer] = "head" if sees_classes else "stem" if sees_channels else "body"
    body = [layer for layer, part in parts.items() if part == "body"]
    if body and "stem" not in parts.values():
        parts[body.pop(0)] = "stem"
    check(
        body,
        f"network {model}: every learned tensor depends on the number of channels or classes, so nothing "
        "could carry over. Use a network with a body, such as EEGNet.",
    )
    layers = tuple(
        Layer("foreign", parts[layer], layer, {"shapes": {name: tuple(shapes[name]) for name in names}})
        for layer, names in _layers_of(module).items()
    )
    build = {
        "library": "braindecode",
        "model": model,
        "sfreq": sfreq,
        "options": arguments,
        "channels": None if channels is None else list(channels),
        "operations": float(counter.get_total_flops()),
        "notes": notes,
    }
    return Found(layers, build)


def inspect_model(
    model: str,
    n_chans: int,
    n_times: int,
    n_outputs: int,
    sfreq: float,
    options: Mapping[str, Any],
    channels: tuple[str, ...] | None,
) -> Found:
    """Build a model three times and compare shapes.

    Parameters
    ----------
    model : str
        Name of the class in ``braindecode.models``.
    n_chans, n_times, n_outputs : int
        Sizes of the windows and number of classes.
    sfreq : float
        Sampling rate in Hz.
    options : mapping
        Further arguments of the model.
    channels : tuple of str or None
        Electrode names, for models that know places.

    Returns
    -------
    Found
        Layers whose shapes change with the number of classes are the head, those that change with the number
        of channels the stem, the others the body. Where nothing changes with the channels (every channel
        passes through the same encoder) the first layer is the stem.

    Raises
    ------
    BiotransferError
        When the model cannot be built or does not classify such windows.
    """
    known = inspect.signature(getattr(load_braindecode("braindecode.models"), model)).parameters
    for key in options:
        if key not in known or key in _SIGNAL_ARGUMENTS:
            allowed = [name for name in known if name not in _SIGNAL_ARGUMENTS]
            raise BiotransferError(
                f"network {model} has no option {key!r}.{did_you_mean(key, allowed)} "
                f"It takes: {', '.join(allowed)}."
            )
    try:
        return _inspect(
            model, n_chans, n_times, n_outputs, sfreq, json.dumps(options, sort_keys=True), channels
        )
    except BiotransferError:
        raise
    except Exception as error:
        raise BiotransferError(
            f"network {model} does not take windows of {n_chans} channels x {n_times} samples at {sfreq:g} "
            f"Hz: {' '.join(str(error).split())[:300]} Use longer windows, another rate, or other options: "
            f"network: {{name: {model}, options: {{...}}}}."
        ) from error


def published_facts(network: Network) -> tuple[dict[str, str], Tensors, dict[str, int]]:
    """Return what matters when a model starts from published weights.

    Parameters
    ----------
    network : Network
        With a ``build``.

    Returns
    -------
    renaming : dict
        From published names to the model's.
    constants : dict of str to ndarray
        What the model holds beyond the tensors of the record.
    in_time : dict
        Axis by tensor, where exactly one axis grows with the length of the window.
    """
    assert network.build is not None
    b, (n_chans, n_times) = network.build, network.input_shape
    module = build_module(network)
    constants = {
        name: value.detach().numpy().astype(np.float32)
        for name, value in module.state_dict().items()
        if name not in network.tensor_shapes and value.is_floating_point()
    }
    with torch.random.fork_rng(devices=[]):
        longer = build_foreign(b, (n_chans, 2 * n_times), network.n_outputs)
    in_time = {}
    for name, tensor in module_tensors(longer).items():
        shape = network.tensor_shapes[name]
        grown = [i for i, (old, new) in enumerate(zip(shape, tensor.shape, strict=True)) if new > old]
        if len(grown) == 1 and network.tensor_parts[name] != "head":
            in_time[name] = grown[0]
    return dict(getattr(module, "mapping", None) or {}), constants, in_time


def draw_tensors(network: Network, seed: int, stream: str) -> Tensors:
    """Return the model's own random initialisation, fixed by seed, stream and model.

    Parameters
    ----------
    network : Network
        With a ``build``.
    seed : int
        Of the arms that share it.
    stream : str
        See :func:`.initial_tensors`.
    """
    assert network.build is not None
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(zlib.crc32(f"{seed}/{stream}/{network.name}".encode()))
        module = build_foreign(network.build, network.input_shape, network.n_outputs)
    tensors = module_tensors(module)
    return {name: tensors[name].detach().numpy().copy() for name in network.tensor_shapes}
