"""Recordings -> findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...errors import one_or_many
from ...showing import html_rows
from ..datasets.loaded import Loaded
from ..recording import FROM_RAWS, Recording
from ..spectra import Spectrum, spectrum_of
from .channels import signal_findings
from .copies import copy_findings
from .facts import recording_facts
from .finding import Finding, note
from .grouping import group_findings
from .labels import channel_findings, label_findings, time_findings
from .people import people_findings
from .sets import set_findings


class Findings(list[Finding]):
    """Findings in order; Jupyter shows them in groups, the most severe first."""

    def _repr_html_(self) -> str:
        groups = group_findings(self)
        rows = [
            (group.severity, group.kind.replace("_", " "), len(group.findings), group.message)
            for group in groups
        ]
        return html_rows(("severity", "kind", "how often", "what"), rows)


def inspect_recordings(recordings: Iterable[Recording]) -> Findings:
    """Look for defects in every recording, and for copies and confounding among them.

    Parameters
    ----------
    recordings : iterable of Recording
        Signals in V, as loaded: filters hide clipping and hum.

    Returns
    -------
    Findings
        A list of Finding in the order of the recordings, then what concerns all of them, copies last; empty
        when nothing was found.

    Raises
    ------
    BiotransferError
        When there is no recording.
    """
    files = recordings.files if isinstance(recordings, Loaded) else ()
    recordings = one_or_many("recordings", recordings, Recording, FROM_RAWS)
    spectra = [spectrum_of(recording) for recording in recordings]
    unused = [file for file in files if not file.used]
    found = [
        *(f for recording, s in zip(recordings, spectra, strict=True) for f in _inspect(recording, s)),
        *(note("unused_file", "", f"'{f.path}' is not used: {f.why}.", file=f.path) for f in unused),
        *set_findings(recordings, spectra),
        *people_findings([recording_facts(recording) for recording in recordings]),
        *copy_findings(recordings),
    ]
    return Findings(found)


def inspect_recording(recording: Recording) -> list[Finding]:
    """Look for defects in one recording; see :func:`inspect_recordings`.

    Notes
    -----
    flat: samples inside runs of at least 0.5 s of one value, 1 % or more of all; dead: half or more in every
    channel. clipped: the largest or smallest value occurs at least 5 times and more than 3 times as often as
    the median of the ten values next to it, and both together make 0.05 % of the samples or more. noisy: the
    median step between samples is more than 5 robust standard deviations (of its logarithm, over four
    channels or more) and 5 times above the median channel. jump: the level (median of 0.1 s) changes between
    two samples by more than 3 times the range on either side. mains: 50 or 60 Hz +- 1 Hz hold 10 % or more of
    the power above 1 Hz, and stand out 3 times over their neighbors. filtered: the power at 50 or 60 Hz is
    below 0.4 of its neighbors', or that of an EEG stays 30 dB below its
    median from 10 to 30 Hz above a frequency far from the Nyquist frequency. short: less than 10 s carry a
    label. clock: four labels or more that follow on each other without a pause last equally long (5 %).
    Source: own.
    """
    return _inspect(recording, spectrum_of(recording))


def _inspect(recording: Recording, spectrum: Spectrum | None) -> list[Finding]:
    return [
        *_noticed(recording),
        *time_findings(recording),
        *label_findings(recording),
        *channel_findings(recording),
        *signal_findings(recording, spectrum),
    ]


def _noticed(recording: Recording) -> Iterator[Finding]:
    for text in recording.notes:
        yield note("noticed", recording.uid, text)
