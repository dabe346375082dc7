"""Numbers of a paper to show beside those of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...learning.predictions import METRICS
from ...results import Direction
from ...settings import Reader, Settings, key, number, option, text

POINTS = ("step0", "after_epoch_1", "final", "epoch_0")


def _direction(_: str, given: Any) -> Direction:
    return given if isinstance(given, Direction) else Direction.read(given)


@dataclass(frozen=True)
class Published(Settings):
    """One number of a paper."""

    SECTION = "published"

    direction: Direction = key("Source -> target.", Reader("source -> target", _direction))
    network: str = key("Of this study.", text())
    arm: str = key("Of this study.", text())
    metric: str = key("What is given (see: biotransfer list metrics).", option(lambda: tuple(METRICS)))
    value: float = key("As a share.", number())
    at: str = key(
        "Of the curve; epoch_0 where the paper does not say which it means.", option(POINTS), "final"
    )
    variant: str = key("Which of the study's methods; none for the recipe itself.", text(), "")
    note: str = key("Where it stands in the paper.", text(), "")

    @property
    def name(self) -> str:
        """What it is the number of: given once."""
        what = (str(self.direction), self.network, self.variant, self.arm, self.metric, self.at, self.note)
        return ", ".join(filter(None, what))
