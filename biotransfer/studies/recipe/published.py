"""Numbers of a paper to show beside those of a study."""

from __future__ import annotations

from dataclasses import dataclass

from ...settings import Settings, key, number, text


@dataclass(frozen=True)
class Published(Settings):
    """One number of a paper."""

    SECTION = "published"

    direction: str = key("Source -> target.", text())
    network: str = key("Of this study.", text())
    arm: str = key("Of this study.", text())
    metric: str = key("What is given.", text())
    value: float = key("As a share.", number())
    at: str = key("Of the curve: step0, after_epoch_1, asymptote, final or area.", text(), "final")
    note: str = key("Where it stands in the paper.", text(), "")

    @property
    def name(self) -> tuple[str, ...]:
        """What it is the number of: given once."""
        return (self.direction, self.network, self.arm, self.metric, self.at, self.note)
