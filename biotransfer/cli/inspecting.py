"""The command that says what is wrong with recordings, wherever they are."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import BiotransferError, check, did_you_mean
from ..files import shipped_recipes, write_atomically
from ..signals.account import account_tables, say_account, show_people
from ..signals.datasets import DATASETS, Loaded, from_folder, from_raws, load_dataset
from ..signals.datasets.download import holds_files
from ..signals.datasets.own.guessing import guess_folder
from ..signals.datasets.raw_files import read_raw
from ..signals.quality import Finding, findings_table, group_findings, inspect_recordings
from ..signals.quality.finding import SEVERITIES, note
from ..signals.recording import label_names
from ..signals.windows.cutting import Cutting
from ..studies.recipe import load_recipe
from ..studies.recipe.reading import override
from ..studies.running.data import data_sections, load_recordings
from .telling import Teller

_RECIPES = (".yaml", ".yml")
_MOST_PEOPLE = 8


def inspect(arguments: argparse.Namespace, teller: Teller) -> int:
    """Say what is wrong with a data set, a file, a folder, or every side of a recipe."""
    out = None if arguments.out is None else Path(arguments.out)
    check(
        out is None or out.parent.is_dir(),
        f"--out {str(out)!r}: the folder {str(out and out.parent)!r} does not exist. Make it first.",
    )
    found: list[Finding] = []
    sides: list[dict[str, Any]] = []
    for title, recordings, known in _targets(arguments.what, arguments.data, arguments.set):
        findings = [*(note("known", "", text) for text in known), *inspect_recordings(recordings)]
        people = len({r.subject for r in recordings})
        teller.answer(f"{title}: {len(recordings)} recordings of {people} people, {len(findings)} findings")
        lines = _account_lines(recordings, arguments.all)
        teller.answer(*lines)
        ranked = sorted(findings, key=_weight)
        teller.answer(*(f"  {one}" for one in (ranked if arguments.all else group_findings(findings))))
        sides.append(
            {
                "what": title,
                "recordings": len(recordings),
                "people": people,
                "account": [line.strip() for line in lines],
                "findings": [asdict(finding) for finding in ranked],
            }
        )
        found += findings
    teller.plain(sides)
    if out is not None:
        table = findings_table(found)
        write_atomically(out, lambda part: table.to_csv(part, index=False))
        teller.answer(
            f"{out}: {len(table)} rows. Change action (keep, drop, interpolate, crop), and name the file in "
            "the recipe's data section: decisions"
        )
    return 0


def _weight(finding: Finding) -> int:
    return -SEVERITIES.index(finding.severity)


def _account_lines(recordings: Loaded, whole: bool) -> list[str]:
    """Return where files and samples go when windows are cut as usual; where they cannot be, why not."""
    try:
        people, files = account_tables(recordings, None, Cutting())
    except BiotransferError as error:
        return [f"  no windows can be cut: {error}"]
    lines = [f"  {line}" for line in say_account(people, files)]
    if not whole and len(people) > _MOST_PEOPLE:
        return [*lines, f"  (--all shows a line for each of {len(people)} people)"]
    return [*lines, *(f"    {line}" for line in show_people(people).splitlines())]


def _targets(
    what: str, data_dir: str | None, settings: list[str]
) -> Iterator[tuple[str, Loaded, tuple[str, ...]]]:
    """Yield title, recordings and what is known of everything that ``what`` names."""
    keys: dict[str, Any] = {}
    for setting in settings:
        override(keys, setting)
    path = Path(what).expanduser()
    if what in DATASETS:
        yield what, _whole(what, data_dir, keys), _caveats(what)
    elif what in shipped_recipes() or (path.suffix in _RECIPES and path.is_file()):
        for name, section in data_sections(load_recipe(what, settings)).items():
            yield f"{name} ({section.title})", load_recordings(section, data_dir), _caveats(section.data.name)
    else:
        check(
            path.exists(),
            f"{what!r} is no data set, file or folder.{did_you_mean(what, DATASETS)} Data sets: "
            f"{', '.join(DATASETS)}. Recipes: {', '.join(shipped_recipes())}.",
        )
        yield from _folder(path, keys) if path.is_dir() else _file(path, keys)


def _caveats(name: str) -> tuple[str, ...]:
    return tuple(DATASETS[name].facts["caveats"])


def _whole(name: str, data_dir: str | Path | None, keys: dict[str, Any]) -> Loaded:
    """Load all of a data set, where its loader leaves some of it out unless it is asked."""
    return load_dataset(name, data_dir=data_dir, **{**DATASETS[name].facts["whole"], **keys})


def _holder(folder: Path) -> str | None:
    """Return the data set whose files a folder holds."""
    named = [name for name, entry in DATASETS.items() if entry.facts["sources"]]
    return next((name for name in named if holds_files(name, folder)), None)


def _folder(folder: Path, keys: dict[str, Any]) -> Iterator[tuple[str, Loaded, tuple[str, ...]]]:
    """Read a folder as it is said to be, as the data set that it holds, or as it looks."""
    name = None if keys else _holder(folder)
    if name is not None:
        yield f"{folder} ({name})", _whole(name, folder, {}), _caveats(name)
        return
    try:
        guess = {"path": str(folder)} if "pattern" in keys else guess_folder(folder)
        recordings = from_folder(**{**guess, **keys})
    except BiotransferError as error:
        files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _ENDINGS)
        if keys or not files:
            raise BiotransferError(
                f"{error} Say what the folder holds, as for data: folder: --set unit=uV "
                "--set pattern='{subject}/{run}.csv' ..."
            ) from error
        yield str(folder), _through_mne(files, folder.resolve().name), ()
        return
    guessed = ", ".join(f"{k}={v!r}" for k, v in guess.items() if k not in ("path", *keys))
    yield f"{folder}{f' (guessed: {guessed})' if guessed else ''}", recordings, ()


def _file(path: Path, keys: dict[str, Any]) -> Iterator[tuple[str, Loaded, tuple[str, ...]]]:
    name = None if keys else _holder(path.parent)
    reader = None if name is None else DATASETS[name].facts["read_file"]
    if reader is not None:
        yield f"{path} ({name})", Loaded([reader(path)]), ()
    elif keys:
        pattern = f"{{subject:{re.escape(path.stem)}}}{path.suffix}"
        yield str(path), from_folder(path.parent, **{"pattern": pattern, **keys}), ()
    else:
        yield str(path), _through_mne([path], path.name), ()


_ENDINGS = (".fif", ".edf", ".bdf", ".gdf", ".vhdr", ".set", ".cnt")
"""What a folder is searched for where nothing else is said."""


def _through_mne(files: list[Path], dataset: str) -> Loaded:
    """Read files that MNE knows, each as a person, with all of their annotations as classes."""
    recordings = []
    for file in files:
        try:
            raw, _ = read_raw(file)
        except BiotransferError as error:
            raise BiotransferError(
                f"{error} If it is of another format, say which, as for data: folder: --set "
                "format=text --set modality=emg --set sfreq=200 --set unit=uV ..."
            ) from error
        kinds = set(raw.get_channel_types())
        recordings += from_raws(
            [raw],
            modality="emg" if "emg" in kinds and "eeg" not in kinds else "eeg",
            classes=label_names(raw) or ["unlabelled"],
            subjects=[file.stem],
            dataset=dataset,
        )
    return Loaded(recordings)
