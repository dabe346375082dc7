"""Which files of a BIDS data set are recordings, which go with them, and which are something else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import check
from ..common import choose
from ..loaded import SeenFile
from .names import DATATYPES, OWN_NAMES, FileName, read_name, read_sidecar, read_table

_READ_FIRST = (".vhdr", ".set", ".bdf", ".edf", ".fif")
_APART = {
    "derivatives": "lies below derivatives/, which holds what was made of recordings: load it by its own "
    "root",
    "sourcedata": "lies below sourcedata/, which holds recordings before they were brought into this form",
    "code": "lies below code/",
    "stimuli": "lies below stimuli/",
}


@dataclass(frozen=True)
class Candidate:
    """A file of signals.

    Parameters
    ----------
    path : Path
        Of the file.
    datatype : {"eeg", "emg"}
        The folder it lies in.
    name : FileName
        What its name says.
    subject, session, run : str
        What the recording is called: as BIDS does, or by its own names where scans.tsv keeps them.
    """

    path: Path
    datatype: str
    name: FileName
    subject: str
    session: str
    run: str

    @property
    def task(self) -> str:
        """Of the file's name; "" where it has none."""
        return self.name.entities.get("task", "")


@dataclass(frozen=True)
class Survey:
    """A BIDS data set, before any signal is read.

    Parameters
    ----------
    root : Path
        Its folder.
    candidates : tuple of Candidate
        Files of signals to read, sorted.
    files : tuple of SeenFile
        All files, hidden ones apart, each once.
    description : mapping
        dataset_description.json; empty where there is none.
    """

    root: Path
    candidates: tuple[Candidate, ...]
    files: tuple[SeenFile, ...]
    description: Mapping[str, Any]

    @property
    def used(self) -> list[Path]:
        """Files that recordings depend on."""
        return [self.root / file.path for file in self.files if file.used]


def survey_folder(
    root: Path,
    *,
    modality: str,
    subjects: Sequence[str] | None = None,
    sessions: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    runs: Sequence[str] | None = None,
    desc: str | None = None,
) -> Survey:
    """Look at a BIDS data set without reading signals.

    Parameters
    ----------
    root : Path
        Folder with dataset_description.json and sub-... folders.
    modality : {"eeg", "emg"}
        What is wanted: EMG can lie in eeg/ too, beside EEG of the same amplifier.
    subjects, sessions, tasks, runs : sequence of str, optional
        Which; all when not given.
    desc : str, optional
        Which of several versions of one recording, as after ``desc-``.

    Returns
    -------
    Survey
        What is there.

    Raises
    ------
    BiotransferError
        When there is no such folder, no recording in it, a choice that is not there, or several versions of
        recordings of which none is chosen.
    """
    check(
        root.is_dir(),
        f"path={str(root)!r} is no folder. Expected the root of a BIDS data set, with sub-... folders; in a "
        "recipe, a relative path is meant from the folder of the recipe.",
    )
    paths = list(_walk(root))
    whys = {path: _apart(path.relative_to(root).parts) for path in paths}
    own = _own_names(path for path in paths if not whys[path] and path.name.endswith("_scans.tsv"))
    found = [c for path in paths if not whys[path] and (c := _candidate(root, path, own)) is not None]
    check(
        found,
        f"path={str(root)!r} holds no recording like sub-01/eeg/sub-01_task-rest_eeg.vhdr. Expected the root "
        "of a BIDS data set of EEG or EMG. For other folders use from_folder, or data: folder.",
    )
    wanted = {
        "subject": choose(
            f"subjects of {str(root)!r}", _without_prefix(subjects), {c.subject for c in found}
        ),
        "session": choose(f"sessions of {str(root)!r}", sessions, {c.session for c in found}),
        "task": choose(f"tasks of {str(root)!r}", tasks, {c.task for c in found}),
        "run": choose(f"runs of {str(root)!r}", runs, {c.run for c in found}),
    }
    kinds = ("emg", "eeg") if modality == "emg" else (modality,)
    for candidate in found:
        for what, names in wanted.items():
            if getattr(candidate, what) not in names:
                whys[candidate.path] = f"is {what} {getattr(candidate, what)}, which is not asked for"
        if candidate.datatype not in kinds:
            whys[candidate.path] = f"is {candidate.datatype}, not {modality}"
    _choose_version(root, [c for c in found if not whys[c.path]], desc, whys)
    _one_format_each([c for c in found if not whys[c.path]], whys)
    kept = sorted((c for c in found if not whys[c.path]), key=lambda c: c.path)
    _follow(root, paths, found, whys)
    people = {c.name.entities["subject"]: c.subject for c in found}

    def whose(path: Path) -> str:
        label = read_name(path.name).entities.get("subject", "")
        return people.get(label, label)

    parts = {c.path for c in kept if c.name.entities.get("split", "1").lstrip("0") not in ("", "1")}
    seen = tuple(SeenFile(p.relative_to(root).as_posix(), whose(p), whys[p]) for p in paths)
    return Survey(root, tuple(c for c in kept if c.path not in parts), seen, read_description(root))


