"""Pretraining: what a source network is trained on, and how."""

from __future__ import annotations

from typing import Any

from ..catalog import Catalog, Entry
from .sources import noise, shuffled_labels, supervised

__all__ = ["SOURCES", "Pretrained", "hold_out_people", "pretrain"]

SOURCES = Catalog(
    "source",
    [
        Entry("supervised", "The source with its labels.", supervised,
              "Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074"),
        Entry("shuffled_labels", "The source with the labels of whole recordings permuted.", shuffled_labels,
              "Maennel et al. 2020, arXiv:2006.10455"),
        Entry("noise", "Surrogate signals: white noise with invented labels, or random phases.", noise,
              "Prichard & Theiler 1994, doi:10.1103/PhysRevLett.73.951 (phase)"),
    ],
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ("Pretrained", "hold_out_people", "pretrain"):
        from . import training

        return getattr(training, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
