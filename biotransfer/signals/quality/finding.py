"""One thing that is wrong, and the kinds of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ...showing import html_table, one_line

SEVERITIES = ("note", "warning", "error")
KINDS: Mapping[str, str] = {
    "known": "what the card of the data set says",
    "noticed": "a defect the loader met and dealt with",
    "unused_file": "a file that was seen and is not used",
    "gap": "time stamps jump: samples are missing",
    "rounded_time": "time stamps are coarser than the sampling",
    "near_copy": "two recordings hold the same samples",
    "shared": "a stretch of one recording is in another too",
    "dead": "no channel of the recording moves",
    "flat": "a channel stands still",
    "clipped": "a channel sits at the rails of its amplifier",
    "noisy": "a channel is far louder than its neighbors",
    "jump": "a channel steps to another level",
    "mains": "much of a channel's power is mains hum",
    "hum_by_class": "the hum of the mains tells the classes apart",
    "line_differs": "hum stands out at another mains frequency than the declared one",
    "filtered": "a filter was there before",
    "unfiltered": "no filter was there before",
    "unused_channels": "channels that are no electrode of this modality",
    "confounded": "every class has recordings of its own",
    "clock": "the labels follow a clock",
    "unbalanced": "classes differ in length",
    "short": "little labelled signal",
    "short_file": "a file is shorter than the others",
    "unlabelled": "no label of the classes",
    "unit": "amplitudes that electrodes seldom give",
    "loudness": "a person or recording is far louder or quieter than the others",
    "named_otherwise": "channels are called as those of the other modality are",
    "channels_differ": "other channels, or another order, than the others have",
    "electrode_order": "a person's channels agree with the others' only in another order",
    "rates_differ": "another sampling rate than the others have",
    "spelling": "a label differs from a class by case, blanks or dashes only",
    "one_class": "a person with one class only",
    "missing_class": "a class that others have is missing",
    "session_is_class": "every class was recorded in a session of its own",
    "no_windows": "labelled signal gives no window",
    "lost": "much labelled signal is in no window",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Parameters
    ----------
    kind : str
        A key of ``KINDS``.
    severity : {"note", "warning", "error"}
        "error" when nothing can be learned from the channel or recording.
    recording : str
        Its uid; "" when the whole data set is meant.
    channel : str
        Its name, "" when the whole recording is meant.
    message : str
        A sentence with numbers.
    value : float
        The number: seconds for gap, short, short_file and clock, a share or ratio for the others, NaN where
        there is none.
    file : str
        The file, where a recording joins several and one of them is meant.
    """

    kind: str
    severity: str
    recording: str
    channel: str
    message: str
    value: float
    file: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: {self.kind}: {self.recording or 'all recordings'}: {self.message}"

    def __repr__(self) -> str:
        return one_line(f"Finding {self}")

    def _repr_html_(self) -> str:
        return html_table({**asdict(self), "value": f"{self.value:.4g}"})


def note(kind: str, recording: str, message: str, value: float = float("nan"), **where: str) -> Finding:
    """Return what a reader should know."""
    return Finding(kind, "note", recording, where.get("channel", ""), message, value, where.get("file", ""))


def warning(kind: str, recording: str, message: str, value: float = float("nan"), **where: str) -> Finding:
    """Return what changes an estimate."""
    return Finding(
        kind, "warning", recording, where.get("channel", ""), message, value, where.get("file", "")
    )


def error(kind: str, recording: str, message: str, value: float = float("nan"), **where: str) -> Finding:
    """Return what nothing can be learned from."""
    return Finding(kind, "error", recording, where.get("channel", ""), message, value, where.get("file", ""))
