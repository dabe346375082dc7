"""What a study measures beside the signal: which families, at which line, by which classifier."""

from __future__ import annotations

from dataclasses import dataclass

from ...settings import Settings, Spec, key, many, maybe, number, option, spec
from .nuisance import NUISANCE
from .shallow import BASELINES


@dataclass(frozen=True)
class Nuisance(Settings):
    """What features that should not carry the label reach."""

    SECTION = "nuisance"

    families: tuple[str, ...] = key(
        "Which families (see: biotransfer list nuisance).",
        many(option(lambda: NUISANCE), single=False),
        NUISANCE.own,
    )
    line: float | None = key(
        "Mains frequency in Hz; found in the recordings when left out.",
        maybe(number(10, 500, unit="Hz")),
        None,
    )
    classifier: Spec = key(
        "What is fitted to them (see: biotransfer list baselines).", spec(lambda: BASELINES), "qda"
    )
