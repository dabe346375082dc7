"""From a recipe's data section to windows, and what the report says about them.

Stages are kept in the cache, each by what it depends on: preprocessed recordings, windows, features, and what
should not carry the label, which is measured in the recordings as they were loaded.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ... import __version__
from ...errors import BiotransferError, DataNotFoundError, check
from ...evidence.baselines import Nuisance, measure_nuisance
from ...files import DamagedError, Stamp, read_json, write_json
from ...learning.networks import NETWORKS
from ...settings import Spec, plain
from ...signals.datasets import DATASETS, Loaded, data_files, load_dataset
from ...signals.features import extract_features
from ...signals.preprocessing import apply_steps, settle_steps
from ...signals.preprocessing.stored import read_notes, read_recordings, read_steps, write_recordings
from ...signals.quality import apply_decisions, read_decisions
from ...signals.recording import Recording, check_same_channels, check_same_classes
from ...signals.windows import Windows, WindowsWriter, concatenate, natural_sorted, open_windows
from ...signals.windows.cutting import check_cut, cut_recording, nothing_left
from ...signals.windows.disk import stamps_of
from ..recipe import Recipe, digest
from ..recipe.donors import AUTO, donors_asked, keeps_people, wants_proof
from ..recipe.sides import Section
from . import glance
from .accounting import Tally, keep_loaded, keep_people, read_account
from .cache import (
    CACHE_VARIABLE,
    cache_folder,
    drop_entry,
    file_hashes,
    find_entry,
    make_entries,
    prove_entry,
)
from .code import code_uid
from .describe import add_excerpts, describe, describe_data, describe_rows, with_words_of_files
from .given import FACTS, make_given
from .methods import method_sources

_MADE_BY: Mapping[str, tuple[str, ...]] = {
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
        "signals/windows",
        "studies/running/accounting",
        "studies/running/describe",
    ),
    "features": ("signals/features", "signals/spectra"),
    "nuisance": ("evidence/baselines/nuisance", "signals/spectra"),
}
"""The code that makes each stage out of what it is made from."""
_LIBRARIES = ("autoreject", "mne", "mne-icalabel", "numpy", "pandas", "scipy")
_ATTEMPTS = 3
_CHUNK_BYTES = 256 << 20
_SMOKE_PEOPLE = 3


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


@dataclass(frozen=True, eq=False)
class Side:
    """The windows of one modality, as signals and as features.

    Parameters
    ----------
    signals : Windows
        As cut, float32.
    features : Windows or None
        As extracted; None when the recipe names no features.
    about : dict
        For the report, see :func:`describe`.
    place : Place, optional
        Where it is stored. A side with a place is pickled as that: other processes map the same files.
    nuisance : Windows, optional
        What should not carry the label, measured in the same windows before preprocessing.
    account : mapping of str to DataFrame
        What became of every file and sample, by person and by file; empty where windows were given.
    """

    signals: Windows
    features: Windows | None
    about: Mapping[str, Any]
    place: Place | None = None
    nuisance: Windows | None = None
    account: Mapping[str, Any] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.place is None:
            return Side, (self.signals, self.features, self.about, None, self.nuisance, self.account)
        return _reopen, (self.place,)

    def uid(self, network: str) -> str:
        """Hash of what ``network`` takes: its content, and how features are extracted."""
        if NETWORKS[network].facts["takes"] == "signals":
            return str(self.about["digest"])
        return digest([self.about["features_digest"], self.about["features_spec"]])

    def windows(self, network: str) -> Windows:
        """Return what ``network`` takes, float32."""
        if NETWORKS[network].facts["takes"] == "signals":
            check(
                self.signals.is_signal,
                f"network {network!r} takes signals, but the windows of {self.about['dataset']!r} are "
                "features. Give the signals, or name a network that takes features: mlp.",
            )
            return self.signals
        if not self.signals.is_signal:
            return self.signals
        check(self.features is not None, f"network {network!r} takes features. Add features: statistical.")
        assert self.features is not None
        return self.features


def data_sections(recipe: Recipe) -> dict[str, Section]:
    """Return what a recipe loads, by the name of the side.

    Parameters
    ----------
    recipe : Recipe
        What to do.

    Returns
    -------
    dict of str to Section
        The sides that a direction names, and "same_modality NAME" for other data of that target's modality.
    """
    ends = {end for direction in recipe.directions for end in (direction.source, direction.target)}
    sections = {name: section for name, section in recipe.sides.items() if name in ends}
    others = {name: found for name, found in recipe.same_modality.items() if isinstance(found, Section)}
    return sections | {f"same_modality {name}": section for name, section in others.items()}


def smoke_people(recipe: Recipe, name: str) -> int:
    """Return how many people of a side the recipe keeps in its smoke form; 0 outside of it.

    Two of those that are kept aside as donors stay aside, where there are two: a person is held out of the
    source then, not a recording, of which some sets have one per class. Those who validate, and who are
    tested together, come on top; so does one where every arm gets its own schedule, validated on a person.
    """
    if not recipe.smoke:
        return 0
    asked = donors_asked(recipe, name)
    free = wants_proof(recipe, name) and any(keeps_people(rule) for rule in recipe.split)
    aside = free if asked == AUTO else isinstance(asked, int) and asked > 1
    more = max(r.parameters.get("validation", 0) + r.parameters.get("n", 1) for r in recipe.split)
    return _SMOKE_PEOPLE + (more if aside else 0) + bool(recipe.tune and recipe.tune.by_arm)


def is_stored(request: Request) -> bool:
    """Whether all stages of a side are there, its files too; for an empty cache none of them is hashed."""
    found = _files(request)
    if not (cache_folder() / "signals").is_dir():
        return False
    keys = _keys(request, None if found is None else _hashes(request, *found))
    return all(find_entry(kind, key) is not None for kind, key in keys.items() if kind != "recordings")


def file_bytes(request: Request) -> int:
    """Return the size of the files that a side is made from; 0 where a data set does not name them."""
    found = _files(request)
    return 0 if found is None else sum(path.stat().st_size for path in found[1])


def open_request(request: Request) -> Side:
    """Load, preprocess, window and featurise a side; what was done before is only opened."""
    files = _file_hashes(request)
    keys = _keys(request, files)
    for _ in range(_ATTEMPTS):
        try:
            _make(request, keys, files or {})
            return open_side(Place(request, keys, str(cache_folder())))
        except DamagedError as error:
            damage = error
            for kind, key in keys.items():
                drop_entry(cache_folder() / kind / key)
    raise BiotransferError(
        f"{damage}, though it was written a moment ago. Check the disk, or set {CACHE_VARIABLE} to "
        "another folder."
    ) from damage


def _file_hashes(request: Request) -> dict[str, str] | None:
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


def _keys(request: Request, files: Mapping[str, str] | None) -> dict[str, str]:
    """Return the address of every stage by what it depends on: recipe keys, file hashes, code, versions."""
    section = request.section
    depends = {name: value for name, value in section.essence().items() if name != "windows"}
    unique = os.urandom(8).hex() if files is None else ""
    decided = () if section.decisions is None else read_decisions(section.decisions)
    code = {stage: code_uid(rooms, _LIBRARIES) for stage, rooms in _MADE_BY.items()}
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


def _make(request: Request, keys: Mapping[str, str], files: Mapping[str, str]) -> None:
    """Make the stages that are not there, each out of the one before, some recordings at a time.

    What two stages are made from, the recordings as they are loaded, is loaded once and kept until then.
    """
    missing = {kind: key for kind, key in keys.items() if find_entry(kind, key) is None}
    if request.section.gives_windows:
        if missing:
            make_entries(
                missing, lambda places: make_given(request.section, request.features, places, request.smoke)
            )
        return
    wanted = {kind: key for kind, key in missing.items() if kind not in ("recordings", "nuisance")}
    loaded = Loaded()
    if "nuisance" in missing or (wanted and "recordings" in missing):
        loaded = load_recordings(
            request.section, request.data_dir, smoke=request.smoke, download=request.download
        )
    if wanted:
        own = copy(loaded)
        if "nuisance" not in missing:
            loaded.clear()
        _make_windows(request, keys, missing, wanted, files, own)
    if "nuisance" in missing:
        entry = {"nuisance": keys["nuisance"]}
        make_entries(entry, lambda places: _measure(request, keys["signals"], places["nuisance"], loaded))
        loaded.clear()
        return_freed_memory()


def _make_windows(
    request: Request,
    keys: Mapping[str, str],
    missing: Mapping[str, str],
    wanted: Mapping[str, str],
    files: Mapping[str, str],
    loaded: Loaded,
) -> None:
    """Make recordings, and out of them windows and features, as far as they are not there."""
    if "recordings" in missing:
        entry = {"recordings": keys["recordings"]}
        make_entries(entry, lambda places: _record(request, places["recordings"], loaded))
        return_freed_memory()
    stored = find_entry("recordings", keys["recordings"])
    if stored is None:
        raise DamagedError(f"recordings/{keys['recordings']} is gone")
    prove_entry(stored)
    make_entries(wanted, lambda places: _cut(request, stored, places, files))
    return_freed_memory()


def _record(request: Request, folder: Path, loaded: Loaded) -> None:
    """Preprocess and store recordings, taking each from ``loaded``, and what they were like before."""
    decided = request.section.decisions
    said = [] if decided is None else [str(decision) for decision in read_decisions(decided)]
    write_json(folder / glance.FILE, {**glance.glance(loaded), "decisions": said})
    keep_loaded(loaded, folder)
    steps = settle_steps(loaded, request.section.preprocess)
    loaded.reverse()
    write_recordings((apply_steps(loaded.pop(), steps) for _ in range(len(loaded))), folder, steps)


def _cut(request: Request, stored: Path, places: Mapping[str, Path], files: Mapping[str, str]) -> None:
    """Cut windows and extract features, some recordings at a time, and describe them."""
    cutting = request.section.windows
    features = request.features if "features" in places else None
    precision = "float64" if request.features is not None else "float32"
    writers = {kind: WindowsWriter(place) for kind, place in places.items()}
    first: list[Recording] = []
    excerpts: dict[str, Any] = {}
    tally = Tally(cutting)
    pending: list[Windows] = []
    waiting = 0

    def flush() -> None:
        if not pending:
            return
        part = concatenate(pending)
        pending.clear()
        if "signals" in writers:
            writers["signals"].append(part)
        if features is not None:
            writers["features"].append(extract_features(part, features))

    for recording in _read(stored):
        first = first or [recording]
        check_same_classes([first[0], recording])
        check_same_channels([first[0], recording])
        add_excerpts(excerpts, recording)
        part = cut_recording(recording, cutting, precision)
        tally.add(recording, part)
        if part is not None:
            pending.append(part)
            waiting += part.X.nbytes
            if waiting > _CHUNK_BYTES:
                flush()
                waiting = 0
    flush()
    if "signals" in writers:
        if not writers["signals"].n_windows:
            raise nothing_left(read_recordings(stored), first[0].classes, cutting)
        signals = writers["signals"].close()
        check_cut(signals, read_recordings(stored), cutting)
        about = describe(request.section, signals, read_notes(stored), excerpts, read_steps(stored))
        about |= read_json(stored / glance.FILE)
        about["findings"] = glance.worst_first(about["findings"] + tally.close(stored, places["signals"]))
        if DATASETS[request.section.data.name].facts["sources"]:
            about["files"] = {name: files[name] for name in about.pop("source_files") if name in files}
        write_json(places["signals"] / FACTS, about)
    if features is not None:
        extracted = writers["features"].close()
        about = {**describe_rows(extracted, features=True), "features_digest": extracted.digest()}
        write_json(places["features"] / FACTS, about)


def _measure(request: Request, signals: str, folder: Path, loaded: list[Recording]) -> None:
    """Measure what should not carry the label in the recordings as they are loaded."""
    assert request.nuisance is not None
    stored = find_entry("signals", signals)
    if stored is None:
        raise DamagedError(f"signals/{signals} is gone")
    try:
        signals_there = open_windows(stored)
    except BiotransferError as error:
        raise DamagedError(str(error)) from error
    measured, about = measure_nuisance(
        loaded,
        signals_there,
        windows=request.section.windows,
        families=request.nuisance.families,
        line=request.nuisance.line or _stated_line(loaded),
    )
    about["digest"] = measured.digest()
    writer = WindowsWriter(folder)
    writer.append(measured)
    writer.close()
    write_json(folder / FACTS, {"nuisance": about})


def _stated_line(loaded: list[Recording]) -> float | None:
    """Return the mains frequency that all recordings state, as the recipe told them; None where none is."""
    stated = {recording.raw.info["line_freq"] for recording in loaded}
    return float(one) if len(stated) == 1 and (one := stated.pop()) else None


def _read(stored: Path) -> Iterator[Recording]:
    try:
        yield from read_recordings(stored)
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise DamagedError(f"{stored}: {error}") from error


def open_side(place: Place) -> Side:
    """Open what :func:`open_request` made: arrays are mapped, not read.

    Raises
    ------
    DamagedError
        When it is not there any more, or not whole.
    """
    request, keys, root = place.request, place.keys, Path(place.root)
    folders = {kind: find_entry(kind, key, root=root) for kind, key in keys.items() if kind != "recordings"}
    opened: dict[str, Windows] = {}
    stamps: dict[str, Mapping[str, Stamp]] = {}
    about: dict[str, Any] = describe_data(request.section)
    try:
        for kind, folder in folders.items():
            if folder is None:
                raise DamagedError(f"{kind}/{keys[kind]} is not in {root}")
            prove_entry(folder)
            opened[kind] = open_windows(folder, stamps=place.stamps.get(kind))
            stamps[kind] = stamps_of(folder)
            about |= read_json(folder / FACTS)
    except (BiotransferError, OSError) as error:
        raise DamagedError(str(error)) from error
    about = with_words_of_files(request.section, about, about.pop("words_of_files", {}))
    about["features_spec"] = plain(request.features)
    about |= place.names_for(about)
    place = place._replace(digest=about["digest"], stamps=stamps)
    signals = folders["signals"]
    account = read_account(signals) if signals is not None else {}
    return Side(opened["signals"], opened.get("features"), about, place, opened.get("nuisance"), account)


_opened: dict[str, Side] = {}


def _reopen(place: Place) -> Side:
    """Return the side stored at ``place``, opened once in this process."""
    key = digest([dict(place.keys), place.root, dict(place.known_as)])
    if key not in _opened:
        _opened[key] = open_side(place)
    return _opened[key]


def find_side(place: Place) -> Side:
    """Return a side that another machine stored: from the same folder, this machine's cache, or its data.

    Raises
    ------
    DataNotFoundError
        When this machine has none of these, or other data under the same name.
    """
    try:
        return _reopen(place)
    except DamagedError:
        request = place.request
    here = request.data_dir if request.data_dir and Path(request.data_dir).is_dir() else None
    side = open_request(request._replace(data_dir=here, download=False))
    made_alike = side.place is not None and dict(side.place.keys) == dict(place.keys)
    if side.about["digest"] != place.digest and not made_alike:
        raise DataNotFoundError(
            f"{request.section.data.name!r}: this machine has other data ({side.about['digest']}, expected "
            f"{place.digest}). Give it the same files."
        )
    return side


def return_freed_memory() -> None:
    """Hand freed memory back to the system, where the C library keeps it (glibc): recordings are large."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def load_recordings(
    section: Section,
    data_dir: str | Path | None = None,
    *,
    smoke: int = 0,
    download: bool = True,
) -> Loaded:
    """Load the recordings of a data section."""
    recordings = load_dataset(
        section.data.name, data_dir=data_dir, download=download, **section.data.parameters
    )
    for recording in recordings if section.line_freq else ():
        recording.raw.info["line_freq"] = section.line_freq
    if section.decisions is not None:
        recordings, _ = apply_decisions(recordings, read_decisions(section.decisions))
    if smoke:
        people = natural_sorted({r.subject for r in recordings})[:smoke]
        recordings = keep_people(recordings, people)
    return recordings
