"""How long and how fast to train, and in which order windows come: by seed and split, never by arm."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...settings import Reader, Settings, key, number, option, spec, whole
from ...showing import html_table, one_line
from .augmentations import AUGMENTATIONS
from .weighting import CLASS_WEIGHTS

PRECISIONS = ("full", "mixed")


def _augmentation() -> Reader:
    """Read "none", or an entry of ``AUGMENTATIONS`` with its parameters."""
    chosen = spec(lambda: AUGMENTATIONS)
    return Reader(
        f"none, or {chosen.expects}",
        lambda where, given: given if isinstance(given, str) and given == "none" else chosen(where, given),
    )


@dataclass(frozen=True)
class Schedule(Settings):
    """How everything is trained: the same for every arm and source.

    Parameters
    ----------
    epochs : int
        Passes over the training windows.
    learning_rate : float
        Of AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101); an arm's ``lr_scale`` multiplies it.
    batch_size : int
        Windows per update; the last batch of an epoch may be smaller, none is dropped.
    weight_decay : float
        Decoupled weight decay; 0 makes it Adam.
    patience : int
        Epochs without a lower loss on the validation rows after which a training ends; the weights of the
        best epoch are kept, and from it on the curve shows them. 0 trains to the end.
    precision : {"full", "mixed"}
        "mixed" computes forward passes in bfloat16 on a CUDA device; weights and updates stay as they are.
    augment : str or mapping
        "none", or how training windows are changed (see ``AUGMENTATIONS``).
    class_weight : {"none", "balanced"}
        "balanced" lets every class count the same in the loss, however few windows it has. Curves show the
        loss without it, and ``patience`` watches that one.

    Raises
    ------
    BiotransferError
        For a value that nothing can be trained by.
    """

    SECTION = "train"

    epochs: int = key("Passes over the training windows.", whole(1), 20)
    learning_rate: float = key("Of AdamW; an arm may multiply it for some layers.", number(above=0), 1e-3)
    batch_size: int = key("Windows per update; the last batch may be smaller.", whole(1), 64)
    weight_decay: float = key("Decoupled weight decay; 0 makes it Adam.", number(0), 0.0)
    patience: int = key(
        "Epochs without a lower loss on validation windows after which a training ends; 0 trains on.",
        whole(0),
        0,
    )
    precision: str = key("full, or mixed (bfloat16 on a GPU).", option(PRECISIONS), "full")
    augment: str | Mapping[str, Any] = key(
        "none, or how training windows are changed (see: biotransfer list augmentations).",
        _augmentation(),
        "none",
    )
    class_weight: str = key(
        "none, or balanced: every class counts the same in the loss, however few windows it has.",
        option(CLASS_WEIGHTS),
        "none",
    )

    def __repr__(self) -> str:
        usual = self.defaults()
        own = [f"{name}={value!r}" for name, value in self.plain().items() if value != usual[name]]
        return one_line(f"Schedule: {', '.join(own) or 'every key by default'}")

    def _repr_html_(self) -> str:
        return html_table(self.plain())

    def steps_per_epoch(self, n_windows: int) -> int:
        """Return the updates in one pass over ``n_windows``."""
        return -(-n_windows // self.batch_size)

    def n_updates(self, n_windows: int) -> int:
        """Return the updates of a whole training on ``n_windows``."""
        return self.epochs * self.steps_per_epoch(n_windows)

    def first_update(self, share: float, n_windows: int) -> int:
        """Return the first update, from 0, that comes after ``share`` of all updates; 1 is after the last."""
        return math.ceil(share * self.n_updates(n_windows) - 1e-9)

    def evaluation_points(self, n_windows: int) -> tuple[np.ndarray, np.ndarray]:
        """Return steps and epochs of the curve's columns: before any update, then after every epoch."""
        epochs = np.arange(self.epochs + 1)
        return epochs * self.steps_per_epoch(n_windows), epochs

    def batches(self, n_windows: int) -> Iterator[slice]:
        """Slices of one epoch's order."""
        for begin in range(0, n_windows, self.batch_size):
            yield slice(begin, min(begin + self.batch_size, n_windows))


@lru_cache(maxsize=512)
def epoch_order(seed: int, split_uid: str, epoch: int, n_windows: int) -> np.ndarray:
    """Order of the training windows in one epoch.

    Parameters
    ----------
    seed : int
        The arm's seed.
    split_uid : str
        Of the split.
    epoch : int
        From 0.
    n_windows : int
        Number of training windows.

    Returns
    -------
    ndarray, shape (n_windows,), int64
        Read-only: arms of one seed share it.
    """
    order = np.random.default_rng([seed, zlib.crc32(split_uid.encode()), epoch]).permutation(n_windows)
    order.setflags(write=False)
    return order


def update_seed(seed: int, split_uid: str, update: int) -> int:
    """Seed of what a network draws during one update (dropout), the same for every arm.

    Parameters
    ----------
    seed : int
        The arm's seed.
    split_uid : str
        Of the split.
    update : int
        From 0.
    """
    return zlib.crc32(f"{seed}/{split_uid}/{update}".encode())
