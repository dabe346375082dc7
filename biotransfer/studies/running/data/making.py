"""The stages of a side: recordings, windows, features, and what should not carry the label."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from typing import Any

from ....errors import BiotransferError
from ....evidence.baselines import measure_nuisance
from ....files import DamagedError, read_json, write_json
from ....signals.datasets import DATASETS, Loaded
from ....signals.features import extract_features
from ....signals.preprocessing import apply_steps, settle_steps
from ....signals.preprocessing.stored import read_notes, read_recordings, read_steps, write_recordings
from ....signals.quality import read_decisions
from ....signals.recording import Recording, check_same_channels, check_same_classes
from ....signals.splits.prints import Print, fingerprint, write_prints
from ....signals.windows import Windows, WindowsWriter, concatenate, open_windows, write_windows
from ....signals.windows.cutting import check_cut, cut_recording, nothing_left
from ..accounting import Tally, keep_loaded
from ..cache import (
    find_entry,
    make_entries,
    prove_entry,
)
from ..describe import add_excerpts, describe, describe_rows
from ..given import FACTS, make_given
from ..glance import FILE, glance, worst_first
from .recordings import load_recordings
from .request import Request

_CHUNK_BYTES = 256 << 20


def make_stages(request: Request, keys: Mapping[str, str], files: Mapping[str, str]) -> None:
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
    write_json(folder / FILE, {**glance(loaded), "decisions": said})
    keep_loaded(loaded, folder)
    steps = settle_steps(loaded, request.section.preprocess)
    loaded.reverse()
    write_recordings((apply_steps(loaded.pop(), steps) for _ in range(len(loaded))), folder, steps)


def _cut(request: Request, stored: Path, places: Mapping[str, Path], files: Mapping[str, str]) -> None:
    """Cut windows and extract features, some recordings at a time, and describe them."""
    with ExitStack() as stack:
        writers = {kind: stack.enter_context(WindowsWriter(place)) for kind, place in places.items()}
        _cut_into(request, stored, places, files, writers)


def _cut_into(
    request: Request,
    stored: Path,
    places: Mapping[str, Path],
    files: Mapping[str, str],
    writers: Mapping[str, WindowsWriter],
) -> None:
    cutting = request.section.windows
    features = request.features if "features" in places else None
    precision = "float64" if request.features is not None else "float32"
    first: list[Recording] = []
    excerpts: dict[str, Any] = {}
    tally = Tally(cutting)
    prints: list[Print] = []
    pending: list[Windows] = []
    waiting = 0

    def flush() -> None:
        if not pending:
            return
        part = concatenate(pending)
        pending.clear()
        if "signals" in writers:
            writers["signals"].append(part)
            prints.extend(fingerprint(part))
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
        about |= read_json(stored / FILE)
        about["findings"] = worst_first(about["findings"] + tally.close(stored, places["signals"]))
        if DATASETS[request.section.data.name].facts["sources"]:
            about["files"] = {name: files[name] for name in about.pop("source_files") if name in files}
        write_json(places["signals"] / FACTS, about)
        write_prints(places["signals"], prints)
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
    write_windows(folder, [measured])
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


def return_freed_memory() -> None:
    """Hand freed memory back to the system, where the C library keeps it (glibc): recordings are large."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
