"""Steps that choose, order and name channels, so that all recordings of a set agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...errors import check, check_option
from ..recording import Recording
from .common import check_channels, keep_channels, own_channels

CASES = ("keep", "upper", "lower", "10-20")


def rename_channels(
    recording: Recording,
    *,
    prefixes: Sequence[str] = ("EEG ", "EMG "),
    suffixes: Sequence[str] = ("-REF", "-LE", "."),
    case: str = "keep",
    names: Mapping[str, str] | None = None,
) -> Recording:
    """Rename channels by rule: prefixes and suffixes off, spelling, then name by name.

    Parameters
    ----------
    recording : Recording
        Of any device.
    prefixes, suffixes : sequence of str
        Taken off as often as they stand there, in capitals or not.
    case : {"keep", "upper", "lower", "10-20"}
        How letters are written; "10-20" as that system does: Fp1, FCz, C3.
    names : mapping of str to str, optional
        What is renamed after that, such as ``{T3: T7}``; names that a recording does not have are passed by.

    Returns
    -------
    Recording
        Copy with other names; the signal stays.

    Raises
    ------
    BiotransferError
        When two channels get one name, or a name is empty.
    """
    check_option("preprocess rename_channels: case", case, CASES)
    mapping = {}
    for name in own_channels(recording):
        new = _cased(_stripped(name.strip(), prefixes, suffixes), case)
        mapping[name] = str((names or {}).get(new, new))
    others = [name for name in recording.raw.ch_names if name not in mapping]
    after = [*mapping.values(), *others]
    twice = sorted({name for name in after if after.count(name) > 1})
    check(
        not twice and all(after),
        f"preprocess rename_channels: {recording.uid!r} would have {', '.join(twice) or 'an empty name'} "
        f"twice or empty, from {', '.join(old for old, new in mapping.items() if new in twice or not new)}. "
        "Expected one name each. Give other prefixes or suffixes, or names: {OLD: NEW}.",
    )
    raw = recording.raw.copy()
    raw.rename_channels({old: new for old, new in mapping.items() if old != new}, verbose="error")
    return recording.with_raw(raw)


def _stripped(name: str, prefixes: Sequence[str], suffixes: Sequence[str]) -> str:
    """Take off what stands before and after, until nothing changes."""
    before = ""
    while name != before:
        before = name
        for prefix in prefixes:
            if prefix and name.lower().startswith(prefix.lower()):
                name = name[len(prefix) :].strip()
        for suffix in suffixes:
            if suffix and name.lower().endswith(suffix.lower()):
                name = name[: -len(suffix)].strip()
    return name


def _cased(name: str, case: str) -> str:
    if case == "10-20":
        upper = name.upper()
        upper = f"Fp{upper[2:]}" if upper.startswith("FP") and not upper.startswith("FPZ") else upper
        return f"Fpz{upper[3:]}" if upper.startswith("FPZ") else upper.replace("Z", "z")
    return {"upper": name.upper(), "lower": name.lower()}.get(case, name)


def pick_channels(recording: Recording, *, channels: Sequence[str] | None = None) -> Recording:
    """Keep some channels, in one order.

    Parameters
    ----------
    recording : Recording
        Its channels of other types stay.
    channels : sequence of str, optional
        Which, in this order; those that all recordings of the data set have, and that are good in all of
        them, in the order of the first one, when not given.

    Returns
    -------
    Recording
        Copy with these channels of the modality.

    Raises
    ------
    BiotransferError
        For a channel that a recording does not have, or that is marked bad in it.
    """
    wanted = list(channels) if channels is not None else recording.ch_names
    check(wanted, "preprocess pick_channels: channels=[] names none. Name one, or leave the step out.")
    check_channels("pick_channels", wanted, own_channels(recording), recording.uid)
    bad = [name for name in wanted if name not in recording.ch_names]
    check(
        not bad,
        f"preprocess pick_channels: {', '.join(bad)} of {recording.uid!r} is marked bad. Expected good "
        "channels. Put bad_channels before it, which interpolates them, or leave channels out.",
    )
    return keep_channels(recording, wanted)


def common_channels(recordings: Iterable[Recording], *, channels: Sequence[str] | None) -> dict[str, Any]:
    """Find the channels that are good in all recordings, in the order of the first."""
    if channels is not None:
        return {}
    shared: list[str] = []
    first = ""
    for recording in recordings:
        before = shared if first else recording.ch_names
        shared = [name for name in before if name in recording.ch_names]
        first = first or recording.uid
        check(
            shared,
            f"preprocess pick_channels: {recording.uid!r} has none of the good channels that the recordings "
            f"before it share ({', '.join(before)}); it has {', '.join(recording.ch_names)}. Rename channels "
            "first: preprocess: [rename_channels, pick_channels, ...].",
        )
    return {"channels": shared}


def drop_channels(recording: Recording, *, channels: Sequence[str]) -> Recording:
    """Leave some channels out, where a recording has them.

    Parameters
    ----------
    recording : Recording
        Its channels of other types stay.
    channels : sequence of str
        Which.

    Returns
    -------
    Recording
        Copy without these channels of the modality.

    Raises
    ------
    BiotransferError
        When no good channel is left.
    """
    left = [name for name in own_channels(recording) if name not in channels]
    check(
        any(name in left for name in recording.ch_names),
        f"preprocess drop_channels: channels={list(channels)} leaves no good channel of {recording.uid!r}. "
        "Expected one or more. Name fewer.",
    )
    return keep_channels(recording, left)


def say_rename(
    prefixes: Sequence[str], suffixes: Sequence[str], case: str, names: Mapping[str, str] | None
) -> str:
    """Say what rename did."""
    by_name = f" ({', '.join(f'{old} to {new}' for old, new in names.items())})" if names else ""
    return f"given common channel names{by_name}"


def say_pick(channels: Sequence[str] | None) -> str:
    """Say what pick did."""
    which = (
        "the channels that all recordings share" if channels is None else f"channels {', '.join(channels)}"
    )
    return f"restricted to {which}"


def say_drop(channels: Sequence[str]) -> str:
    """Say what drop did."""
    return f"freed of channels {', '.join(channels)}"
