"""How a study pretrains its source networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ...errors import check
from ...settings import Settings, Spec, key, known_keys, number, option, spec
from .catalog import METHODS
from .held_out import HELD_OUT
from .sources import NOISES

_METHOD = spec(lambda: METHODS)
_OWN = ("held_out", "draw_people", "noise")


@dataclass(frozen=True)
class Pretraining(Settings):
    """What every source network learns, and what is kept to see what it knows."""

    SECTION = "pretrain"
    ALONE = "name"

    method: Spec = key(
        "The method, by its name (see: biotransfer list pretrain), with its parameters beside it.",
        _METHOD,
        "supervised",
        written="name",
    )
    held_out: float = key(
        "Share of the source's people kept out of training, to see what its network knows.",
        number(above=0, most=0.5),
        HELD_OUT,
    )
    draw_people: float = key(
        "Share of the training people of every source that each seed draws, without replacement; 1 is all. "
        "Half of them vary as a new sample of the whole source's size would. Who is not drawn judges the "
        "seed's network, too.",
        number(above=0, most=1),
        1.0,
    )
    noise: str = key("Surrogate of the arm noise_source: gaussian or phase.", option(NOISES), "gaussian")

    @classmethod
    def read(cls, given: Any, inside: str = "") -> Self:
        """Return what a name, or a mapping with name and parameters, asks for."""
        if isinstance(given, cls):
            return given
        given = {"name": given} if isinstance(given, str) else given
        check(
            isinstance(given, Mapping),
            f"pretrain={given!r} is neither a name nor a mapping. Write pretrain: {{name: supervised}}.",
        )
        own = {name: given[name] for name in _OWN if name in given}
        entry = METHODS[given.get("name", cls.defaults()["method"])]
        known_keys(cls.SECTION, given, ["name", *(p.name for p in entry.parameters), *_OWN])
        method = {"name": cls.defaults()["method"], **{k: v for k, v in given.items() if k not in own}}
        return cls(_METHOD(cls.SECTION, method), **own)

    def plain(self) -> dict[str, Any]:
        """Return the method's name and parameters, and the other keys beside them."""
        return {**self.method, **{name: getattr(self, name) for name in _OWN}}
