"""From codes, markers, tables and names to labelled stretches of samples."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ...recording import is_boundary
from .content import Point, Stretch
from .keys import NEXT, Reading, code_text


@dataclass(frozen=True)
class Naming:
    """What codes mean.

    Parameters
    ----------
    labels : mapping of str to str, or None
        Name of every code; codes are names themselves without it.
    ignore : frozenset of str
        Codes that mark nothing.
    modulo : int or None
        Numbers in file names stand for a class modulo this.
    """

    labels: dict[str, str] | None = None
    ignore: frozenset[str] = frozenset()
    modulo: int | None = None

    @classmethod
    def of(cls, reading: Reading) -> Naming:
        """Return what a reading says of codes."""
        ignore = frozenset(code_text(code) for code in reading.ignore or ())
        return cls(reading.labels, ignore, reading.label_modulo)

    def name(self, code: object) -> str:
        """Return the label of a code; "" for one that marks nothing or has no name."""
        said = code_text(code)
        if said in self.ignore or said in ("", "nan"):
            return ""
        return said if self.labels is None else self.labels.get(said, "")

    def of_file(self, written: str) -> tuple[str, str]:
        """Return the label and the repetition that a file's name stands for; "" for none."""
        if self.modulo is None:
            return self._in_name(written), ""
        try:
            number = int(written)
        except ValueError:
            return "", ""
        return self.name(number % self.modulo), str(number // self.modulo)

    def _in_name(self, written: str) -> str:
        """Return the label of a name as it is written, where nothing says more."""
        if self.labels is None:
            return "" if code_text(written) in self.ignore else written
        return self.name(written)

    def of_annotation(self, description: str) -> str:
        """Return the label that an annotation stands for: by its text, or by what follows a type in it.

        BrainVision writes ``Stimulus/S  1``: ``S1`` names it, too.
        """
        if self.labels is None or is_boundary(description):
            return description
        short = "".join(description.rpartition("/")[2].split())
        return self.labels.get(code_text(description), self.labels.get(code_text(short), description))

    def unnamed(self, codes: Iterable[object]) -> str:
        """Return what codes without a name were met, and how often; "" for none."""
        if self.labels is None:
            return ""
        said = Counter(map(code_text, codes))
        return ", ".join(
            f"{code} ({n} times)" for code, n in sorted(said.items())
            if code not in self.labels and code not in self.ignore and code not in ("", "nan")
        )  # fmt: skip


def stretches_of_codes(
    codes: np.ndarray | None, runs: np.ndarray | None, naming: Naming, n_samples: int
) -> list[Stretch]:
    """Return the stretches over which code and run do not change; those that mark nothing are left out."""
    if codes is None:
        return []
    changes = codes[1:] != codes[:-1]
    if runs is not None:
        changes = changes | (runs[1:] != runs[:-1])
    borders = np.concatenate([[0], np.flatnonzero(changes) + 1, [n_samples]]).astype(int)
    out = []
    for first, last in itertools.pairwise(borders):
        label = naming.name(codes[first])
        if label:
            run = "" if runs is None else code_text(runs[first])
            out.append(Stretch(int(first), int(last), label, run))
    return out


def points_of_codes(codes: np.ndarray, naming: Naming) -> list[Point]:
    """Return the samples at which a marker appears: a code that marks something, after another one."""
    starts = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1]).astype(int)
    return [Point(int(i), label) for i in starts if (label := naming.name(codes[i])) and label != "0"]


def stretches_of_points(
    points: Sequence[Point], sfreq: float, n_samples: int, tmin: float, tmax: float | str
) -> list[Stretch]:
    """Return what lies between ``tmin`` and ``tmax`` after each marker, or reaches to the next one."""
    ordered = sorted(points)
    ends = [p.at for p in ordered[1:]] + [n_samples]
    out = []
    for point, following in zip(ordered, ends, strict=True):
        first = point.at + round(tmin * sfreq)
        last = following if tmax == NEXT else point.at + round(float(tmax) * sfreq)
        first, last = max(first, 0), min(last, n_samples)
        if last > first and point.label:
            out.append(Stretch(first, last, point.label))
    return out


def disagreement(name: str, named: str, stretches: Sequence[Stretch]) -> str:
    """Return what is odd about a file whose name says a class that its samples never have; "" if nothing."""
    counts: Counter[str] = Counter()
    for stretch in stretches:
        counts[stretch.label] += stretch.last - stretch.first
    if not named or not counts or named in counts:
        return ""
    held = ", ".join(f"{label} ({n} samples)" for label, n in counts.items())
    return (
        f"'{name}' is named for {named}, but its samples are labelled {held}, none of them {named}: "
        "one of the two is wrong; the labels of the samples are used."
    )