def _walk(root: Path) -> Iterator[Path]:
    """Yield the files below a folder, hidden ones and what lies in hidden folders apart."""
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and path.is_file():
            yield path


def _apart(parts: tuple[str, ...]) -> str:
    """Say why a file is no part of the recordings, by where it lies."""
    if parts[0] in _APART and len(parts) > 1:
        return _APART[parts[0]]
    if parts[0].startswith("sub-") and len(parts) > 2:
        place = parts[2] if len(parts) > 3 and parts[1].startswith("ses-") else parts[1]
        known = place in DATATYPES or (place.startswith("ses-") and len(parts) == 3)
        return "" if known else f"is {place}, not {' or '.join(DATATYPES)}"
    return ""


def _candidate(root: Path, path: Path, own: Mapping[Path, Mapping[str, str]]) -> Candidate | None:
    datatype, name = path.parent.name, read_name(path.name)
    fits = datatype in DATATYPES and name.suffix == datatype and name.extension.lower() in _READ_FIRST
    if not fits or f"sub-{name.entities.get('subject')}" != path.relative_to(root).parts[0]:
        return None
    names = {what: name.entities.get(what, "1") for what in OWN_NAMES} | dict(own.get(path, {}))
    return Candidate(path, datatype, name, names["subject"], names["session"], names["run"])


def _own_names(tables: Iterator[Path]) -> dict[Path, dict[str, str]]:
    """Return the names that recordings had before they became BIDS, by file."""
    found: dict[Path, dict[str, str]] = {}
    for path in tables:
        table = read_table(path)
        kept = {what: column for what, column in OWN_NAMES.items() if column in table}
        check(
            not kept or "filename" in table,
            f"{str(path)!r} has no column filename, only {', '.join(table)}. Expected the file of each row. "
            "Mend or remove it.",
        )
        for _, row in table.iterrows() if kept else ():
            found[path.parent / row["filename"]] = {what: row[column] for what, column in kept.items()}
    return found


def _without_prefix(subjects: Sequence[str] | None) -> Sequence[str] | None:
    if subjects is None or isinstance(subjects, str):
        return subjects
    return [str(subject).removeprefix("sub-") for subject in subjects]


def _choose_version(root: Path, found: Sequence[Candidate], desc: str | None, whys: dict[Path, str]) -> None:
    """Leave one version of each recording: what was made of it lies beside it under another ``desc-``."""
    versions = sorted({c.name.entities.get("desc", "") for c in found})
    named = ", ".join(version or "none" for version in versions)
    check(
        desc is None or desc in versions,
        f"desc={desc!r} is not in {str(root)!r}. Expected one of its versions: {named}.",
    )
    check(
        desc is not None or len(versions) < 2,
        f"desc is missing: {str(root)!r} holds recordings in the versions {named}, so the same signal more "
        f"than once. Pass desc={versions[-1]!r}.",
    )
    for candidate in found:
        version = candidate.name.entities.get("desc", "")
        if desc is not None and version != desc:
            whys[candidate.path] = f"is version {version or 'none'}, not {desc}"


def _one_format_each(found: Sequence[Candidate], whys: dict[Path, str]) -> None:
    """Leave one file where a recording lies there in several formats."""
    first: dict[Path, Candidate] = {}
    ranked = sorted(found, key=lambda c: (_READ_FIRST.index(c.name.extension.lower()), c.path))
    for candidate in ranked:
        kept = first.setdefault(candidate.path.with_suffix(""), candidate)
        if kept is not candidate:
            whys[candidate.path] = f"holds the recording of {kept.path.name}, which is read"


def _follow(root: Path, paths: Sequence[Path], found: Sequence[Candidate], whys: dict[Path, str]) -> None:
    """Give what belongs to one file of signals alone the reason of that file."""
    reasons = {(c.path.parent, c.path.name.rsplit("_", 1)[0]): whys[c.path] for c in reversed(found)}
    signals = {c.path for c in found}
    people = {c.path.relative_to(root).parts[0]: False for c in found}
    for candidate in found:
        people[candidate.path.relative_to(root).parts[0]] |= not whys[candidate.path]
    for path in paths:
        if path in signals or whys[path]:
            continue
        whys[path] = reasons.get((path.parent, path.name.rsplit("_", 1)[0]), "")
        if not people.get(path.relative_to(root).parts[0], True):
            whys[path] = whys[path] or "is of somebody of whom no recording is used"


def read_description(root: Path) -> dict[str, Any]:
    """Return dataset_description.json of a data set; empty where there is none.

    Parameters
    ----------
    root : Path
        Folder of the data set.

    Raises
    ------
    BiotransferError
        When it is no JSON object.
    """
    path = root / "dataset_description.json"
    return read_sidecar(path) if path.is_file() else {}
