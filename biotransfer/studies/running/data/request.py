"""What side is asked for, and the address of each of its stages by what that depends on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any, NamedTuple

from .... import __version__
from ....evidence.baselines import Nuisance
from ....files import Stamp
from ....settings import Spec
from ....signals.datasets import DATASETS, data_files
from ....signals.quality import read_decisions
from ...recipe import digest
from ...recipe.sides import Section
from ..cache import (
    cache_folder,
    file_hashes,
    find_entry,
)
from ..code import code_uid
from ..methods import method_sources

MADE_BY: Mapping[str, tuple[str, ...]] = {
    "recordings": (
        "signals/amplitude",
        "signals/plain",
        "signals/recording",
        "signals/simulate",
        "signals/datasets",
        "signals/electrodes",
        "signals/mains",
        "signals/preprocessing",
        "signals/windows/trend",
        "signals/quality",
        "signals/spectra",
        "studies/running/accounting",
        "studies/running/data",
        "studies/running/glance",
    ),
    "signals": (
        "signals/account",
        "signals/spectra",
        "signals/splits/prints",
        "signals/windows",
        "studies/running/accounting",
        "studies/running/describe",
    ),
    "features": ("signals/features", "signals/spectra"),
    "nuisance": ("evidence/baselines/nuisance", "signals/spectra"),
}
"""The code that makes each stage out of what it is made from."""


_LIBRARIES = ("autoreject", "mne", "mne-icalabel", "numpy", "pandas", "scipy")


class Request(NamedTuple):
    """A side that is asked for.

    Parameters
    ----------
    section : Section
        Of a recipe.
    features : Spec, tuple of Spec or None
        The feature set.
    data_dir : str or None
        Folder of data sets.
    smoke : int
        How many people to keep; 0 for all of them.
    download : bool
        Whether missing data may be fetched.
    nuisance : Nuisance or None
        Of the recipe, for a side that is tested on.
    """

    section: Section
    features: Spec | tuple[Spec, ...] | None
    data_dir: str | None = None
    smoke: int = 0
    download: bool = True
    nuisance: Nuisance | None = None


class Place(NamedTuple):
    """Where a side is stored: what was asked for, the key of every stage, the cache's folder, its content.

    ``stamps``, by stage, tell files that were proven from changed ones, see :func:`stamps_of`; ``known_as``
    holds the digests of another machine that made the same data, see :mod:`.sameness`.
    """

    request: Request
    keys: Mapping[str, str]
    root: str
    digest: str = ""
    stamps: Mapping[str, Mapping[str, Stamp]] = {}
    known_as: Mapping[str, str] = {}

    def names_for(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """Return the digests that stand in for those of ``about``."""
        names: dict[str, Any] = {k: v for k, v in self.known_as.items() if k != "nuisance"}
        if "nuisance" in self.known_as and about.get("nuisance"):
            names["nuisance"] = {**about["nuisance"], "digest": self.known_as["nuisance"]}
        return names


def is_stored(request: Request) -> bool:
    """Whether all stages of a side are there, its files too; for an empty cache none of them is hashed."""
    found = _files(request)
    if not (cache_folder() / "signals").is_dir():
        return False
    keys = stage_keys(request, None if found is None else _hashes(request, *found))
    return all(find_entry(kind, key) is not None for kind, key in keys.items() if kind != "recordings")


def file_bytes(request: Request) -> int:
    """Return the size of the files that a side is made from; 0 where a data set does not name them."""
    found = _files(request)
    return 0 if found is None else sum(path.stat().st_size for path in found[1])


def hashes_of_files(request: Request) -> dict[str, str] | None:
    """Return the hashes of the files that the recordings depend on; None where a data set does not say."""
    found = _files(request)
    return None if found is None else _hashes(request, *found)


def _hashes(request: Request, folder: Path, files: list[Path]) -> dict[str, str]:
    """Return the hashes of files; of others in one's own folder the names, since the account holds them."""
    hashes = file_hashes(files, folder)
    if not DATASETS[request.section.data.name].facts["paths"]:
        return hashes
    beside = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    named = {path.as_posix() for path in beside if not path.name.startswith(".")}
    return {**dict.fromkeys(sorted(named - set(hashes)), ""), **hashes}


def _files(request: Request) -> tuple[Path, list[Path]] | None:
    """Return the folder and the files that the recordings depend on, downloaded where they were missing."""
    data = request.section.data
    return data_files(data.name, data_dir=request.data_dir, download=request.download, **data.parameters)


def stage_keys(request: Request, files: Mapping[str, str] | None) -> dict[str, str]:
    """Return the address of every stage by what it depends on: recipe keys, file hashes, code, versions."""
    section = request.section
    depends = {name: value for name, value in section.essence().items() if name != "windows"}
    unique = os.urandom(8).hex() if files is None else ""
    decided = () if section.decisions is None else read_decisions(section.decisions)
    code = {stage: code_uid(rooms, _LIBRARIES) for stage, rooms in MADE_BY.items()}
    made = [code["recordings"], method_sources(depends)]
    given = [dict(files or {}), unique, [astuple(decision) for decision in decided]]
    recordings = digest([__version__, made, depends, request.smoke, *given])
    signals = digest([recordings, code["signals"], section.modality, section.windows])
    keys = {"signals": signals} if section.gives_windows else {"recordings": recordings, "signals": signals}
    if request.features is not None:
        made = [code["features"], method_sources(request.features)]
        keys["features"] = digest([signals, made, request.features])
    if request.nuisance is not None:
        asked = [request.nuisance.families, request.nuisance.line]
        keys["nuisance"] = digest([signals, [code["nuisance"], method_sources(asked)], asked])
    return keys
