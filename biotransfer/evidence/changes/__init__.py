"""What moved while the target was learned: pure functions of a network, tensors and windows.

Layer by layer, along the line between two solutions, and in terms of features, channels and frequencies.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "attribute_features", "attribute_signals", "average_gradients", "barrier_height", "barrier_line",
    "describe_layers", "feature_group", "integrated_gradients",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ("barrier_height", "barrier_line", "describe_layers"):
        from . import layers

        return getattr(layers, name)
    if name in ("average_gradients", "integrated_gradients", "attribute_features", "attribute_signals"):
        from . import attribution

        return getattr(attribution, name)
    if name == "feature_group":
        from .naming import feature_group

        return feature_group
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
