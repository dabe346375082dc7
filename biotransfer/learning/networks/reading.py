"""What a library's model computes, in layers of our own kinds: read from the module, held against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize

from ..layers.bound import Inner
from ..layers.kind import Shape
from ..layers.layer import Layer
from .modules import build_module
from .network import Network
from .tensors import module_tensors

_TIME_AXIS = {
    "batch ch t 1 -> batch 1 ch t": (3, True),
    "batch ch time -> batch 1 ch time": (3, True),
    "batch C T 1 -> batch 1 T C": (2, False),
    "batch nchans ntimes -> batch 1 ntimes nchans": (2, True),
}
"""Which axis is time from then on, and whether channels are rows of one map."""
_SAME_SHAPE = ("batch x y z -> batch x z y", "batch filter2 rtimes 1 -> batch rtimes filter2")
_SAME = ("Ensure4d", "SqueezeFinalOutput", "Identity", "Flatten")
_IN_ORDER = {
    "EEGConformer": ("patch_embedding", "transformer", "fc", "final_layer"),
    "_PatchEmbedding": ("shallownet", "projection"),
    "EEGNeX": ("block_1", "block_2", "block_3", "block_4", "block_5", "final_layer"),
    "EEGTCNet": ("arrange_dim_input", "eegnet_tc", "arrange_dim_eegnet", "tcn_block", "final_layer"),
    "_EEGNetTC": (
        "conv1", "bn1", "activation", "depthwise_conv", "bn2", "activation", "pool1", "drop1",
        "separable_conv_depthwise", "separable_conv_pointwise", "bn3", "activation", "pool2", "drop2",
    ),
}  # fmt: skip
"""What blocks run one after the other, by the class; it is held against the model like everything here."""


class _UnknownError(Exception):
    """A part that has no record of ours, or not with such options."""


class _Reader:
    """Follows a sequence of modules: what a window is, and which axis of it is time."""

    def __init__(self, network: Network, alone: bool):
        self.network, self.axis, self.alone = network, 3, alone
        self.shape: Shape = tuple(network.input_shape)
        self.part = "stem"

    def read(self, path: str, module: nn.Module) -> Iterator[Layer]:
        """Yield the layers of one module, and of those inside it."""
        kind = type(module).__name__
        below = f"{path}." if path else ""
        if kind == "EEGConformer":
            yield self._taken("", "channels_apart", {})
        if isinstance(module, nn.Sequential) or kind in _IN_ORDER:
            for name in _IN_ORDER.get(kind) or _children(module):
                yield from self.read(below + name, module.get_submodule(name))
        elif kind == "_ResidualAdd":
            yield self._added(path, module)
        elif kind == "_FullyConnected":
            yield self._taken("", "flatten", {})
            yield from self.read(f"{path}.fc", module.get_submodule("fc"))
        elif kind == "_TCNBlock":
            yield from self._temporal(path, module)
        elif kind == "Rearrange":
            yield from self._rearranged(str(getattr(module, "pattern", "")))
        elif kind not in _SAME:
            made = self._layer(path, module)
            if made is not None:
                yield self._taken(path, *made)
        elif kind == "Flatten" and len(self.shape) > 1:
            yield self._taken("", "flatten", {})

    def _temporal(self, path: str, block: Any) -> Iterator[Layer]:
        """Yield causal convolutions with residuals, and the last time."""
        for i, net in enumerate(block.layers):
            entered = self.shape
            beside = (
                [] if i or block.downsample is None else self.read(f"{path}.downsample", block.downsample)
            )
            beside, left = list(beside), self.shape
            self.shape = entered
            inside = list(self.read(f"{path}.layers.{i}", net))
            if self.shape != left:
                raise _UnknownError(f"{path}.layers.{i}: {self.shape} beside {left}")
            self.shape = entered
            yield self._residual(path, inside, beside)
            yield from self.read(f"{path}.activation", block.activation)
        yield self._taken("", "last_time", {})

    def _added(self, path: str, module: nn.Module) -> Layer:
        """Return layers to whose answer what entered is added."""
        entered = self.shape
        inside = list(self.read(f"{path}.fn", module.get_submodule("fn")))
        if self.shape != entered:
            raise _UnknownError(f"{path}: {entered} becomes {self.shape}")
        return self._residual(path, inside, [])

    def _residual(self, path: str, inside: list[Layer], beside: list[Layer]) -> Layer:
        """Return layers below a path as one with a residual."""
        here = f"{path}."

        def below(layers: list[Layer]) -> tuple[Inner, ...]:
            return tuple(Inner(own.record, own.name.removeprefix(here), own.options) for own in layers)

        return self._taken(path, "residual", {"inside": below(inside), "beside": below(beside)})

    def _rearranged(self, pattern: str) -> Iterator[Layer]:
        if pattern in _TIME_AXIS:
            self.axis, rows = _TIME_AXIS[pattern]
            if rows:
                yield self._taken("", "channels_apart", {})
        elif pattern == "b d_model 1 seq -> b seq d_model":
            yield self._taken("", "times_first", {})
        elif pattern not in _SAME_SHAPE:
            raise _UnknownError(pattern)

    def _taken(self, path: str, kind: str, options: Mapping[str, Any]) -> Layer:
        layer = Layer(kind, self.part, path, options)
        own = layer.tensor_shapes()
        if own:
            first = next(iter(own))
            self.part = self.network.tensor_parts.get(first, self.part)
            layer = Layer(kind, self.part, path, options)
        self.shape = layer.output_shape(self.shape)
        return layer

    def _layer(self, path: str, module: nn.Module) -> tuple[str, dict[str, Any]] | None:
        kind = type(module).__name__
        if kind == "CombinedConv":
            return "conv_time_space", self._joined(module)
        if isinstance(module, nn.Conv2d):
            return self._convolution(module)
        if isinstance(module, nn.Conv1d):
            return "conv1d", self._series(module)
        if kind == "Chomp1d":
            return "without_last_times", {"n": int(str(module.chomp_size))}
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and _is_usual(module):
            norm = {"n_out": module.num_features, "eps": module.eps, "momentum": module.momentum}
            return "batch_norm", norm | ({"alone": True} if self.alone else {})
        if isinstance(module, nn.ELU) and module.alpha == 1:
            return "elu", {}
        if isinstance(module, nn.GELU) and module.approximate == "none":
            return "gelu", {}
        if isinstance(module, nn.LayerNorm) and (module.eps, module.bias is None) == (1e-5, False):
            return "layer_norm", {"n_out": module.normalized_shape[0]}
        if kind == "MultiHeadAttention":
            own: Any = module
            return "attention", {"n_in": own.emb_size, "heads": own.num_heads, "share": float(own.att_drop)}
        if isinstance(module, nn.ReLU):
            return "relu", {}
        if kind == "Square":
            return "square", {}
        if kind == "SafeLog":
            return "log", {"least": float(getattr(module, "epsilon", getattr(module, "eps", 1e-6)))}
        if (
            isinstance(module, nn.AvgPool2d)
            and not module.ceil_mode
            and (module.count_include_pad or self._in_time(module.padding)[0] == 0)
        ):
            (size, across), (padding, beside) = (
                self._in_time(sizes) for sizes in (module.kernel_size, module.padding)
            )
            if across == 1 and not beside:
                pool = {"size": size, "stride": self._in_time(module.stride)[0]}
                return "mean_pool", pool | ({"padding": padding} if padding else {})
        if (
            isinstance(module, nn.MaxPool2d)
            and not module.ceil_mode
            and self._in_time(module.padding) == (0, 0)
        ):
            tile, step = self._in_time(module.kernel_size), self._in_time(module.stride)
            if tile[1] == 1 and step[0] == tile[0] and self._in_time(module.dilation) == (1, 1):
                return "max_pool", {"size": tile[0]}
        if type(module) is nn.Dropout:
            return ("dropout", {"share": module.p}) if module.p > 0 else None
        if type(module) is nn.Linear and module.bias is not None and not parametrize.is_parametrized(module):
            return "linear", {"n_in": module.in_features, "n_out": module.out_features}
        if isinstance(module, nn.Linear) and module.bias is not None:
            return "linear_within", {"n_in": module.in_features, "n_out": module.out_features} | _limit(
                module
            )
        raise _UnknownError(f"{path}: {kind}")

    def _in_time(self, sizes: Any) -> tuple[int, int]:
        """Return a pair as (along time, across channels)."""
        pair = (sizes, sizes) if isinstance(sizes, int) else tuple(sizes)
        if len(pair) != 2 or not all(isinstance(value, int) for value in pair):
            raise _UnknownError(str(sizes))
        return (pair[1], pair[0]) if self.axis == 3 else (pair[0], pair[1])

    def _joined(self, module: Any) -> dict[str, Any]:
        if not module.bias_time:
            raise _UnknownError("filters over time without bias")
        return {
            "n_in": self.shape[0],
            "n_filters": module.conv_time.out_channels,
            "n_out": module.conv_spat.out_channels,
            "kernel": module.conv_time.kernel_size[0],
            "bias": bool(module.bias_spat),
        }

    def _series(self, module: nn.Conv1d) -> dict[str, Any]:
        if (
            module.stride != (1,)
            or not isinstance(module.padding, tuple)
            or module.padding_mode != "zeros"
            or parametrize.is_parametrized(module)
        ):
            raise _UnknownError(type(module).__name__)
        return {
            "n_in": module.in_channels, "n_out": module.out_channels, "kernel": module.kernel_size[0],
            "padding": module.padding[0], "dilation": module.dilation[0], "groups": module.groups,
            "bias": module.bias is not None,
        }  # fmt: skip

    def _convolution(self, module: nn.Conv2d) -> tuple[str, dict[str, Any]]:
        kernel, dilation = self._in_time(module.kernel_size), self._in_time(module.dilation)
        rows = self.shape[1] if len(self.shape) == 3 else 1
        spread = dilation[0] * (kernel[0] - 1)
        same = module.padding == "same"
        padding = (spread // 2, 0) if same else self._in_time(module.padding)
        n_in, n_out, groups = module.in_channels, module.out_channels, module.groups
        bias, renormed = module.bias is not None, parametrize.is_parametrized(module)
        if self._in_time(module.stride) != (1, 1) or padding[1] or dilation[1] != 1:
            raise _UnknownError(type(module).__name__)
        if rows > 1 and kernel == (1, rows) and groups == n_in and not bias:
            return "conv_space", {"n_in": n_in, "n_out": n_out, "n_rows": rows, "most": _most(module)}
        if rows > 1 and kernel == (1, rows) and groups == 1 and not renormed:
            return "conv_across", {"n_in": n_in, "n_out": n_out, "n_rows": rows, "bias": bias}
        if renormed or kernel[1] != 1:
            raise _UnknownError(type(module).__name__)
        options = {"n_in": n_in, "n_out": n_out, "kernel": kernel[0], "padding": padding[0], "bias": bias}
        if same and spread % 2:
            options["further"] = 1
        if rows > 1:
            if groups > 1 or dilation[0] > 1:
                raise _UnknownError(type(module).__name__)
            return "conv_time", options
        return "conv1d", options | {"groups": groups, "dilation": dilation[0]}


def _is_usual(module: nn.BatchNorm1d | nn.BatchNorm2d) -> bool:
    """Whether a norm has scale, shift and running statistics with a momentum."""
    return module.affine and module.track_running_stats and module.momentum is not None


def _most(module: nn.Module) -> float | None:
    """Return the largest norm that a convolution's filters may have."""
    if not parametrize.is_parametrized(module):
        return None
    found: Any = module.parametrizations
    rules = list(found["weight"]) if list(found) == ["weight"] else []
    if len(rules) != 1 or type(rules[0]).__name__ != "MaxNormParametrize":
        raise _UnknownError(type(module).__name__)
    return float(rules[0].max_norm)


