"""The kinds of layers by name."""

from __future__ import annotations

from .activations import ACTIVATIONS
from .attention import ATTENTIONS
from .convolution import CONVOLUTIONS
from .dense import DENSE
from .foreign import FOREIGN
from .kind import LayerKind
from .norms import NORMS
from .pooling import POOLINGS
from .reshaping import RESHAPINGS
from .residual import RESIDUALS
from .spatial import SPATIAL
from .spinal import SPINALNET

KINDS: dict[str, LayerKind] = {
    kind.name: kind
    for kind in (
        *DENSE,
        *NORMS,
        *CONVOLUTIONS,
        *SPATIAL,
        *ACTIVATIONS,
        *POOLINGS,
        *RESHAPINGS,
        *RESIDUALS,
        *ATTENTIONS,
        *SPINALNET,
        FOREIGN,
    )
}
