"""What becomes of every sample: in a window, or not, and why."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..recording import Recording, annotation_spans
from .cutting import Cutting, kept_uids, uid_of, window_pieces
from .piece import Piece
from .stretches import labelled_stretches

FATES: Mapping[str, str] = {
    "in_windows": "in a window",
    "unlabelled": "no label",
    "other_label": "a label that is none of the classes",
    "bad": "marked as bad",
    "short": "a labelled stretch shorter than a window",
    "rest": "the end of a labelled stretch, where no further window fits",
    "between": "between two windows, whose step is longer than they are",
    "time_stamps": "after the time stamps ended the windows",
    "taken_out": "in a window that was rejected or taken out",
}
"""Every sample has one of these fates."""
IN_WINDOWS, UNLABELLED, OTHER, BAD, SHORT, REST, BETWEEN, STAMPS, TAKEN_OUT = range(len(FATES))
FATE_COLUMNS = ("source_file", "label", "fate", "samples")


class Fates(NamedTuple):
    """The fate of every sample of one recording.

    Parameters
    ----------
    code : ndarray, shape (n_samples,), int8
        Position in ``FATES``.
    label : ndarray, shape (n_samples,), int32
        Position in ``names``; -1 where nothing is labelled.
    names : tuple of str
        The classes, then other labels.
    file : ndarray, shape (n_samples,), int32
        Position in ``files``.
    files : tuple of str
        Source files.
    """

    code: np.ndarray
    label: np.ndarray
    names: tuple[str, ...]
    file: np.ndarray
    files: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """Return how many samples have which fate, by source file and label; they add up to all samples."""
        n_names, n_fates = len(self.names) + 1, len(FATES)
        key = (self.file.astype(np.int64) * n_names + self.label + 1) * n_fates + self.code
        found, samples = np.unique(key, return_counts=True)
        names, fates = ("", *self.names), tuple(FATES)
        return pd.DataFrame(
            {
                "source_file": [self.files[k // n_fates // n_names] for k in found],
                "label": [names[k // n_fates % n_names] for k in found],
                "fate": [fates[k % n_fates] for k in found],
                "samples": samples,
            },
            columns=list(FATE_COLUMNS),
        )


def sample_fates(recording: Recording, cutting: Cutting, kept: Collection[str] | None = None) -> Fates:
    """Say what becomes of every sample of a recording when windows are cut.

    Parameters
    ----------
    recording : Recording
        Signal with labels.
    cutting : Cutting
        How windows are cut.
    kept : collection of str, optional
        Uids of the windows that were kept; all that the cutting does not reject when left out.

    Raises
    ------
    BiotransferError
        As :func:`.window_pieces`.

    Notes
    -----
    A sample in several windows counts once. What is neither labelled nor marked is unlabelled, what is marked
    but not labelled too: only labelled signal can be lost as bad.
    """
    kept = kept_uids(recording, cutting) if kept is None else kept
    label, names = _labels(recording)
    n_classes = len(recording.classes)
    code = np.select([label < 0, label < n_classes], [UNLABELLED, BAD], OTHER).astype(np.int8)
    pieces = window_pieces(recording, cutting) if (code == BAD).any() else []
    _spread_stretches(code, recording, pieces, cutting)
    taken = np.array([kept is not None and uid_of(recording, piece) not in kept for piece in pieces], bool)
    for fate, wanted in ((TAKEN_OUT, True), (IN_WINDOWS, False)):
        for i in np.flatnonzero(taken == wanted):
            code[pieces[i].first : pieces[i].last] = fate
    file, files = _files(recording)
    return Fates(code, label, names, file, files)


def _labels(recording: Recording) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the label of every sample; a class covers other labels."""
    names = list(recording.classes)
    label = np.full(recording.raw.n_times, -1, dtype=np.int32)
    spans = [span for span in annotation_spans(recording.raw) if not span.is_boundary]
    for span in sorted(spans, key=lambda span: (span.description in recording.classes, span[:2])):
        if span.description not in names:
            names.append(span.description)
        label[span.first : span.last] = names.index(span.description)
    return label, tuple(names)


def _spread_stretches(
    code: np.ndarray, recording: Recording, pieces: Sequence[Piece], cutting: Cutting
) -> None:
    """Write the fate that samples of labelled stretches have outside of windows."""
    firsts, lasts = (np.array([getattr(p, end) for p in pieces], dtype=int) for end in ("first", "last"))
    for stretch in labelled_stretches(recording):
        if cutting.by == "timestamps":
            code[stretch.first : stretch.last] = STAMPS
            continue
        mine = slice(*np.searchsorted(firsts, [stretch.first, stretch.last]))
        inside = lasts[mine][lasts[mine] <= stretch.last]
        end = int(inside[-1]) if len(inside) else stretch.first
        code[stretch.first : end] = BETWEEN
        code[end : stretch.last] = REST if len(inside) else SHORT


def _files(recording: Recording) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the source file of every sample.

    An edge says which file begins, or else the first label after it that says so; what says nothing belongs
    to the file before.
    """
    spans = annotation_spans(recording.raw)
    n = recording.raw.n_times
    borders = sorted({0, *(s.first for s in spans if s.description.upper().startswith("EDGE"))} - {n})
    naming = [s for s in spans if "source_file" in s.extras]
    said = {s.first: str(s.extras["source_file"]) for s in reversed(naming) if s.is_boundary}
    labels = sorted((s for s in naming if not s.is_boundary), key=lambda s: s[:2])
    firsts = [s.first for s in labels]
    files: dict[str, int] = {}
    file = np.zeros(n, dtype=np.int32)
    current = recording.source_file
    for first, last in pairwise([*borders, n]):
        place = bisect_left(firsts, first)
        if first in said:
            current = said[first]
        elif place < len(labels) and firsts[place] < last:
            current = str(labels[place].extras["source_file"])
        file[first:last] = files.setdefault(current, len(files))
    for span in labels:
        name = str(span.extras["source_file"])
        file[span.first : span.last] = files.setdefault(name, len(files))
    return file, tuple(files)
