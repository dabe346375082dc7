"""Guessing how files of one kind are laid out, from the contents of some of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .....errors import check
from ....recording import is_boundary, natural_sorted, plain_text
from ...raw_files import read_raw
from ..readers.binary import read_bytes
from ..readers.delimited import Columns, Layout, parse_table
from ..readers.variables import load_variables
from ..readers.xdf import describe_streams
from . import facts

_SAMPLE_BYTES = 4 << 20
_LARGE = 4
"""How many files are read of formats that have to be read whole."""
_CHANNEL_COUNTS = (8, 16, 4, 12, 6, 10, 5, 7, 2, 3, 1, 32)


@dataclass
class Inside:
    """What the files hold.

    Parameters
    ----------
    keys : dict
        Of ``data: folder``.
    why : dict of str to str
        What a key was guessed from, by key.
    signal : ndarray, shape (n_chans, n_samples)
        Of one file, in the unit that was guessed for it.
    codes : frozenset of str
        Labels that samples carry.
    labelled : bool
        Whether the files carry labels themselves.
    seconds : float
        How long the file that was looked at lasts; 0 where its rate is not known.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    signal: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    codes: frozenset[str] = frozenset()
    labelled: bool = False
    n_samples: int = 0

    def say(self, key: str, value: Any, why: str = "") -> None:
        """Set a key, and say from what."""
        self.keys[key] = value
        if why:
            self.why[key] = why


