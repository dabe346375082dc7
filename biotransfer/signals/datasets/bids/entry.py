"""BIDS as a data set that a recipe can name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ....catalog import Entry
from .loading import load_bids, what_it_says
from .survey import read_description, survey_folder

_WHICH = ("subjects", "sessions", "tasks", "runs", "desc")


def _files_of(*, path: str, modality: str, **others: Any) -> tuple[Path, list[Path]]:
    root = Path(path).expanduser().resolve()
    return root, survey_folder(root, modality=modality, **{k: others.get(k) for k in _WHICH}).used


def _words_of(*, path: str, **_: Any) -> dict[str, str]:
    root = Path(path).expanduser().resolve()
    return what_it_says(read_description(root), root)


ENTRY = Entry(
    name="bids",
    summary="Your own BIDS data set of EEG or EMG: labels of events.tsv, channels and bads of channels.tsv.",
    function=load_bids,
    source="BIDS, doi:10.1038/sdata.2016.44",
    facts={
        "size_mb": 0,
        "license": "as its dataset_description.json says",
        "origin": "a folder on this machine",
        "reads": _files_of,
        "says": _words_of,
        "paths": ("path",),
        "packages": ("mne_bids",),
        "extra": "bids",
    },
)
