"""All that is known of one kind of layer: a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here

Options = Mapping[str, Any]
Shape = tuple[int, ...]


class Step(NamedTuple):
    """What the compiled kernel is told of a layer.

    Parameters
    ----------
    code : str
        Which of the kernel's operations it is; "rectify" is done together with the one before it.
    length : int
        Of the filters or tiles, in samples.
    groups : int
        Of a norm.
    """

    code: Literal["linear", "conv", "norm", "pool", "average", "rectify"]
    length: int = 1
    groups: int = 0


class MapOp(NamedTuple):
    """What the kernel of maps over time is told of a layer.

    Parameters
    ----------
    code : str
        Which of its operations it is: "time" and "space" are parts of a filter bank, "none" leaves all values
        where they lie.
    length, padding, stride, dilation : int
        Of filters or tiles, in samples.
    filters : int
        Filters over time of two convolutions that act as one.
    biased : bool
        Whether there is a bias.
    eps, momentum : float
        Of a norm, or the least value that has a logarithm.
    kept : float
        Share that dropout keeps.
    most : float
        Largest norm of the filters, 0 for any.
    """

    code: str
    length: int = 1
    padding: int = 0
    stride: int = 1
    dilation: int = 1
    filters: int = 0
    biased: bool = False
    eps: float = 0.0
    momentum: float = 0.0
    kept: float = 1.0
    most: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerKind:
    """One kind of layer; nothing here loads torch before it is called.

    Parameters
    ----------
    name : str
        What a :class:`.Layer` says.
    summary : str
        One sentence.
    example : tuple of (mapping, tuple of int), optional
        Options, and the shape of one window before the layer: what the tests try.
    shapes : callable
        ``(options) -> {tensor: shape}``.
    prefixed : bool
        Whether the layer's name stands before those of its tensors.
    constants : mapping of str to float
        Value at which a tensor starts; the others are drawn.
    output_shape : callable
        ``(options, shape before) -> shape`` of one window behind the layer.
    operations : callable
        ``(options, shape before, shape behind) -> float``: multiply-adds times two for one window.
    module : callable, optional
        ``(options, shape before) -> nn.Module`` whose tensors are named as in ``shapes``; None for a layer of
        a library's model.
    stacked : callable, optional
        ``(options, tensors, x, here) -> x``: many models at once, see :class:`.Here`. Tensors carry a leading
        model axis, and x has shape (n_models, n_windows, *shape before), in whatever order it lies in memory.
        None where only the loop knows the layer.
    patches : callable
        ``(options, shape before) -> float``: values per window that the stacked form lays out on a GPU.
    step : callable, optional
        ``(options) -> Step`` of the compiled kernel; None where it does not know the layer.
    op : callable, optional
        ``(options, shape before) -> MapOp or None`` of the kernel of maps over time; None where it does not
        know the layer.
    pool : callable, optional
        ``(options) -> int``: how many neighbours along an axis give their largest value. Such a layer gives
        the same before a ReLU as behind it.
    norm : bool
        Whether it stands and falls with the layer before it.
    """

    name: str
    summary: str
    example: tuple[Options, Shape] | None
    shapes: Callable[[Options], dict[str, Shape]] = lambda o: {}
    prefixed: bool = True
    constants: Mapping[str, float] = field(default_factory=dict)
    output_shape: Callable[[Options, Shape], Shape] = lambda o, before: before
    operations: Callable[[Options, Shape, Shape], float] = lambda o, before, behind: 0.0
    module: Callable[[Options, Shape], nn.Module] | None
    stacked: Callable[[Options, Mapping[str, torch.Tensor], torch.Tensor, Here], torch.Tensor] | None = None
    patches: Callable[[Options, Shape], float] = lambda o, before: 0.0
    step: Callable[[Options], Step] | None = None
    op: Callable[[Options, Shape], MapOp | None] | None = None
    pool: Callable[[Options], int] | None = None
    norm: bool = False
