"""Training: the only optimiser loop, with its two engines and one function in front (``running.train``)."""

from .augmentations import AUGMENTATIONS
from .penalties import PENALTIES
from .schedule import Schedule, epoch_order

__all__ = ["AUGMENTATIONS", "PENALTIES", "Schedule", "epoch_order"]
