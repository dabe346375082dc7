"""One layer of a network: a kind, its options, and the part that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...errors import check_option
from .bound import Bound
from .catalog import KINDS
from .kind import LayerKind, Shape


@dataclass(frozen=True)
class Layer(Bound):
    """One layer: what it computes, and the part it belongs to.

    Parameters
    ----------
    kind : str
        Name in ``KINDS``.
    part : {"stem", "body", "head"}
        Sees channels or features; carries over; sees classes.
    name : str
        Prefix of its tensors, and path of a library's layer; "" for one of ours without tensors.
    options : mapping
        ``n_in``, ``n_out``, ``kernel``, ``groups``, ... as the kind needs; ``shapes`` by tensor for a foreign
        layer.

    Raises
    ------
    BiotransferError
        For a kind that there is not.
    """

    kind: str
    part: str
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_option("layer kind", self.kind, KINDS)

    @property
    def record(self) -> LayerKind:
        """All that is known of its kind."""
        return KINDS[self.kind]


def output_shape(layers: Sequence[Layer], input_shape: Shape) -> Shape:
    """Shape of one window after all ``layers``."""
    for layer in layers:
        input_shape = layer.output_shape(input_shape)
    return input_shape