def _children(module: nn.Module) -> list[str]:
    """Return the names of the modules within one, in order, also where one of them stands twice."""
    return [name for name, _ in module.named_modules(remove_duplicate=False) if name and "." not in name]


def _limit(module: nn.Module) -> dict[str, Any]:
    """Return what limits the weight of a dense layer."""
    found: Any = module.parametrizations if parametrize.is_parametrized(module) else {}
    rules = list(found["weight"]) if list(found) == ["weight"] else []
    names = [type(rule).__name__ for rule in rules]
    if names == ["MaxNorm"]:
        return {"most": float(rules[0].max_norm_val), "columns": True, "eps": float(rules[0].eps)}
    if names == ["MaxNormParametrize"]:
        return {"most": float(rules[0].max_norm), "columns": False, "eps": 0.0}
    raise _UnknownError(type(module).__name__)


@torch.no_grad()
def _alone(module: nn.Module, network: Network) -> bool:
    """Whether norms by batches go by running statistics for a batch of one window."""
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return False
    module.train()
    try:
        module(torch.ones((1, *network.input_shape), dtype=torch.float64))
    except ValueError:
        return False
    finally:
        module.eval()
    return not any(int(norm.num_batches_tracked or 0) for norm in norms)


@lru_cache(maxsize=64)
def _read(network: ByContent) -> tuple[Layer, ...] | None:
    record = network.record
    with torch.random.fork_rng(devices=[]):  # modules draw weights when they are made
        module = build_module(record, torch.float64).eval()
        try:
            layers = tuple(_Reader(record, _alone(module, record)).read("", module))
        except _UnknownError:
            return None
        named = [name for layer in layers for name in layer.tensor_shapes()]
        if sorted(named) != sorted(record.tensor_shapes):
            return None
        return layers if _agree(layers, record, module) else None


