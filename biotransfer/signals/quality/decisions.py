"""What was decided about findings: a table that is saved, edited and applied again to the same recordings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import mne

from ...errors import BiotransferError, check, check_option
from ..datasets.loaded import Loaded, SeenFile
from ..recording import Recording, is_boundary
from .finding import Finding

if TYPE_CHECKING:
    import pandas as pd

KEEP, DROP, INTERPOLATE, CROP = "keep", "drop", "interpolate", "crop"
ACTIONS = {
    KEEP: "nothing is done",
    DROP: "the recording, the file or, of all recordings, the channel is left out",
    INTERPOLATE: "the channel is made anew from its neighbors (EEG with electrode positions)",
    CROP: "only the seconds of the argument are kept, such as 10-50, 10- or -50",
}
COLUMNS = ("severity", "kind", "recording", "channel", "file", "value", "message", "action", "argument")
_SECONDS = re.compile(r"\s*(\d+(?:\.\d+)?)?\s*-\s*(\d+(?:\.\d+)?)?\s*")
_DROPPED = "BAD dropped"
_LEFT_OUT = "it is left out by decision"


@dataclass(frozen=True)
class Decision:
    """What to do about one finding.

    Parameters
    ----------
    action : {"drop", "interpolate", "crop"}
        See ``ACTIONS``.
    recording : str
        Its uid; "" for all.
    channel, file : str
        Which; "" when the whole recording is meant.
    argument : str
        Of crop: the seconds to keep.
    why : str
        The kind of the finding.
    """

    action: str
    recording: str
    channel: str = ""
    file: str = ""
    argument: str = ""
    why: str = ""

    def __str__(self) -> str:
        """Say what is done, as a sentence."""
        why = f" ({self.why.replace('_', ' ')})" if self.why else ""
        if self.action == INTERPOLATE:
            done = f"{self.channel} is interpolated"
        elif self.action == CROP:
            done = f"only {self.argument} s are kept"
        elif self.channel:
            return f"By decision {self.channel} is left out of all recordings{why}."
        else:
            done = f"'{self.file}' is left out" if self.file else "it is left out"
        return f"{self.recording or 'all recordings'}: by decision {done}{why}."


def findings_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a table, with a column for what to do about each.

    Parameters
    ----------
    findings : iterable of Finding
        As :func:`.inspect_recordings` returns them.

    Returns
    -------
    DataFrame
        One row per finding: severity, kind, recording, channel, file, value, message, action ("keep" in all
        of them) and argument. Save it, change actions to drop, interpolate or crop, and name the file in a
        recipe's data section (``decisions: findings.csv``).

    Examples
    --------
    >>> from biotransfer import inspect_recordings, simulate_eeg
    >>> table = findings_table(inspect_recordings(simulate_eeg(n_subjects=1, mains_uv=100.0)))
    >>> set(table["action"])
    {'keep'}
    """
    import pandas as pd

    rows = [{**asdict(finding), "action": KEEP, "argument": ""} for finding in findings]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def read_decisions(path: str | Path) -> list[Decision]:
    """Read an edited table of findings; rows that keep are left out.

    Raises
    ------
    BiotransferError
        When the file is not there or no such table, or an action or argument is unknown: the line is named.
    """
    import pandas as pd

    path = Path(path)
    check(
        path.is_file(),
        f"decisions={str(path)!r} is no file. Write one: biotransfer inspect TARGET --out findings.csv",
    )
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise BiotransferError(
            f"decisions={str(path)!r} cannot be read ({error}). Expected CSV as inspect --out writes it."
        ) from error
    absent = [name for name in ("recording", "action") if name not in table]
    check(
        not absent,
        f"decisions={str(path)!r} lacks the column {', '.join(absent)}. Expected "
        f"{', '.join(COLUMNS)}. "
        "Write the file again: biotransfer inspect TARGET --out findings.csv",
    )
    made = []
    for line, row in enumerate(table.to_dict("records"), 2):
        given = {str(k): str(v).strip() for k, v in row.items()}
        action = given["action"] or KEEP
        try:
            check_option("action", action, ACTIONS)
            one = Decision(
                action, *(given.get(k, "") for k in ("recording", "channel", "file", "argument", "kind"))
            )
            _check(one)
        except BiotransferError as error:
            raise BiotransferError(f"decisions={str(path)!r}, line {line}: {error}") from error
        if action != KEEP and one not in made:
            made.append(one)
    return made


def _check(decision: Decision) -> None:
    action, whole = decision.action, not decision.channel and not decision.file
    if action == DROP:
        check(
            bool(decision.recording) or not whole,
            "drop names no recording, channel or file: nothing would be left. Name one of them.",
        )
    if action == INTERPOLATE:
        check(bool(decision.channel), "interpolate names no channel. Fill in the column channel.")
    if action == CROP:
        named = _SECONDS.fullmatch(decision.argument)
        ends = [None if named is None or not named[i] else float(named[i]) for i in (1, 2)]
        fits = None in ends or (ends[0] or 0.0) < (ends[1] or 0.0)
        check(
            named is not None and any(end is not None for end in ends) and fits and bool(decision.recording),
            f"crop with argument={decision.argument!r} of recording {decision.recording!r}. Expected a "
            "recording and the seconds to keep, such as 10-50, 10- or -50.",
        )


