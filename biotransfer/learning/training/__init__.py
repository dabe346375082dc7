"""Training: the only optimiser loop, with its two engines and one function in front (``running.train``)."""

from .augmentations import AUGMENTATIONS
from .schedule import Schedule, epoch_order

__all__ = ["AUGMENTATIONS", "Schedule", "epoch_order"]
