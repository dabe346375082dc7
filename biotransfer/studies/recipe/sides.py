"""The data of a recipe: sides by name, the directions between them, and who is kept aside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Self

from ...errors import check, check_option
from ...results import Direction
from ...settings import Settings, Spec, group, key, made, maybe, number, plain, text
from ...signals.datasets import DATASETS
from ...signals.preprocessing import resolve_steps
from ...signals.recording import MODALITIES
from ...signals.windows.cutting import Cutting

EVERY = "all"
_DESCRIPTIVE = ("name", "citation", "licence")
_NOTHING: tuple[Any, ...] = (None, "none", [], {})
_STATED = (*_DESCRIPTIVE, "line_freq", "decisions")
_NAME = re.compile(r"(?!.*-to-)[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class Section(Settings):
    """One side's data, how they are preprocessed, and how windows are cut.

    Parameters
    ----------
    data : Spec
        The data set with its parameters; the other keys of a recipe's section stand beside them.
    preprocess : sequence of mapping
        Every step with its parameters.
    windows : Cutting
        How windows are cut.
    modality : {"eeg", "emg"}
        What is recorded.
    name, citation, licence : str or None
        What the report calls the data, whom to cite and under what terms they may be used, where the data set
        does not say it, or says it of another version. They change no number.
    line_freq : float or None
        Frequency of the mains in Hz where they were recorded; None where the data set says it, or nothing.
    decisions : str or None
        Table of findings with what to do about them.
    """

    data: Spec = key(
        "The data set (see: biotransfer list datasets), with its parameters beside it.",
        made("the name of a data set"),
    )
    preprocess: Any = key(
        "A preset (eeg, emg, none), a mapping that changes one, or steps (see: biotransfer list preprocess); "
        "the modality's preset when left out.",
        made("a preset or steps"),
        None,
    )
    windows: Cutting = key("How windows are cut.", group(Cutting), Cutting())
    modality: Any = key("eeg or emg, where the data set does not say it.", made("eeg or emg"), None)
    name: str | None = key("What the report calls your own data.", maybe(text()), None)
    citation: str | None = key("Whom to cite for your own data.", maybe(text()), None)
    licence: str | None = key("Under what terms your own data may be used.", maybe(text()), None)
    line_freq: float | None = key(
        "Frequency of the mains where the data were recorded, in Hz; that of the data set, or the one found "
        "in the recordings, when left out.",
        maybe(number(above=0, unit="Hz")),
        None,
    )
    decisions: str | None = key(
        "Table of findings with what to do about each (keep, drop, interpolate, crop), as inspect --out "
        "writes it; done before anything else.",
        maybe(text()),
        None,
    )

    def agree(self) -> None:
        """Refuse what :meth:`of` has not made."""
        check(
            isinstance(self.data, Spec) and self.modality in MODALITIES,
            f"data={self.data!r} of modality {self.modality!r} is no section. Make it by Section.of.",
        )

    @classmethod
    def of(cls, where: str, modality: str, given: Any) -> Self:
        """Return the section that a recipe describes.

        Parameters
        ----------
        where : str
            Its key, for messages.
        modality : {"eeg", "emg"}
            What it has to be.
        given : mapping or Section
            As written.

        Raises
        ------
        BiotransferError
            For data of another modality, or keys and values that do not fit.
        """
        if isinstance(given, cls):
            check(given.modality == modality, f"{where}.modality={given.modality!r}. Expected {modality}.")
            return given
        check(
            isinstance(given, Mapping) and "data" in given,
            f"{where}={given!r} names no data. Write for example {where}: {{data: simulated}}. "
            "See: biotransfer list datasets",
        )
        check(
            given.get("modality", modality) == modality,
            f"{where}.modality={given.get('modality')!r}. Expected {modality}.",
        )
        parameters = {k: v for k, v in given.items() if k not in cls.declared()}
        takes = {p.name for p in DATASETS.find(given["data"], f"{where}.data").parameters}
        if "modality" in takes:
            parameters["modality"] = modality
        if "line_freq" in takes:
            parameters["line_freq"] = given.get("line_freq")
        entry, parameters = DATASETS.resolve({"name": given["data"], **parameters})
        declared = entry.facts.get("modality")
        check(
            declared in (modality, None, "any"),
            f"{where}: data {entry.name!r} is {declared}. Move it to {declared}:, or choose another data "
            "set.",
        )
        preprocessing = modality if given.get("preprocess") is None else given["preprocess"]
        if entry.facts["gives"] == "windows":
            worked = [name for name in ("preprocess", "windows") if given.get(name) not in _NOTHING]
            said = " and ".join(worked)
            check(
                not worked,
                f"{where}: data {entry.name!r} are cut already: {said} would do nothing. Leave {said} out.",
            )
            preprocessing = "none"
        return cls(
            Spec(entry.name, parameters),
            resolve_steps(preprocessing),
            Cutting.read(given.get("windows", {}), where),
            modality,
            **{key_: given.get(key_) for key_ in _STATED},
        )

    @property
    def gives_windows(self) -> bool:
        """Whether the data are windows that were cut already."""
        return bool(DATASETS[self.data.name].facts["gives"] == "windows")

    def _worked(self) -> dict[str, Any]:
        """Return what is done to recordings, as a recipe writes it; nothing where windows are given."""
        if self.gives_windows:
            return {}
        return {"preprocess": plain(self.preprocess), "windows": self.windows.plain()}

    @property
    def title(self) -> str:
        """What to call the data: their name, that of their folder, or that of the data set."""
        inner = str(self.data.parameters.get("dataset") or self.data.name)
        return self.name or next((Path(path).name for path in self._paths), inner)

    @property
    def origin(self) -> tuple[str, ...]:
        """What tells one source of people from another: the data set, with its folder or its seed."""
        inner = (str(self.data.parameters.get(key_)) for key_ in ("dataset", "seed"))
        return (self.modality, self.data.name, *self._paths, *inner)

    @property
    def _paths(self) -> list[str]:
        asked = DATASETS[self.data.name].facts["paths"]
        return [str(self.data.parameters[key_]) for key_ in asked if self.data.parameters.get(key_)]

    def essence(self) -> dict[str, Any]:
        """Return what of the section can change a number, see :func:`essence`."""
        return essence(self.plain())

    def plain(self) -> dict[str, Any]:
        """Return the section as a recipe writes it."""
        return {
            "data": self.data.name,
            **self.data.parameters,
            **self._worked(),
            **{key_: getattr(self, key_) for key_ in _STATED if getattr(self, key_) is not None},
        }


def essence(section: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a section, as a recipe writes it, can change a number.

    Names and citations do not, nor where a folder lies: of a path the last part stays, and its files count.
    """
    asked = DATASETS[section["data"]].facts["paths"] if section.get("data") in DATASETS else ()
    return {
        key_: Path(str(value)).name if key_ in (*asked, "decisions") and value else value
        for key_, value in section.items()
        if key_ not in _DESCRIPTIVE
    }


