"""A folder looked at: which files are recordings, how they read, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .....errors import check
from .....files import read_json
from ....recording import natural_sorted
from ..keys import read_keys
from ..listing import MNE_SUFFIXES, list_folder, paths_below, show_some
from ..pattern import read_pattern
from ..readers import format_of
from . import facts
from .contents import Inside, look_inside
from .names import Names, guess_names, readable

_ARRAYS = (
    ".csv",
    ".tsv",
    ".txt",
    ".tab",
    ".asc",
    ".mat",
    ".npy",
    ".npz",
    ".xdf",
    ".xdfz",
    ".bin",
    ".dat",
    ".raw",
)
_READABLE = (*dict.fromkeys(suffix.lower() for suffix in MNE_SUFFIXES), *_ARRAYS)
_BESIDE = (
    "readme",
    "license",
    "participants.",
    "events.",
    "channels.",
    "metadata",
    "electrodes.",
    "requirements",
)
_LOOKED_AT = 12
_REPEATED = range(12, 4, -1)


@dataclass(frozen=True)
class Guess:
    """How a folder seems to be laid out.

    Parameters
    ----------
    keys : mapping
        Arguments of ``from_folder``, or keys of a recipe's section.
    why : mapping of str to str
        From what a key was guessed, by key.
    seconds : float
        How long a file lasts, in s; 0 where its rate is not known.
    missing : mapping of str to str
        What has to be said and was not found, by key.
    """

    keys: Mapping[str, Any]
    why: Mapping[str, str]
    seconds: float = 0.0
    missing: Mapping[str, str] = field(default_factory=dict)


def guess_folder(path: str | Path) -> dict[str, Any]:
    """Guess how a folder of recordings is laid out.

    Parameters
    ----------
    path : path
        The folder.

    Returns
    -------
    dict
        Arguments of :func:`from_folder`. What could not be found is not in it (a sampling rate, often);
        ``from_folder`` asks for it then.

    Raises
    ------
    BiotransferError
        When the folder holds no file that could be a recording.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("S1_rest.csv", "S1_fist.csv", "S2_rest.csv", "S2_fist.csv"):
    ...     np.savetxt(folder / name, np.random.default_rng(0).normal(0, 30, (400, 3)), delimiter=",")
    >>> guess_folder(folder)["pattern"]
    'S{subject}_{label}.csv'
    """
    return dict(look_at(path).keys)


def look_at(path: str | Path) -> Guess:
    """Guess how a folder is laid out, and say why; see :func:`guess_folder`."""
    root = Path(path).expanduser()
    check(root.is_dir(), f"path={str(path)!r} is no folder. Expected a folder with files of recordings.")
    paths, suffix = _recordings_of(root)
    samples = _spread(paths)
    kind = format_of(root / samples[0], read_keys({"path": str(root), "modality": "emg"}))
    if suffix in (".dat", ".raw", ".bin"):
        kind = "text" if _is_text(root / samples[0]) else "binary"
    inside = look_inside(kind, [root / name for name in samples])
    names = guess_names(paths, labelled_inside=inside.labelled, codes=inside.codes)
    keys: dict[str, Any] = {"path": str(root)}
    why = dict(inside.why)
    listing = list_folder(root, read_pattern(names.pattern))
    unfit = [seen.path for seen in listing.others if seen.why]
    keys["pattern"] = names.pattern
    why["pattern"] = f"{len(listing.found)} files fit" + (f"; not used: {show_some(unfit)}" if unfit else "")
    if suffix in (".dat", ".raw", ".bin") and kind == "text":
        keys["format"] = "text"
    keys["modality"], why["modality"] = facts.guess_modality(
        inside.names,
        f"{root.name}/{names.pattern}",
        bool(inside.signal.size) and facts.is_counts(inside.signal),
    )
    keys |= inside.keys
    _add_rate(keys, why, inside, root, kind)
    _add_labels(keys, why, names, inside, root)
    rate = keys.get("sfreq")
    seconds = inside.n_samples / rate if isinstance(rate, float) else 0.0
    missing = (
        {}
        if _says_rate(keys, kind)
        else {"sfreq": "  # TO FILL IN: no file says the sampling rate; Hz, of the device's manual"}
    )
    return Guess(keys, why, seconds, missing)


def _recordings_of(root: Path) -> tuple[list[str], str]:
    """Return the files of the format that most of them have, sidecars and the like apart."""
    every = natural_sorted(paths_below(root))
    kinds: dict[str, list[str]] = {}
    for path in every:
        name = path.rpartition("/")[2].lower()
        suffix = readable(path, _READABLE)
        if suffix and not any(name.startswith(word) or f"_{word}" in name for word in _BESIDE):
            kinds.setdefault(suffix, []).append(path)
    for chief, parts in ((".vhdr", (".dat",)), (".set", ()), (".lay", (".dat",))):
        for part in parts if chief in kinds else ():
            kinds.pop(part, None)
    check(
        kinds,
        f"path={str(root)!r} holds no file that could be a recording, but {show_some(every) or 'nothing'}. "
        f"Expected names that end in one of {', '.join(_READABLE[:12])}, ...",
    )
    suffix = max(kinds, key=lambda s: (len(kinds[s]), -_READABLE.index(s)))
    return kinds[suffix], suffix


def _spread(paths: Sequence[str]) -> list[str]:
    """Return some paths, from the first to the last."""
    n = min(_LOOKED_AT, len(paths))
    return [paths[i * (len(paths) - 1) // max(1, n - 1)] for i in range(n)]


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        top = file.read(2048)
    return not top.translate(None, bytes(range(32, 127)) + b"\t\r\n")


def _add_rate(keys: dict[str, Any], why: dict[str, str], inside: Inside, root: Path, kind: str) -> None:
    """Say a sampling rate where the files do not."""
    if _says_rate(keys, kind):
        return
    said = facts.rate_in_words(root)
    if said is not None:
        keys["sfreq"], why["sfreq"] = said, "a text beside the data says so"
    elif facts.is_counts(inside.signal) and len(inside.signal) == 8:
        keys["sfreq"], why["sfreq"] = (
            200.0,
            "eight channels of 8-bit counts, as of a Myo armband",
        )


def _says_rate(keys: Mapping[str, Any], kind: str) -> bool:
    return kind in ("mne", "xdf", "openbci") or "time_column" in keys or "sfreq" in keys


def _add_labels(keys: dict[str, Any], why: dict[str, str], names: Names, inside: Inside, root: Path) -> None:
    """Say what the labels in names mean."""
    if inside.labelled:
        return
    found = names.values("label")
    if not found:
        why["pattern"] += "; no label was found: add {label}, label_column or label_table"
        return
    named = _metadata(root, names)
    numbers = all(value.isdecimal() for value in found)
    if named and {str(int(v)) for v in found if v.isdecimal()} <= set(named):
        keys["labels"] = {int(code): name for code, name in named.items()}
        why["labels"] = "as metadata.json says"
        return
    if not numbers:
        keys["classes"] = list(found)
        why["classes"] = "as in the names"
        return
    modulo = _modulo(len(found)) if len(found) > max(_REPEATED) else 0
    if modulo:
        keys["label_modulo"] = modulo
        why["label_modulo"] = f"{len(found)} numbers, taken for {modulo} classes"
    codes = range(modulo) if modulo else sorted(int(value) for value in found)
    keys["labels"] = {code: f"class {code}" for code in codes}
    why["labels"] = "write the names of the classes"


def _modulo(n: int) -> int:
    return next((m for m in _REPEATED if n % m == 0 and n // m >= 3), 0)


def _metadata(root: Path, names: Names) -> dict[str, str]:
    """Return the class names by number that LibEMG's metadata.json beside the files give most often."""
    said: Counter[tuple[tuple[str, str], ...]] = Counter()
    for folder in natural_sorted({path.rpartition("/")[0] for path in names.fitting}):
        path = root / folder / "metadata.json"
        if path.is_file():
            try:
                rows = [row for row in read_json(path).values() if isinstance(row, dict)]
                said[tuple(sorted({(str(int(r["class_idx"])), str(r["class_name"])) for r in rows}))] += 1
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return dict(said.most_common(1)[0][0]) if said else {}
