"""A folder of one's own files as recordings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mne

from ....catalog import Entry
from ....errors import BiotransferError, check
from ...recording import Recording, natural_sorted
from ..common import choose
from .naming import number_runs
from .raws import from_raws

_FIF = re.compile(
    r"sub-(?P<subject>[^_]+)(_ses-(?P<session>[^_]+))?(_.*?run-(?P<run>[^_]+))?(_.*)?\.fif(\.gz)?"
)


def load_folder(
    folder: Path | None, *, path: str, modality: str, classes: list, subjects: list | None = None
) -> list[Recording]:
    """Load one's own FIF files.

    Parameters
    ----------
    folder : None
        Not used: the files lie where ``path`` says.
    path : str
        Folder with files named ``sub-XX[_ses-YY][_run-ZZ]....fif``, in it or below; labels are annotations.
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : list of str
        Annotation descriptions that are labels, in class order.
    subjects : list of str, optional
        Who to load, as after ``sub-``. Default: all.

    Returns
    -------
    list of Recording
        One per file, sorted by name.

    Raises
    ------
    BiotransferError
        When there are no such files, one cannot be read, or a recording is not valid.
    """
    root = Path(path).expanduser()
    check(
        root.is_dir(),
        f"path={path!r} is no folder. Expected a folder with FIF files named sub-XX....fif; in a recipe, a "
        "relative path is meant from the folder of the recipe.",
    )
    found = {p: named for p in root.rglob("*.fif*") if (named := _FIF.fullmatch(p.name)) is not None}
    check(
        found,
        f"path={path!r} holds no file like sub-01_ses-1_run-1_raw.fif. Save recordings with "
        "raw.save('sub-01_ses-1_run-1_raw.fif').",
    )
    people = choose(f"subjects of {path!r}", subjects, {named["subject"] for named in found.values()})
    files = [p for name in natural_sorted(map(str, found)) if found[p := Path(name)]["subject"] in people]
    raws = [_read_fif(p) for p in files]
    runs = number_runs([found[p]["subject"] for p in files], [found[p]["session"] or "1" for p in files])
    return from_raws(
        raws,
        modality=modality,
        classes=classes,
        subjects=[found[p]["subject"] for p in files],
        sessions=[found[p]["session"] or "1" for p in files],
        runs=[found[p]["run"] or run for p, run in zip(files, runs, strict=True)],
        dataset=root.resolve().name,
    )


def from_folder(
    path: str | Path, *, modality: str, classes: Sequence[str], subjects: Sequence[str] | None = None
) -> list[Recording]:
    """Load a folder of one's own FIF files; a recipe says the same with ``data: folder``.

    Parameters
    ----------
    path : path
        Folder with files named ``sub-XX[_ses-YY][_run-ZZ]....fif``, in it or below; labels are annotations.
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : sequence of str
        Annotation descriptions that are labels, in class order.
    subjects : sequence of str, optional
        Who to load, as after ``sub-``. Default: all.

    Returns
    -------
    list of Recording
        One per file, sorted by name.

    Raises
    ------
    BiotransferError
        When there are no such files, one cannot be read, or a recording is not valid.
    """
    people = None if subjects is None else list(subjects)
    return load_folder(None, path=str(path), modality=modality, classes=list(classes), subjects=people)


def _files_of(*, path: str, **_: Any) -> tuple[Path, list[Path]]:
    root = Path(path).expanduser()
    return root, [file for file in root.rglob("*.fif*") if file.is_file()]


def _read_fif(path: Path) -> Any:
    try:
        return mne.io.read_raw_fif(path, preload=True, verbose="error")
    except Exception as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read as FIF ({type(error).__name__}: {error}). "
            "Save it again with raw.save(...)."
        ) from error


ENTRY = Entry(
    name="folder",
    summary="Your own recordings: FIF files named sub-XX[_ses-YY][_run-ZZ], labels as annotations.",
    function=load_folder,
    source="own",
    facts={
        "size_mb": 0,
        "license": "yours",
        "origin": "a folder on this machine",
        "reads": _files_of,
        "paths": ("path",),
    },
)
