"""The study that a recipe's keys make: what they say together, its variants, and its uid."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import check, check_option
from ...learning.networks import NETWORKS
from ...settings import Spec, known_keys, made, many, plain, text
from ...showing import html_table, one_line
from ...signals.recording import MODALITIES
from ...transfer.align import ALIGN
from ...transfer.carry import ArmRequest, contests, with_assay
from ...transfer.pretrain import METHODS
from ..topologies import Search
from .agreement import refuse_what_does_not_fit
from .donors import can_prove, check_donors, read_donors
from .keys import DESCRIPTIVE, Keys
from .sides import Section, essence, read_directions
from .ways import Way


@dataclass(frozen=True, eq=False)
class Recipe(Keys):
    """A validated study: every key with its value.

    A recipe's values are what does the work: the schedule, the budget, the windows, what is compared, ...
    ``to_dict`` gives them as YAML writes them.
    """

    path: Path | None = field(default=None, metadata={"doc": "", "read": made("a path"), "apart": True})

    @classmethod
    def declared(cls) -> dict[str, Any]:
        """Return the declared keys by name."""
        return {item.name: item for item in fields(cls) if "apart" not in item.metadata}

    @classmethod
    def read(cls, given: Any, inside: str = "", *, path: Path | None = None) -> Recipe:
        """Return the recipe that a mapping describes, with the arms that prove and control its transfers.

        Parameters
        ----------
        given : mapping
            As written.
        inside : str
            Not used.
        path : Path, optional
            The file it came from.
        """
        written = cls(**known_keys("recipe", given, list(cls.declared())), path=path)
        arms = tuple(with_assay(written.arms, donors=can_prove(written)))
        return written if arms == written.arms else replace(written, arms=arms)

    def agree(self) -> None:
        """Settle what depends on other keys, and refuse what does not go together."""
        sides = self.sides
        if self.align is None:
            named = all(NETWORKS[item.name].facts["takes"] == "features" for item in self.network)
            entry, parameters = ALIGN.resolve("matched" if named else "none")
            object.__setattr__(self, "align", Spec(entry.name, parameters))
        for modality in MODALITIES:
            check(
                self.sets or modality in sides,
                f"recipe: {modality} is missing. Add for example {modality}: {{data: simulated}}.",
            )
        known = [*sides, *(f"same_modality {name}" for name in sides)]
        for name in (name for people in self.same_people for name in people):
            check_option("same_people", name.split("/", 1)[0], known)
        settled = {
            "directions": read_directions(self.directions, list(sides)),
            "arms": tuple(self._with_method(arm) for arm in self.arms),
            "search": self.search and self._searched(self.search),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)
        donors = read_donors(
            self.same_modality,
            sides,
            self.directions,
            self.split,
            wanted=[arm.label for arm in self.arms if arm.starts_from == "same_modality"],
            own=self.own_donors,
        )
        object.__setattr__(self, "same_modality", donors)
        check_donors(self, sides)
        refuse_what_does_not_fit(self)
        object.__setattr__(self, "methods", tuple(self._settled(way) for way in self.methods))
        if self.tune is not None:
            untuned = replace(self, tune=None)
            for values in self.tune.candidates:
                untuned.with_values(values)

    def _with_method(self, arm: ArmRequest) -> ArmRequest:
        """Return an arm whose own method of pretraining has all parameters; None where it is the study's."""
        if arm.pretrain is None:
            return arm
        entry, parameters = METHODS.resolve(arm.pretrain)
        own = Spec(entry.name, parameters)
        return replace(arm, pretrain=None if own == self.pretrain.method else plain(own))

    def _searched(self, search: Search) -> Search:
        """Return the search with its networks named."""
        known = [item.name for item in self.network]
        names = known if search.networks is None else search.networks
        for name in names:
            check_option("search.networks", name, known)
        return replace(search, networks=tuple(names))

    def _settled(self, way: Way) -> Way:
        """Return a way with its values read; what it makes of the recipe is a recipe, too."""
        labels, networks = [arm.label for arm in self.arms], [item.name for item in self.network]
        changes = {}
        for name, given in way.changes.items():
            if name == "arms":
                changes[name] = many(text())(f"methods {way.label}: arms", given)
                for arm in changes[name]:
                    check_option(f"methods {way.label}: arms", arm, labels)
                continue
            changes[name] = self.declared()[name].metadata["read"](name, given)
            for item in changes[name] if name == "network" else ():
                check_option(f"methods {way.label}: network", item.name, networks)
        settled = replace(way, changes=changes)
        self._of(settled)
        return settled

    def _of(self, way: Way) -> Recipe:
        own = dict(way.changes)
        if "arms" in own:
            named = {*own["arms"], *self._judging(own["arms"])}
            own["arms"] = tuple(arm for arm in self.arms if arm.label in named)
        search = self.search
        if search is not None and "network" in own:
            names = tuple(item.name for item in own["network"] if item.name in (search.networks or ()))
            space = {name: search.space[name] for name in names if name in search.space}
            search = replace(search, networks=names, space=space) if names else None
        return replace(self, **own, methods=(), search=search, preregistration=None)

    def _judging(self, labels: Iterable[str]) -> set[str]:
        """Return the arms by which some transfers are judged: own donors, and shams of what stays still."""
        found, frozen = contests(self.arms, self.compare.against), {a.label for a in self.arms if a.frozen}
        mine = [(label, found[label]) for label in labels if label in found]
        donors = {contest.positive_control for _, contest in mine} - {None}
        shams = {sham for label, one in mine if label in frozen for sham in (one.against, *one.controls)}
        return {*map(str, donors), *shams}

    @cached_property
    def sides(self) -> dict[str, Section]:
        """Every data section by name."""
        both = {m: getattr(self, m) for m in MODALITIES if getattr(self, m) is not None}
        return both | dict(self.sets)

    @cached_property
    def variants(self) -> dict[str, Recipe]:
        """The ways to transfer that are compared, by label: the recipe itself (""), and all ``methods``."""
        return {"": self} | {way.label: self._of(way) for way in self.methods}

    def searches(self, network: str) -> bool:
        """Whether the topology of a network is searched for."""
        return self.search is not None and network in (self.search.networks or ())

    def with_values(self, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe with some values set by path, such as ``{"align.k": 8}``."""
        by_head: dict[str, dict[str, Any]] = {}
        for path, value in values.items():
            head, _, last = path.partition(".")
            by_head.setdefault(head, {})[last] = value
        changed: dict[str, Any] = {}
        for head, own in by_head.items():
            now = getattr(self, head)
            if head == "network":
                changed[head] = (now[0].changed(own), *now[1:])
            else:
                changed[head] = now.changed(own) if isinstance(now, Spec) else {**now.plain(), **own}
        return replace(self, **changed)

    def plain(self, *names: str) -> dict[str, Any]:
        """Return some keys, or all, in lists and dicts as YAML writes them."""
        out: dict[str, Any] = {}
        for name in names or self.declared():
            value = getattr(self, name)
            if name in MODALITIES and value is None:
                continue
            out[name] = plain(value)
            if name == "arms":
                out[name] = [plain(arm.spec) for arm in value]
            elif name == "sets":
                out[name] = {k: {"modality": s.modality, **s.plain()} for k, s in value.items()}
        return out

    @cached_property
    def uid(self) -> str:
        """Hash of everything that can change a number: the canonical form without its descriptive keys."""
        return digest(self.essence)

    @cached_property
    def essence(self) -> dict[str, Any]:
        """What can change a number, see :func:`recipe_essence`."""
        return recipe_essence(self.plain())

    def __getitem__(self, name: str) -> Any:
        return self.to_dict()[name]

    def __contains__(self, name: object) -> bool:
        return name in self.plain()

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain())

    def to_dict(self) -> dict[str, Any]:
        """Return every key as YAML writes it."""
        return copy.deepcopy(self.plain())

    def __repr__(self) -> str:
        return one_line(f"Recipe {self.uid}: {self.title!r}")

    def _repr_html_(self) -> str:
        return html_table({k: json.dumps(v, ensure_ascii=False) for k, v in self.plain().items()})


def recipe_essence(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a recipe, resolved and in plain values, can change a number."""
    found = {name: value for name, value in written.items() if name not in DESCRIPTIVE}
    for name in MODALITIES:
        if isinstance(found.get(name), Mapping):
            found[name] = essence(found[name])
    for name in ("sets", "same_modality"):
        given = found.get(name)
        if isinstance(given, Mapping):
            found[name] = {
                k: essence(v) if isinstance(v, Mapping) and "data" in v else v for k, v in given.items()
            }
    return found


def digest(value: Any) -> str:
    """Short hash of the canonical JSON form of ``value``."""
    text_ = json.dumps(plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text_.encode()).hexdigest()[:16]
