"""Guessing what the parts of file names stand for."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ....recording import natural_sorted

_SPLITS = (re.compile(r"[A-Za-z]+|\d+|."), re.compile(r"[A-Za-z0-9 ]+|."), re.compile(r"[^/.]+|."))
"""Ways to take a name apart, the finest first."""
_ENOUGH = 0.8
_WORDS = {
    "subject": ("sub", "subject", "subj", "s", "p", "participant", "person", "patient", "vp", "id", "user"),
    "session": ("ses", "session", "day", "visit", "d", "sess"),
    "run": ("run", "r", "rep", "repetition", "trial", "t", "rec", "recording"),
    "label": ("c", "class", "classe", "gesture", "g", "label", "cond", "condition", "task", "state", "stim",
              "movement", "motion"),
}  # fmt: skip
_MOST_CLASSES = 30


@dataclass(frozen=True)
class Slot:
    """A place of a name that differs between files: what it is taken for, and the values that stand there."""

    group: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Names:
    """What file names seem to say.

    Parameters
    ----------
    pattern : str
        Of their paths.
    slots : tuple of Slot
        Its groups, in order.
    fitting : tuple of str
        The paths that it was made from.
    """

    pattern: str
    slots: tuple[Slot, ...]
    fitting: tuple[str, ...]

    def values(self, group: str) -> tuple[str, ...]:
        """Return the values of a group, in natural order; none where there is no such group."""
        return next((slot.values for slot in self.slots if slot.group == group), ())


def guess_names(paths: Sequence[str], *, labelled_inside: bool, codes: frozenset[str] = frozenset()) -> Names:
    """Guess a pattern from the paths of files of one kind.

    Parameters
    ----------
    paths : sequence of str
        Below the folder.
    labelled_inside : bool
        Whether the files carry labels themselves: no part of their names has to be one.
    codes : frozenset of str
        Codes of labels inside: a number in every name that is one of them names the class, too.
    """
    tokens, fitting = _taken_apart(paths)
    columns = list(zip(*tokens, strict=True))
    parts: list[tuple[str, tuple[str, ...]]] = []
    for column in columns:
        different = natural_sorted(set(column))
        parts += [(column[0], ())] if len(different) == 1 else _with_prefix(different)
    parts = _merged(parts)
    groups = _assign(parts, labelled_inside=labelled_inside, codes=codes)
    written, slots = [], []
    for (literal, values), group in zip(parts, groups, strict=True):
        if not values:
            written.append(literal)
        elif group:
            written.append(f"{{{group}}}")
            slots.append(Slot(group, values))
        else:
            written.append("*")
    return Names("".join(written), tuple(slots), tuple(fitting))


def _taken_apart(paths: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """Return the tokens of the paths that are built alike, taken apart as finely as most are."""
    best: tuple[list[list[str]], list[str]] = ([], [])
    for split in _SPLITS:
        tokens = {path: split.findall(path) for path in paths}
        shape = Counter(_shape(parts) for parts in tokens.values()).most_common(1)[0][0]
        alike = [path for path in paths if _shape(tokens[path]) == shape]
        if len(alike) > len(best[1]):
            best = [tokens[path] for path in alike], alike
        if len(alike) >= _ENOUGH * len(paths):
            break
    return best


def _shape(tokens: Sequence[str]) -> tuple[str, ...]:
    return tuple("0" if t.isdecimal() else "A" if t[0].isalnum() else t for t in tokens)


def _with_prefix(values: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """Return one differing token, a beginning that most values share standing before it."""
    if all(value.isalpha() for value in values) and len(values) > 2:
        for word in sorted(_WORDS["subject"], key=len, reverse=True):
            having = [v for v in values if v.startswith(word) and len(v) > len(word)]
            if len(word) > 2 and len(having) >= _ENOUGH * len(values):
                return [(word, ()), ("", tuple(v.removeprefix(word) for v in having))]
    return [("", tuple(values))]


def _merged(parts: list[tuple[str, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Join differing tokens that stand side by side: Male7 and Female3 are one place."""
    out: list[tuple[str, tuple[str, ...]]] = []
    for literal, values in parts:
        if values and out and out[-1][1]:
            out[-1] = ("", (*out[-1][1], *values))
        else:
            out.append((literal, values))
    return out


def _assign(
    parts: Sequence[tuple[str, tuple[str, ...]]], *, labelled_inside: bool, codes: frozenset[str]
) -> list[str]:
    """Return what every place is taken for: by the word before it, then by its values and its order."""
    groups = [""] * len(parts)
    places = [i for i, (_, values) in enumerate(parts) if values]
    for i in places:
        before = "".join(literal for literal, values in parts[max(0, i - 3) : i] if not values)
        word = (re.findall(r"[A-Za-z]+", before) or [""])[-1].lower()
        for group, words in _WORDS.items():
            if word in words and group == "run" and "run" in groups and "session" not in groups:
                groups[groups.index("run")] = "session"  # a folder of trials, each with repetitions
            free = group not in groups and not (group == "label" and labelled_inside)
            if word in words and free and len(parts[i][1]) <= (_MOST_CLASSES if group == "label" else 10**6):
                groups[i] = group
                break
    rest = [i for i in places if not groups[i]]
    texts = [i for i in rest if all(value.isalpha() and len(value) > 2 for value in parts[i][1])]
    if "label" not in groups and not labelled_inside and texts and len(places) > 1:
        groups[min(texts, key=lambda i: len(parts[i][1]))] = "label"
    numbers = [i for i in rest if not groups[i] and codes and set(parts[i][1]) <= codes]
    if labelled_inside and numbers and len(places) > 1:
        groups[numbers[-1]] = "label"
    rest = [i for i in places if not groups[i]]
    if "subject" not in groups and rest:
        groups[rest.pop(0)] = "subject"
    if "label" not in groups and not labelled_inside and rest:
        fewest = min(rest, key=lambda i: (len(parts[i][1]), -i))
        groups[fewest] = "label"
        rest.remove(fewest)
    last = max((i for i, (literal, _) in enumerate(parts) if "/" in literal), default=-1)
    for i in rest:
        order = ("session", "run") if i < last else ("run", "session")
        groups[i] = next((group for group in order if group not in groups), "")
    return groups


def readable(path: str, suffixes: Sequence[str]) -> str:
    """Return the ending of a path when it is one of some, else ""."""
    lower = path.lower()
    if lower.endswith(".fif.gz"):
        return ".fif.gz"
    suffix = os.path.splitext(lower)[1]
    return suffix if suffix in suffixes else ""