class ByContent:
    """A network as a cache's key: what it was built from."""

    def __init__(self, record: Network):
        self.record, self.key = record, repr(sorted(record.describe().items()))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ByContent) and other.key == self.key


def layers_of(network: Network) -> tuple[Layer, ...] | None:
    """Return the layers that a network computes, in our own kinds; None where one of them has no record.

    Parameters
    ----------
    network : Network
        Any; a library's model is built and read, once for each record.

    Notes
    -----
    What is read is held against the model: on random windows and weights both give the same to 1e-9.
    """
    return network.layers if network.build is None else _read(ByContent(network))


@torch.no_grad()
def _agree(layers: tuple[Layer, ...], network: Network, module: nn.Module) -> bool:
    """Whether the layers, run one after the other, give what the model gives."""
    draw, tensors = torch.Generator().manual_seed(0), module_tensors(module)
    for name, tensor in tensors.items():
        value = torch.rand(tensor.shape, generator=draw, dtype=torch.float64)
        tensor.copy_(value + 0.5 if name.endswith("running_var") else value - 0.5)
    given = torch.randn((3, *network.input_shape), generator=draw, dtype=torch.float64)
    x, shape = given, tuple(network.input_shape)
    for layer in layers:
        assert layer.record.module is not None
        part = layer.record.module(layer.options, shape).to(torch.float64).eval()
        inside = part.state_dict()
        for key, name in layer.tensor_names.items():
            if tensors[name].numel() != inside[key].numel():
                return False
            inside[key].copy_(tensors[name].reshape(inside[key].shape))
        x, shape = part(x), layer.output_shape(shape)
    x, theirs = x.flatten(1), module(given)
    return x.shape == theirs.shape and bool(torch.allclose(x, theirs, rtol=1e-9, atol=1e-9))
