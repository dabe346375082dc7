"""Recordings and windows that are given in Python: kept by their content, then data like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BiotransferError, a_kind, check, one_or_many
from ...files import DamagedError, write_json
from ...signals.datasets.loaded import seen_files
from ...signals.datasets.saved import content_uid, write_recordings
from ...signals.datasets.saved_windows import load_windows
from ...signals.features import extract_features
from ...signals.quality import group_findings
from ...signals.quality.windows import windows_findings
from ...signals.recording import FROM_RAWS, Recording, check_same_classes
from ...signals.splits.prints import fingerprint, write_prints
from ...signals.windows import Windows, open_windows, write_windows
from ...signals.windows.checking import check_content
from ..recipe import digest
from ..recipe.sides import Section
from .cache import cache_folder, drop_entry, find_entry, make_entries, prove_entry
from .describe import describe_rows, describe_windows
from .glance import plain_group, worst_first

KIND = "given"
FACTS = "facts.json"
_CHUNK = 8192


def keep_given(
    recordings: Mapping[str, Recording | Sequence[Recording]] | None, windows: Mapping[str, Windows] | None
) -> dict[str, dict[str, Any]]:
    """Keep what is given in Python in the cache, and return the data sections that name it.

    Parameters
    ----------
    recordings : mapping of str to sequence of Recording, optional
        By the name of a recipe's side.
    windows : mapping of str to Windows, optional
        Likewise.

    Raises
    ------
    BiotransferError
        When a side is given twice, or is neither recordings nor windows.
    """
    sections: dict[str, dict[str, Any]] = {}
    for argument, given in (("recordings", recordings), ("windows", windows)):
        check(
            given is None or isinstance(given, Mapping),
            f"{argument} is {a_kind(given)}. Expected a dict by side. Write {argument}="
            "{'eeg': ..., 'emg': ...}.",
        )
        for name, data in (given or {}).items():
            check(
                name not in sections,
                f"windows[{name!r}] and recordings[{name!r}] are both given. Leave one out.",
            )
            kept = _keep_recordings(name, data) if argument == "recordings" else _keep_windows(name, data)
            sections[str(name)] = kept
    return sections


def _keep_recordings(name: str, data: Any) -> dict[str, Any]:
    found = one_or_many(f"recordings[{name!r}]", data, Recording, FROM_RAWS)
    check_same_classes(found)
    seen = () if isinstance(data, Recording) else seen_files(data)
    unused = [file for file in seen if not file.used]
    uid = digest([content_uid(found), [astuple(file) for file in unused]]) if unused else content_uid(found)
    place = _kept(uid, lambda folder: write_recordings(found, folder, unused))
    return {
        "data": "saved",
        "path": str(place),
        "modality": found[0].modality,
        "name": found[0].dataset,
    }


def _keep_windows(name: str, data: Any) -> dict[str, Any]:
    check(
        isinstance(data, Windows) and len(data) > 0,
        f"windows[{name!r}] is {data!r}. Expected Windows. Make them with cut_windows, from_epochs or "
        "extract_features.",
    )
    check_content(data, f"windows[{name!r}]")

    place = _kept(data.digest(), lambda folder: write_windows(folder, [data]), open_windows)
    dataset = str(data.metadata["dataset"].iloc[0])
    return {"data": "windows", "path": str(place), "modality": data.modality, "name": dataset}


def _kept(uid: str, write: Any, read: Any = None) -> Path:
    """Return the folder of some content, written where it is not there as it was written."""
    there = find_entry(KIND, uid)
    try:
        if there is not None:
            prove_entry(there)
            if read:
                read(there)
            return there
    except (BiotransferError, DamagedError):
        drop_entry(cache_folder() / KIND / uid)
    return make_entries({KIND: uid}, lambda places: write(places[KIND]))[KIND]


def make_given(section: Section, features: Any, places: Mapping[str, Path], smoke: int = 0) -> None:
    """Write the stages of a side whose windows are given: signals, and features of them.

    Raises
    ------
    BiotransferError
        When features of features are asked for.
    """
    windows = load_windows(None, **section.data.parameters)
    check(
        windows.is_signal or features is None,
        f"windows of {section.title!r} are features ({windows.history[-1] if windows.history else '?'}), of "
        "which no features can be made. Give the signals, or leave features out of the recipe.",
    )
    if smoke:
        windows = windows.take(windows.metadata["subject"].isin(windows.subjects[:smoke]).to_numpy())
    check_content(windows, f"windows of {section.title!r}")
    rows = np.arange(len(windows))
    chunks = [windows.take(rows[i : i + _CHUNK]) for i in range(0, len(rows), _CHUNK)]
    if "signals" in places:
        given = write_windows(places["signals"], chunks)
        found = [plain_group(group) for group in group_findings(list(windows_findings(given)))]
        about = {**describe_windows(section, given), "findings": worst_first(found)}
        write_json(places["signals"] / FACTS, about)
        write_prints(places["signals"], fingerprint(given) if given.is_signal else [])
    if "features" in places:
        extracted = write_windows(places["features"], (extract_features(part, features) for part in chunks))
        about = {**describe_rows(extracted, features=True), "features_digest": extracted.digest()}
        write_json(places["features"] / FACTS, about)
