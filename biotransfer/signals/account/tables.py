"""The account: what was found, what is used, and where every sample went, by person or by file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ...errors import check, check_option, one_or_many
from ...showing import with_picture
from ..datasets.loaded import SeenFile, seen_files
from ..quality.facts import Facts, recording_facts
from ..recording import FROM_RAWS, Recording, natural_sorted
from ..windows import Windows
from ..windows.cutting import Cutting, kept_uids, uid_of, window_pieces
from ..windows.fates import FATES, sample_fates

ROWS = ("person", "file")
_NEARLY = 0.1
LOST = tuple(fate for fate in FATES if fate != "in_windows")
DETAIL = ("subject", "session", "recording", "file", "used", "why", "sfreq", "samples", "windows", *FATES)
"""Columns of the account by file."""


def account(
    recordings: Recording | Sequence[Recording],
    windows: Windows | None = None,
    *,
    rows: str = "person",
    length: float = Cutting.length,
    step: float = Cutting.step,
    by: str = Cutting.by,
    n_times: int | None = Cutting.n_times,
    min_length: float | None = Cutting.min_length,
) -> pd.DataFrame:
    """Say where every file, trial and sample of recordings went when windows are cut.

    Parameters
    ----------
    recordings : Recording or sequence of Recording
        What windows are cut from. What a loader returns also knows the files that it saw and did not use.
    windows : Windows, optional
        Those that were kept of the windows that this cutting gives; the others count as taken out.
    rows : {"person", "file"}
        What a row is about.
    length, step, by, n_times, min_length
        As for ``cut_windows``.

    Returns
    -------
    DataFrame
        By person: files found, not used, and why; recordings, sessions, trials (annotations of the classes),
        windows of every class; seconds in windows and lost, by reason; sampling rate in Hz, channels, bad
        ones, and the median amplitude by channel type in uV. By file: samples by reason, which add up to its
        length, and files that are not used with their reason.

    Raises
    ------
    BiotransferError
        When there is no recording, windows are of other recordings, or as ``cut_windows``.

    Examples
    --------
    >>> from biotransfer import simulate_emg
    >>> table = account(simulate_emg(n_subjects=2, seed=0))
    >>> bool((table["seconds"] >= table["seconds_in_windows"]).all())
    True
    """
    check_option("rows", rows, ROWS)
    people, files = account_tables(recordings, windows, Cutting(length, step, by, n_times, min_length))
    return files if rows == "file" else Account(people)


class Account(pd.DataFrame):
    """The account by person, a DataFrame; Jupyter shows a figure with it."""

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        return with_picture(self, pd.DataFrame(self).to_html(index=False))


def account_tables(
    recordings: Recording | Sequence[Recording], windows: Windows | None, cutting: Cutting
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the account by person and by file, see :func:`account`."""
    seen = seen_files(recordings) if not isinstance(recordings, Recording) else ()
    recordings = one_or_many("recordings", recordings, Recording, FROM_RAWS)
    kept = None if windows is None else _kept(windows, cutting)
    detail, counted = [], []
    for recording in recordings:
        lines, counts = account_recording(recording, cutting, kept)
        detail += lines
        counted += counts
    if kept is not None:
        found = sum(row["windows"] for row in counted)
        check(
            found == len(kept),
            f"windows: {len(kept) - found} of {len(kept)} are none of these recordings cut by "
            f"length={cutting.length}, step={cutting.step}, by={cutting.by!r}. Pass the recordings and the "
            "cutting that they are from.",
        )
    files = file_table(detail, seen)
    return person_table([recording_facts(recording) for recording in recordings], counted, files), files


def _kept(windows: Windows, cutting: Cutting) -> set[str]:
    """Return the uids of windows, refused where they are of another length."""
    lasts = (windows.metadata["stop"] - windows.metadata["start"]).median()
    check(
        not len(windows) or cutting.by == "timestamps" or abs(lasts / cutting.length - 1) < _NEARLY,
        f"windows last {lasts:g} s, and length={cutting.length:g} s. Pass the length and step that they "
        "were cut by.",
    )
    return set(windows.metadata["uid"])