def put_data(raw: dict[str, Any], data: Mapping[str, Mapping[str, Any]]) -> None:
    """Give sides of a recipe, as written, other data: parameters of those that they had go, other keys stay.

    Parameters
    ----------
    raw : dict
        A recipe as written; changed in place. ``eeg`` and ``emg`` may be missing, other sides stand in
        ``sets``.
    data : mapping of str to mapping
        By the name of a side, the keys of a data section.

    Raises
    ------
    BiotransferError
        For a side that the recipe does not have.
    """
    sets = raw["sets"] if isinstance(raw.get("sets"), dict) else {}
    for name, given in data.items():
        check_option("recordings or windows", name, [*MODALITIES, *sets])
        where = sets if name in sets else raw
        old = where[name] if isinstance(where.get(name), Mapping) else {}
        kept = {key_: old[key_] for key_ in old if key_ in Section.declared()}
        if DATASETS[given["data"]].facts["gives"] == "windows":
            kept = {key_: kept[key_] for key_ in kept if key_ not in ("preprocess", "windows")}
        where[name] = {**given, **{key_: kept[key_] for key_ in kept if key_ not in ("data", "modality")}}


def read_sets(where: str, given: Any) -> dict[str, Section]:
    """Return further data by name, each of a stated modality.

    Raises
    ------
    BiotransferError
        For a name that cannot stand in a direction, or a section that names no data of its modality.
    """
    given = {} if given is None else given
    check(
        isinstance(given, Mapping), f"{where}={given!r} is no mapping. Write sets: {{NAME: {{data: ...}}}}."
    )
    for name in given:
        check(
            isinstance(name, str) and _NAME.fullmatch(name) and name not in (EVERY, *MODALITIES),
            f"{where}: {name!r} is no name for data. Use letters, digits, - and _, such as muse; not "
            f"{', '.join((EVERY, *MODALITIES))}, not -to-.",
        )
    return {
        name: Section.of(f"{where}.{name}", _modality(f"{where}.{name}", section), section)
        for name, section in given.items()
    }


def _modality(where: str, section: Any) -> str:
    """Return the modality that a set states, or else that of its data set."""
    if isinstance(section, Section):
        return section.modality
    check(
        isinstance(section, Mapping) and "data" in section,
        f"{where}={section!r} names no data. Write {where}: {{data: simulated, modality: eeg}}. "
        "See: biotransfer list datasets",
    )
    modality = section.get("modality", DATASETS[section["data"]].facts.get("modality"))
    check(
        modality in MODALITIES,
        f"{where}.modality={section.get('modality')!r}. Expected {' or '.join(MODALITIES)}.",
    )
    return str(modality)


def read_directions(given: Any, names: Sequence[str]) -> tuple[Direction, ...]:
    """Return the directions; ``all`` at an end stands for every side, ``all`` alone for every pair.

    Parameters
    ----------
    given : str or sequence of str or Direction
        As written.
    names : sequence of str
        The sides.

    Raises
    ------
    BiotransferError
        For an unknown end, or a direction that is named twice.

    Examples
    --------
    >>> [str(d) for d in read_directions("all->muse", ["muse", "myo"])]
    ['muse->muse', 'myo->muse']
    """
    written = [given] if isinstance(given, str) else given
    check(
        isinstance(written, (list, tuple)) and written and len({str(d) for d in written}) == len(written),
        f"directions={given!r}: each at most once, at least one.",
    )
    known = {str(d): d for d in (Direction(*ends) for ends in product([*names, EVERY], repeat=2))}
    out: dict[Direction, None] = {}
    for item in written:
        pair = (
            Direction(EVERY, EVERY) if item == EVERY else known[check_option("directions", str(item), known)]
        )
        ends = [list(names) if end == EVERY else [end] for end in (pair.source, pair.target)]
        out |= dict.fromkeys(Direction(*both) for both in product(*ends))
    return tuple(out)
