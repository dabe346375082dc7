"""The studies of a folder: what each asked, what it found, and whether it is finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import BiotransferError, check
from ...evidence.reading import data_label
from ...evidence.verdicts import headline
from ...files import read_json, read_yaml
from ...showing import html_rows, one_line

_DEEPEST = 4


@dataclass(frozen=True)
class Listed:
    """One study folder.

    Parameters
    ----------
    folder : Path
        Where it is.
    title, question, date : str
        Of its recipe and run.
    people : str
        How many, by data.
    verdicts : dict of str to int
        How many claims have each verdict.
    answer : str
        Its headline; "" where it is not finished.
    state : {"finished", "smoke run", "not finished", "cannot be read"}
        Whether there is something to read.
    """

    folder: Path
    title: str
    question: str
    date: str
    people: str
    verdicts: Mapping[str, int]
    answer: str
    state: str

    @property
    def found(self) -> str:
        """Its verdicts in words."""
        return ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in self.verdicts.items()) or "–"


@dataclass(frozen=True, eq=False)
class StudyList:
    """The studies below a folder.

    Parameters
    ----------
    folder : Path
        Where was looked.
    studies : list of Listed
        The newest first.
    """

    folder: Path
    studies: list[Listed]

    def plain(self) -> list[dict[str, Any]]:
        """Return everything as plain values, for JSON."""
        return [{**vars(one), "folder": str(one.folder)} for one in self.studies]

    def lines(self) -> list[str]:
        """Return a line for each."""
        return [f"{one.folder}  {one.date}  {one.title}: {one.state}, {one.found}" for one in self.studies]

    def __repr__(self) -> str:
        return one_line(f"StudyList of {self.folder}: {len(self.studies)} studies")

    def _repr_html_(self) -> str:
        rows = [(one.title, one.date, one.people, one.state, one.found, one.folder) for one in self.studies]
        return html_rows(("study", "date", "people", "state", "verdicts", "folder"), rows)


def list_studies(folder: str | Path) -> StudyList:
    """Return the study folders in a folder and below it.

    Parameters
    ----------
    folder : path
        Where to look, four folders deep.

    Returns
    -------
    StudyList
        Read from verdicts.json, recipe.yaml, data.json and provenance.json of each; no table is opened.

    Raises
    ------
    BiotransferError
        When the folder is not there, or holds no study.
    """
    folder = Path(folder)
    check(folder.is_dir(), f"{str(folder)!r} is no folder. Expected one that holds study folders.")
    found = [_read(path) for path in _study_folders(folder, _DEEPEST)]
    check(
        found,
        f"{str(folder)!r} holds no study folder (recipe.yaml with verdicts.json), {_DEEPEST} folders deep. "
        "Type: biotransfer run RECIPE --out FOLDER",
    )
    return StudyList(folder, sorted(found, key=lambda one: (one.date, str(one.folder)), reverse=True))


def _study_folders(folder: Path, depth: int) -> list[Path]:
    if (folder / "recipe.yaml").is_file():
        return [folder]
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [found for path in below for found in _study_folders(path, depth - 1)] if depth else []


def _read(folder: Path) -> Listed:
    try:
        recipe = read_yaml(folder / "recipe.yaml", f"recipe of {folder}", "Run the study again.")
        if not (folder / "provenance.json").is_file() or not (folder / "verdicts.json").is_file():
            return _listed(folder, recipe, state="not finished")
        data, said = read_json(folder / "data.json"), read_json(folder / "provenance.json")
        verdicts = [row for row in read_json(folder / "verdicts.json") if row.get("verdict")]
        counts: dict[str, int] = {}
        for row in verdicts:
            counts[row["verdict"]] = counts.get(row["verdict"], 0) + 1
        people = ", ".join(f"{side.get('n_subjects')} ({data_label(name)})" for name, side in data.items())
        state = "smoke run" if recipe.get("smoke") else "finished"
        answer = headline(verdicts) if verdicts else ""
        return _listed(folder, recipe, str(said.get("started", ""))[:10], people, counts, answer, state)
    except (BiotransferError, OSError, KeyError, TypeError, AttributeError):
        return _listed(folder, {}, state="cannot be read")


def _listed(
    folder: Path,
    recipe: Any,
    date: str = "",
    people: str = "",
    verdicts: Mapping[str, int] | None = None,
    answer: str = "",
    state: str = "",
) -> Listed:
    facts = recipe if isinstance(recipe, Mapping) else {}
    title, question = (str(facts.get(key) or "") for key in ("title", "question"))
    return Listed(folder, title or folder.name, question, date, people, verdicts or {}, answer, state)