def account_recording(
    recording: Recording, cutting: Cutting, kept: set[str] | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of one recording: samples by file and fate; windows, seconds by class and fate.

    Parameters
    ----------
    recording : Recording
        What windows are cut from.
    cutting : Cutting
        How.
    kept : set of str, optional
        Uids of the windows that were kept; all when left out.
    """
    kept = kept_uids(recording, cutting) if kept is None else kept
    whole = sample_fates(recording, cutting, kept)
    fates = whole.table()
    labelled = set(recording.classes) & set(fates["label"])
    pieces = [
        piece
        for piece in (window_pieces(recording, cutting) if labelled else [])
        if kept is None or uid_of(recording, piece) in kept
    ]
    of_file: dict[str, int] = {}
    of_class: dict[str, int] = {}
    for piece in pieces:
        begins_in = whole.files[whole.file[piece.first]]
        of_file[begins_in] = of_file.get(begins_in, 0) + 1
        name = recording.classes[piece.label]
        of_class[name] = of_class.get(name, 0) + 1
    where = {"subject": recording.subject, "session": recording.session, "recording": recording.uid}
    detail = []
    for file, part in fates.groupby("source_file", sort=False):
        samples = part.groupby("fate")["samples"].sum()
        detail.append(
            {
                **where,
                "file": str(file),
                "used": True,
                "why": "",
                "sfreq": recording.sfreq,
                "samples": int(samples.sum()),
                "windows": of_file.get(str(file), 0),
                **{fate: int(samples.get(fate, 0)) for fate in FATES},
            }
        )
    by_label = (fates.groupby(["label", "fate"])["samples"].sum() / recording.sfreq).to_dict()
    counted = [
        {
            **where,
            "label": name,
            "windows": of_class.get(name, 0),
            **{fate: float(by_label.get((name, fate), 0.0)) for fate in FATES},
        }
        for name in recording.classes
        if name in labelled
    ]
    return detail, counted


def file_table(detail: Iterable[Mapping[str, Any]], files: Iterable[SeenFile] = ()) -> pd.DataFrame:
    """Return the account by file: those of :func:`account_recording`, then those without samples.

    The latter are not used, or belong to another file, such as its header or a table of labels.
    """
    seen_as = {seen.path: seen for seen in files}
    lines = [
        {**row, "used": seen_as[row["file"]].used, "why": seen_as[row["file"]].why}
        if row["file"] in seen_as
        else dict(row)
        for row in detail
    ]
    known = {row["file"] for row in lines}
    zeros = dict.fromkeys(("samples", "windows", *FATES), 0)
    for seen in seen_as.values():
        if seen.path not in known:
            lines.append({"subject": seen.subject, "session": "", "recording": "", "file": seen.path,
                          "used": seen.used, "why": seen.why, "sfreq": float("nan"), **zeros})  # fmt: skip
    return pd.DataFrame(lines, columns=list(DETAIL))


def person_table(
    facts: Sequence[Facts], counted: Iterable[Mapping[str, Any]], detail: pd.DataFrame
) -> pd.DataFrame:
    """Return the account by person.

    Parameters
    ----------
    facts : sequence of Facts
        Of every recording, as loaded.
    counted : iterable of mapping
        Of every recording and class, see :func:`account_recording`.
    detail : DataFrame
        By file, see :func:`file_table`.
    """
    windows: dict[tuple[str, str], int] = {}
    for row in counted:
        key = (row["subject"], row["label"])
        windows[key] = windows.get(key, 0) + row["windows"]
    classes = list(dict.fromkeys(name for one in facts for name in one.classes))
    kinds = list(dict.fromkeys(kind for one in facts for kind in one.amplitudes))
    by_person: dict[str, list[Facts]] = {}
    for one in facts:
        by_person.setdefault(one.subject, []).append(one)
    whose = dict(list(detail.groupby("subject", sort=False)))
    out = []
    for who in natural_sorted({*by_person, *map(str, whose)}):
        own, part = by_person.get(who, []), whose.get(who, detail.iloc[:0])
        unused = part[~part["used"].astype(bool)]
        held = part[part["samples"] > 0]
        seconds = {fate: float((held[fate] / held["sfreq"]).sum()) for fate in FATES}
        out.append(
            {
                "subject": who,
                "files": int((part["file"] != "").sum()),
                "files_not_used": len(unused),
                "why_not_used": "; ".join(dict.fromkeys(unused["why"])),
                "recordings": len(own),
                "sessions": len({one.session for one in own}),
                "trials": sum(one.labels.get(name, (0, 0.0))[0] for one in own for name in one.classes),
                "windows": sum(windows.get((who, name), 0) for name in classes),
                **{f"windows_{name}": windows.get((who, name), 0) for name in classes},
                "seconds": sum(seconds.values()),
                "seconds_in_windows": seconds["in_windows"],
                **{f"lost_{fate}": seconds[fate] for fate in LOST},
                "sfreq": ", ".join(f"{rate:g}" for rate in sorted({one.sfreq for one in own})),
                "channels": ", ".join(str(n) for n in sorted({len(one.ch_names) for one in own})),
                "bad_channels": ", ".join(natural_sorted({name for one in own for name in one.bads})),
                **{f"{kind}_uV": _median([one.amplitudes[kind] for one in own if kind in one.amplitudes])
                   for kind in kinds},
            }
        )  # fmt: skip
    return pd.DataFrame(out)


def _median(values: Sequence[float]) -> float:
    return float(pd.Series(values, dtype=float).median())