def look_inside(kind: str, paths: Sequence[Path]) -> Inside:
    """Return what files of one format seem to hold.

    Parameters
    ----------
    kind : str
        As ``format`` calls it.
    paths : sequence of Path
        Some of them, not all.
    """
    return _LOOKS[kind](paths if kind in ("text", "mne") else paths[:: max(1, len(paths) // _LARGE)])


def _finish(inside: Inside, signal: np.ndarray, names: Sequence[str]) -> Inside:
    inside.signal, inside.names, inside.n_samples = signal, tuple(names), int(signal.shape[1])
    unit, why = facts.guess_unit(signal)
    inside.say("unit", unit, why)
    return inside


def _text(paths: Sequence[Path]) -> Inside:
    """Look at the first file in which samples carry labels, else at the first."""
    looks = []
    for path in paths:
        looks.append(_one_text(path, paths))
        if looks[-1].labelled:
            return looks[-1]
    return looks[0]


def _one_text(path: Path, paths: Sequence[Path]) -> Inside:
    inside = Inside()
    content = read_bytes(path)
    comment = next((c for c in ("#", "%", "//") if content.lstrip().startswith(c.encode())), None)
    table = parse_table(
        content[:_SAMPLE_BYTES].rpartition(b"\n")[0] if len(content) > _SAMPLE_BYTES else content,
        path.name,
        Layout(comment=comment),
        lambda names, numeric: Columns(tuple(i for i, number in enumerate(numeric) if number)),
    )
    if comment:
        inside.say("comment", comment)
    where = table.columns.numbers
    columns = {i: table.numbers[:, k] for k, i in enumerate(where)}

    def called(i: int) -> str | int:
        return table.names[i] if table.named else i + 1

    left = dict(columns)
    _look_for_time(inside, table.names, left, called)
    _look_for_labels(inside, table.names, left, called, paths, columns)
    channels = [i for i in left if facts.is_signal_name(table.names[i]) and not _is_index(left[i])]
    check(channels, f"{path.name!r} has no column that could be a signal. Say which are channels: channels.")
    others = [i for i in left if i not in channels]
    if others or len(where) < len(table.names):
        dropped = ", ".join(str(called(i)) for i in others)
        first, last = channels[0], channels[-1]
        if table.named:
            picked: Any = [table.names[i] for i in channels]
        else:
            whole = channels == list(range(first, last + 1))
            picked = f"{first + 1}-{last + 1}" if whole else [i + 1 for i in channels]
        inside.say("channels", picked, f"{dropped} looks like no electrode" if dropped else "")
    return _finish(inside, np.array([columns[i] for i in channels]), [table.names[i] for i in channels])


def _look_for_time(
    inside: Inside, names: Sequence[str], left: dict[int, np.ndarray], called: Callable[[int], Any]
) -> None:
    for i in list(left):
        found = facts.guess_time(left[i], names[i])
        if found:
            unit, rate = found
            inside.say("time_column", called(i), f"it rises; its steps are those of {rate:.5g} Hz in {unit}")
            inside.say("time_unit", unit)
            del left[i]
            return


def _look_for_labels(
    inside: Inside,
    names: Sequence[str],
    left: dict[int, np.ndarray],
    called: Callable[[int], Any],
    paths: Sequence[Path],
    columns: Mapping[int, np.ndarray],
) -> None:
    def named(i: int) -> bool:
        return re.sub(r"\W", "", names[i].lower()) in facts.LABEL_WORDS

    likely = [i for i in reversed(left) if facts.is_label_like(left[i]) or named(i)]
    likely = [i for i in likely if named(i)] or [i for i in likely if not _is_index(left[i])]
    if not likely:
        return
    column = likely[0]
    codes = {float(code) for code in np.unique(left.pop(column))}
    marks = facts.is_markers(columns[column])
    position = list(columns).index(column)
    for path in paths:
        table = parse_table(
            read_bytes(path), path.name, Layout(comment=inside.keys.get("comment")),
            lambda names, numeric: Columns(tuple(i for i, number in enumerate(numeric) if number)),
        )  # fmt: skip
        if position < table.numbers.shape[1]:
            codes |= {float(code) for code in np.unique(table.numbers[:, position])}
    _say_codes(inside, called(column), codes, columns[column], marks=marks)


def _say_codes(inside: Inside, key: Any, codes: set[float], values: np.ndarray, *, marks: bool) -> None:
    """Say which column holds labels, and what its codes could mean."""
    said = natural_sorted(f"{code:.15g}" for code in codes)
    inside.labelled, inside.codes = True, frozenset(said)
    inside.say("label_column", key, "whole numbers that last" if not marks else "codes at single samples")
    share = float((values == 0).mean())
    unmarked = "0" in said and (marks or (len(said) > 2 and _between(values)))
    if unmarked:
        inside.say("ignore", [0], f"0 stands between the others ({share:.0%} of samples): unmarked")
    if marks:
        inside.say("tmax", "next", "a label lasts until the next marker; or write seconds, such as 4.0")
    own = [code for code in said if not (unmarked and code == "0")]
    inside.say("labels", {_plain(code): f"class {code}" for code in own}, "write the names of the classes")


def _between(values: np.ndarray) -> bool:
    """Whether every change of a code comes from 0 or goes to it."""
    at = np.flatnonzero(np.diff(values) != 0)
    return bool(((values[at] == 0) | (values[at + 1] == 0)).all())


def _is_index(values: np.ndarray) -> bool:
    steps = np.diff(values)
    return bool(len(steps) > 0 and np.isin(steps, (0, 1)).mean() > 0.9 and (steps == 1).mean() > 0.2)


def _plain(code: str) -> int | str:
    return int(code) if re.fullmatch(r"-?\d+", code) else code


def _openbci(paths: Sequence[Path]) -> Inside:
    inside = Inside()
    content = read_bytes(paths[0])
    table = parse_table(
        content, paths[0].name, Layout(comment="%"),
        lambda names, numeric: Columns(tuple(i for i, number in enumerate(numeric) if number)),
    )  # fmt: skip
    columns = {i: table.numbers[:, k] for k, i in enumerate(table.columns.numbers)}
    exg = [i for i in columns if "EXG" in table.names[i]] or list(columns)[1:9]
    left = {i: v for i, v in columns.items() if i not in exg and i > max(exg)}
    _look_for_labels(
        inside, table.names, left, lambda i: table.names[i] if table.named else i + 1, [paths[0]], columns
    )
    _finish(inside, np.array([columns[i] for i in exg]), [f"EXG {i}" for i in exg])
    inside.say("unit", "uV", "as OpenBCI writes")
    return inside


def _arrays(paths: Sequence[Path]) -> Inside:
    inside = Inside()
    variables = load_variables(paths[0])
    numbers = {k: v for k, v in variables.items() if v.dtype.kind in "iuf"}
    rate = next((k for k, v in numbers.items() if v.size == 1 and _word(k) in facts.RATE_WORDS), None)
    if rate is not None:
        inside.say("sfreq", rate, f"it holds {float(numbers[rate].ravel()[0]):g}")
    large = [k for k, v in numbers.items() if v.ndim in (2, 3) and min(v.shape) > 1]
    large = large or [k for k, v in numbers.items() if v.size > 100]
    check(
        large, f"{str(paths[0])!r} holds no array that could be a signal: {', '.join(variables) or 'none'}."
    )
    by_name = [k for word in facts.SIGNAL_WORDS for k in large if _word(k) == word]
    signal = (by_name or sorted(large, key=lambda k: -numbers[k].size))[0]
    if len(variables) > 1:
        inside.say("signal", signal, f"{' x '.join(map(str, numbers[signal].shape))} numbers")
    values = np.asarray(numbers[signal], dtype=np.float64)
    lengths = set(values.shape)
    flat = {k: v.ravel() for k, v in numbers.items() if v.size in lengths and max(v.shape or (1,)) == v.size}
    label = next((k for word in facts.LABEL_WORDS for k in flat if _word(k) == word), None)
    run = next((k for word in facts.RUN_WORDS for k in flat if _word(k) == word), None)
    if label is not None:
        codes: set[float] = set()
        for path in paths:
            codes |= {float(c) for c in np.unique(load_variables(path).get(label, flat[label]))}
        _say_codes(inside, label, codes, flat[label].astype(float), marks=False)
    if run is not None:
        inside.say("run_column", run)
    if values.ndim == 3:
        trials = values.shape[1] > values.shape[2]
        inside.say("order", "samples" if trials else "channels", "the longer side is time")
    wide = values.reshape(-1, values.shape[-1])
    return _finish(inside, wide if wide.shape[0] < wide.shape[1] else wide.T, ())


def _word(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _binary(paths: Sequence[Path]) -> Inside:
    inside = Inside()
    content = b"".join(read_bytes(path)[:_SAMPLE_BYTES] for path in paths)
    sizes = [path.stat().st_size for path in paths]
    small = np.frombuffer(content[: len(content) // 2 * 2], "<i2")
    floats = np.frombuffer(content[: len(content) // 4 * 4], "<f4")
    with np.errstate(all="ignore"):
        real = np.isfinite(floats).all() and float(np.abs(floats).max(initial=0)) < 1e7
        tiny = float(np.mean((np.abs(floats) < 1e-12) & (floats != 0)))
    as_float = bool(real and tiny < 0.01 and not facts.is_counts(small[None].astype(float)))
    dtype, width, values = ("float32", 4, floats) if as_float else ("int16", 2, small)
    inside.say("dtype", dtype, "as its values look best; little endian")
    fits = [n for n in _CHANNEL_COUNTS if all(size % (n * width) == 0 for size in sizes)]
    check(fits, f"{str(paths[0])!r}: its size fits no number of channels. Write dtype and n_channels.")
    inside.say("n_channels", fits[0], f"the sizes fit {', '.join(map(str, fits[:5]))}: check it")
    n = len(values) // fits[0] * fits[0]
    return _finish(inside, values[:n].astype(float).reshape(-1, fits[0]).T, ())


def _xdf(paths: Sequence[Path]) -> Inside:
    inside = Inside()
    streams = describe_streams(paths[0])
    signals = [s for s in streams if not s.is_text]
    check(signals, f"{str(paths[0])!r} holds no stream of numbers.")
    best = next((s for word in ("EEG", "EMG", "EXG") for s in signals if word in s.kind.upper()), signals[0])
    if len(signals) > 1:
        inside.say("signal", best.name, "; ".join(f"{s.name} ({s.kind})" for s in signals))
    words = {word for path in paths for s in describe_streams(path) if s.is_text for word in s.words}
    if words:
        inside.labelled = True
        inside.say("classes", natural_sorted(words), "all markers: keep those that are labels")
        inside.say("tmax", "next", "a label lasts until the next marker; or write seconds, such as 4.0")
    inside.names, inside.n_samples = best.names, best.values.shape[1]
    inside.signal = best.values
    if not best.has_units:
        unit, why = facts.guess_unit(best.values)
        inside.say("unit", unit, why)
    return inside


def _mne(paths: Sequence[Path]) -> Inside:
    inside = Inside()
    marks: list[str] = []
    lasting = several = False
    for path in paths:
        raw, _ = read_raw(path, preload=False)
        own = {d for said in raw.annotations.description if not is_boundary(d := plain_text(str(said)))}
        several = several or len(own) > 1
        marks += own
        lasting = lasting or bool((raw.annotations.duration > 1.5 / raw.info["sfreq"]).any())
    kinds = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    meant = {name: kind for name in raw.ch_names if (kind := _type_meant(name, kinds[name])) != kinds[name]}
    if meant:
        inside.say("channel_types", meant, "as their names say")
    if several:
        inside.labelled = True
        inside.say("classes", natural_sorted(set(marks)), "all annotations: keep those that are labels")
        if not lasting:
            inside.say("tmax", "next", "annotations are points: each lasts until the next; or write seconds")
    kept = [n for n in raw.ch_names if meant.get(n, kinds[n]) in ("eeg", "emg")]
    inside.names, inside.n_samples = tuple(kept), int(raw.n_times)
    if sum(n.lower() in facts.ELECTRODES for n in kept) >= 3 and raw.get_montage() is None:
        inside.say("montage", "standard_1020")
    return inside


def _type_meant(name: str, kind: str) -> str:
    """Return the type that a channel's name says."""
    word = (re.match(r"[A-Za-z]+", name) or [""])[0].lower()
    if kind == "eeg":
        if word.startswith("emg"):
            return "emg"
        if word.startswith(("ecg", "ekg")):
            return "ecg"
        if "eog" in word:
            return "eog"
        if re.fullmatch(r"[AM][12]-[AM][12]", name):
            return "misc"
    return kind


_LOOKS: Mapping[str, Callable[[Sequence[Path]], Inside]] = {
    "text": _text,
    "openbci": _openbci,
    "mat": _arrays,
    "numpy": _arrays,
    "binary": _binary,
    "xdf": _xdf,
    "mne": _mne,
}
