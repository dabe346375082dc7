"""The end of a network that trains while all before it is still, as a network of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from ...errors import BiotransferError
from ..layers.layer import Layer
from .modules import build_module, load_module
from .network import Network
from .reading import ByContent
from .tensors import set_training

_WINDOWS = 5
_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Cut:
    """Where a network is cut.

    Parameters
    ----------
    path : str
        Of the block of the network's module that is the end.
    network : Network
        The end: what enters it is a window, and its tensors keep their names.
    """

    path: str
    network: Network


class _NoCutError(Exception):
    """What keeps a network from being cut: text."""


def cut_behind(network: Network, trained: Collection[str]) -> Cut | str:
    """Return the end of a network in which all that trains lies, or why there is none.

    Parameters
    ----------
    network : Network
        A library's model.
    trained : collection of str
        Names of the tensors that train.

    Returns
    -------
    Cut or str
        The smallest block of the module that holds all of ``trained`` and whose answer is the module's. What
        enters it must be the same whatever is drawn, in training and in evaluation mode, and of each window
        by itself: this is tried with weights that are drawn.
    """
    return _cut(ByContent(network), frozenset(trained))


@lru_cache(maxsize=64)
def _cut(key: ByContent, trained: frozenset[str]) -> Cut | str:
    network = key.record
    if network.build is None or "tail" in network.build:
        return f"network {network.name!r} is no library's model"
    if not trained:
        return "nothing trains"
    module = build_module(network)
    levels = zip(*(_owner(name) for name in trained), strict=False)
    path = ".".join(names[0] for names in takewhile(lambda names: len(set(names)) == 1, levels))
    why = f"{', '.join(sorted(trained)[:2])} and others are no block"
    while path:
        try:
            return _end(network, module, trained, path)
        except _NoCutError as error:
            why, path = str(error), path.rpartition(".")[0]
    return why


def _owner(tensor: str) -> list[str]:
    """Return the path of the layer that a tensor belongs to."""
    plain = tensor.split(".parametrizations.")[0]
    return (plain if plain != tensor else tensor.rpartition(".")[0]).split(".")


def _end(network: Network, module: nn.Module, trained: frozenset[str], path: str) -> Cut:
    """Return the end that begins with a block.

    Raises
    ------
    _NoCutError
        When what enters it, or what follows it, is not what it takes.
    """
    block = module.get_submodule(path)
    x = torch.randn((_WINDOWS, *network.input_shape), generator=torch.Generator().manual_seed(0))
    set_training(module, set(network.tensor_shapes) - trained)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        before = {k: v.clone() for k, v in module.state_dict().items() if not k.startswith(f"{path}.")}
        entered, left, answer, drew = _through(module, block, x, 1)
        if drew or not torch.equal(entered, _through(module, block, x, 2)[0]):
            raise _NoCutError(f"something before {path} is random")
        now = module.state_dict()
        if any(not torch.equal(now[k], v) for k, v in before.items()):
            raise _NoCutError(f"statistics before {path} move")
        module.eval()
        if not torch.equal(entered, _through(module, block, x, 1)[0]):
            raise _NoCutError(f"something before {path} differs in training")
        apart = torch.cat([_through(module, block, own, 1)[0] for own in x.split(1)])
    if left.shape != answer.shape or not torch.equal(left, answer):
        raise _NoCutError(f"{path} is not the last block")
    if not torch.allclose(apart, entered, rtol=1e-4, atol=1e-5):
        raise _NoCutError(f"what enters {path} mixes windows")
    names = [name for name in network.tensor_shapes if name.startswith(f"{path}.")]
    return Cut(path, _network_of(network, path, block, names, tuple(entered.shape[1:])))


def _network_of(
    network: Network, path: str, block: nn.Module, names: list[str], shape: tuple[int, ...]
) -> Network:
    """Return the record of a block: a dense layer of our own kind where it is one."""
    dense = type(block) is nn.Linear and block.bias is not None and not parametrize.is_parametrized(block)
    if dense and len(shape) == 1:
        options = {"n_in": shape[0], "n_out": network.n_outputs}
        dense_layer = Layer("linear", network.tensor_parts[names[0]], path, options)
        return Network(network.name, (dense_layer,), shape, network.n_outputs, network.parameters)
    layers = tuple(layer for layer in network.layers if set(layer.tensor_shapes()) <= set(names))
    tail = {"path": path, "whole_shape": list(network.input_shape)}
    build = {**(network.build or {}), "tail": tail}
    return Network(network.name, layers, shape, network.n_outputs, network.parameters, build)


def _through(
    module: nn.Module, block: nn.Module, x: torch.Tensor, seed: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, bool]:
    """Return what enters and leaves a block, the module's answer, and whether anything was drawn before."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    drew = []

    def on_entry(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        drew.append(not torch.equal(torch.get_rng_state(), state))

    def on_exit(_: nn.Module, given: tuple[torch.Tensor, ...], left: torch.Tensor) -> None:
        seen.append((given[0], left) if len(given) == 1 else (given, left))  # type: ignore[arg-type]

    hooks = [block.register_forward_pre_hook(on_entry), block.register_forward_hook(on_exit)]
    torch.default_generator.manual_seed(seed)
    state = torch.get_rng_state()
    try:
        answer = module(x)
    finally:
        for hook in hooks:
            hook.remove()
    if len(seen) != 1 or not all(isinstance(part, torch.Tensor) for part in seen[0]):
        raise _NoCutError("the block takes more than one tensor, or runs more than once")
    entered, left = seen[0]
    if entered.shape[0] != len(x):
        raise _NoCutError("what enters the block is not one row per window")
    return entered, left, answer, drew[0]


def features_at(
    network: Network,
    cut: Cut,
    tensors: Mapping[str, np.ndarray],
    X: np.ndarray,
    *,
    dtype: torch.dtype,
    device: str = "cpu",
) -> np.ndarray:
    """Return what enters the end of a network, shape (n_windows, *cut.network.input_shape).

    Parameters
    ----------
    network : Network
        The whole.
    cut : Cut
        See :func:`cut_behind`.
    tensors : mapping of str to ndarray
        All of its weights.
    X : ndarray, shape (n_windows, *network.input_shape)
        Windows.
    dtype : torch.dtype
        Precision.
    device : str
        A torch device.
    """
    module = load_module(network, tensors, dtype).to(device)
    block = module.get_submodule(cut.path)
    parts: list[np.ndarray] = []

    class _EnoughError(Exception):
        """What enters is known; the rest need not be computed."""

    def keep(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        parts.append(given[0].cpu().numpy().copy())
        raise _EnoughError

    block.register_forward_pre_hook(keep)
    with torch.no_grad():
        for begin in range(0, len(X), _AT_ONCE):
            own = torch.from_numpy(np.ascontiguousarray(X[begin : begin + _AT_ONCE])).to(device, dtype)
            try:
                module(own)
            except _EnoughError:
                continue
            raise BiotransferError(f"network {network.name!r} does not run {cut.path!r}: another version?")
    return np.concatenate(parts)
