"""Whether a study folder is what was written, and its verdicts follow from its curves."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import BiotransferError
from ...evidence.reading import chance_of
from ...evidence.verdicts import compare
from ...files import CONTENTS, DamagedError, read_contents, read_proven
from ...results import PAGES, Results, load_results, page_damage, study_contents

_KEYS = ("direction", "network", "variant", "protocol", "budget", "arm")
_SAID_AFTERWARDS = ("preregistration",)
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Verification:
    """What was found in a study folder.

    Parameters
    ----------
    folder : Path
        Of the study.
    n_files : int
        How many files were proven by their checksums.
    n_verdicts : int
        How many verdicts were derived again from the curves.
    damaged : tuple of str
        Files that are missing or not as they were written, and what mends them.
    differing : tuple of str
        Verdicts that do not follow from the curves, and with what numbers.
    unlisted : tuple of str
        Files that the study did not write; they are not read.
    """

    folder: Path
    n_files: int
    n_verdicts: int
    damaged: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every file is as it was written, and every verdict follows from the curves."""
        return not (self.damaged or self.differing)

    def __str__(self) -> str:
        if self.whole:
            return (
                f"{self.folder} is whole: {self.n_files} files are as they were written, {self.n_verdicts} "
                "verdicts follow from the curves."
            )
        return (
            f"{self.folder} is not whole: {len(self.damaged)} files are not as they were written, "
            f"{len(self.differing)} verdicts do not follow from the curves. Type: biotransfer run RECIPE "
            f"--out {self.folder}"
        )


def verify_study(folder: str | Path) -> Verification:
    """Prove a study folder whole, and derive its verdicts from its curves again. Nothing is written.

    Parameters
    ----------
    folder : path
        A finished study.

    Returns
    -------
    Verification
        What is damaged and what differs.

    Raises
    ------
    BiotransferError
        When it is no finished study, or of a format before checksums: nothing can be proven there.

    Notes
    -----
    Checksums find what happened to files; somebody who rewrites files and checksums alike is not found by
    them. Verdicts are then still held against the curves.
    """
    folder = Path(folder)
    contents = study_contents(folder)
    if contents is None:
        raise BiotransferError(
            f"{str(folder)!r} is of a format before checksums: nothing proves that it is as it was written. "
            f"Type: biotransfer run RECIPE --out {folder}"
        )
    damaged = [_say(folder / name, wrong) for name, wrong in contents.damage().items()]
    n_files = len(contents.files)
    for n_stored, wrong in _trials(folder / "trials", contents.facts["trials"]):
        n_files += n_stored
        damaged += wrong
    n_verdicts, differing = 0, list[str]()
    try:
        results = load_results(folder)
        derived = derive_verdicts(results)
        n_verdicts = len(derived)
        differing = differences(results.verdict_list, derived)
    except BiotransferError as error:
        if not damaged:
            differing = [f"verdicts cannot be derived again: {error}"]
    known = {*contents.files, *PAGES, CONTENTS}
    pages = {name: page_damage(folder / name) for name in PAGES if (folder / name).exists()}
    damaged += [
        f"{wrong}; to write it again: biotransfer report {folder}" for wrong in pages.values() if wrong
    ]
    beside = (path for path in [*folder.glob("[!.]*"), *folder.glob("weights/[!.]*")] if path.is_file())
    unlisted = sorted(name for path in beside if (name := path.relative_to(folder).as_posix()) not in known)
    return Verification(
        folder,
        n_files,
        n_verdicts,
        tuple(damaged),
        tuple(differing),
        tuple(f"{name}: not written by the study, and not read" for name in unlisted),
    )


def _say(path: Path, wrong: str) -> str:
    return f"{path} {wrong}"


def _trials(folder: Path, listed: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield, of every batch, how many files were proven, and what is wrong; nothing where there are none."""
    if not folder.exists():
        return
    for address in listed:
        if not (folder / address).is_dir():
            yield 0, [f"{folder / address} is missing; it is made again"]
    for place in sorted(folder.glob("[!.]*/[!.]*")):
        address = f"{place.parent.name}/{place.name}"
        try:
            if place.is_dir():
                batch = read_contents(place, of=address)
                yield 1 + len(batch.files), [_say(place / n, w) for n, w in batch.damage().items()]
            elif address not in listed:
                read_proven(place)
                yield 1, []
        except DamagedError as error:
            yield 0, [f"{error}; it is made again"]


def derive_verdicts(results: Results) -> list[dict[str, Any]]:
    """Return the verdicts that follow from a study's curves.

    Raises
    ------
    BiotransferError
        When the recipe or the tables do not give any.
    """
    try:
        asked = results.recipe["compare"]
        return compare(
            results.curves,
            **asked,
            arms=results.recipe["arms"],
            chance={name: chance_of(about, asked["metric"]) for name, about in results.data.items()},
            sources=results.sources,
        )
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise BiotransferError(
            f"the tables do not hold together ({type(error).__name__}: {error})."
        ) from error


def differences(said: list[dict[str, Any]], derived: list[dict[str, Any]]) -> list[str]:
    """Say in what verdicts differ from those that follow from the curves; numbers beyond a share of 1e-9.

    Parameters
    ----------
    said : list of dict
        As stored; sentences may go on after what is derived (accepted errors are said there).
    derived : list of dict
        See :func:`derive_verdicts`.
    """
    plain: list[dict[str, Any]] = json.loads(json.dumps(derived))
    mine, theirs = {_key(row): row for row in plain}, {_key(row): row for row in said}
    out = []
    for key in {**mine, **theirs}:
        where = ", ".join(part for part in key if part)
        if key not in mine or key not in theirs:
            out.append(f"verdict on {where}: {'stored' if key in theirs else 'derived'} only")
            continue
        for name, value in mine[key].items():
            there = theirs[key].get(name)
            if name not in _SAID_AFTERWARDS and not _same(value, there, starts=name == "sentence"):
                out.append(f"verdict on {where}: {name} is {there!r}, the curves give {value!r}")
    return out


def _key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row.get(name, "")) for name in _KEYS)


def _same(derived: Any, stored: Any, *, starts: bool) -> bool:
    numbers = all(isinstance(value, (int, float)) for value in (derived, stored))
    if numbers and not isinstance(derived, bool):
        return math.isclose(derived, stored, rel_tol=_TOLERANCE, abs_tol=1e-12)
    if starts and isinstance(stored, str):
        return stored.startswith(derived)
    return bool(derived == stored)