def apply_decisions(
    recordings: Sequence[Recording], decisions: Sequence[Decision]
) -> tuple[Loaded, list[str]]:
    """Do what was decided about recordings.

    Parameters
    ----------
    recordings : sequence of Recording
        As loaded; they are not changed.
    decisions : sequence of Decision
        As :func:`read_decisions` returns them.

    Returns
    -------
    recordings : Loaded
        Without what was dropped, and with its files said to be left out.
    said : list of str
        A sentence for each thing done, and for decisions about what is not loaded.

    Raises
    ------
    BiotransferError
        When nothing would be left, a channel has no position to be interpolated at, a crop lies outside, or a
        name does not belong to the recording.
    """
    files = {file.path: file for file in (recordings.files if isinstance(recordings, Loaded) else ())}
    kept = {recording.uid: recording for recording in recordings}
    said: list[str] = []
    absent = 0
    for one in decisions:
        uids = [uid for uid in kept if one.recording in ("", uid)]
        if not uids:
            absent += one.recording not in {r.uid for r in recordings}
            continue
        if one.action == DROP and one.channel:
            changed = _without_channel(list(kept.values()), one.channel)
            said.append(str(one))
            kept = {r.uid: r for r in changed}
            continue
        for uid in uids:
            if one.action == DROP and not one.file:
                gone = kept.pop(uid)
                said.append(str(one))
                if gone.source_file in files:
                    files[gone.source_file] = SeenFile(gone.source_file, gone.subject, _LEFT_OUT)
                continue
            done = _change(kept[uid], one)
            if done is not kept[uid]:
                said.append(str(replace(one, recording=uid)))
                kept[uid] = done
                if one.file in files:
                    files[one.file] = replace(files[one.file], why=_LEFT_OUT)
    if absent:
        said.append(
            f"{absent} decision{'s name' if absent > 1 else ' names'} recordings that are not loaded."
        )
    check(kept, "decisions leave no recording. Keep some of them.")
    return Loaded(kept.values(), files.values()), said


def _change(recording: Recording, one: Decision) -> Recording:
    """Return a changed recording, or the same where it is not concerned."""
    if one.action == CROP:
        return _crop(recording, one.argument)
    if one.action == INTERPOLATE:
        return _interpolate(recording, one.channel)
    return _without_file(recording, one.file)


def _crop(recording: Recording, argument: str) -> Recording:
    named = _SECONDS.fullmatch(argument)
    assert named is not None
    sfreq, n = recording.sfreq, recording.raw.n_times
    first = round(float(named[1] or 0.0) * sfreq)
    last = min(n, round(float(named[2]) * sfreq) if named[2] else n)
    check(
        first < last,
        f"crop {argument!r} lies outside of {recording.uid!r}, which lasts {n / sfreq:.1f} s. Keep some.",
    )
    raw = recording.raw.copy().crop(first / sfreq, (last - 1) / sfreq)
    times = recording.timestamps
    return replace(recording, raw=raw, timestamps=None if times is None else times[first:last])


def _interpolate(recording: Recording, channel: str) -> Recording:
    check(
        channel in recording.ch_names,
        f"interpolate: {recording.uid!r} has no channel {channel!r}; it has {', '.join(recording.ch_names)}.",
    )
    check(
        recording.modality == "eeg" and recording.raw.get_montage() is not None,
        f"interpolate {channel!r} of {recording.uid!r}: it has no electrode positions. Write action drop, "
        "which leaves the channel out of all recordings, or give it a montage.",
    )
    raw = recording.raw.copy().load_data(verbose="error")
    bads = list(raw.info["bads"])
    raw.info["bads"] = [channel]
    raw.interpolate_bads(reset_bads=True, mode="accurate", verbose="error")
    raw.info["bads"] = bads
    return recording.with_raw(raw)


def _without_channel(recordings: Sequence[Recording], channel: str) -> list[Recording]:
    having = [recording for recording in recordings if channel in recording.ch_names]
    names = sorted({name for recording in recordings for name in recording.ch_names})
    check(having, f"drop: no recording has the channel {channel!r}. There are {', '.join(names)}.")
    check(
        all(len(recording.ch_names) > 1 for recording in having),
        f"drop: {channel!r} is the only channel of a recording. Drop that recording instead.",
    )
    out = []
    for recording in recordings:
        if channel in recording.ch_names:
            recording = recording.with_raw(recording.raw.copy().drop_channels([channel]))
        out.append(recording)
    return out


def _without_file(recording: Recording, file: str) -> Recording:
    """Mark the stretch of a file as bad, so that no window touches it."""
    marks = recording.raw.annotations
    extras = marks.extras if getattr(marks, "extras", None) is not None else [None] * len(marks)
    hit = [dict(own or {}).get("source_file") == file for own in extras]
    if not any(hit):
        return recording
    names = [
        _DROPPED if mine and not is_boundary(str(name)) else name
        for mine, name in zip(hit, marks.description, strict=True)
    ]
    raw = recording.raw.copy()
    raw.set_annotations(
        mne.Annotations(marks.onset, marks.duration, names, orig_time=marks.orig_time, extras=list(extras)),
        emit_warning=False,
    )
    return recording.with_raw(raw)
