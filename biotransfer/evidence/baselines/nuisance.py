"""Features that should not carry the label, measured in the windows of a study before anything was filtered.

A network that reaches no more than they do has shown nothing about the brain or the muscle: mains hum, the
level of the signal, slow drift, blinks, bad contacts, and when a recording was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...catalog import Catalog, Entry, Fact
from ...errors import check
from ...signals.mains import find_hum
from ...signals.preprocessing import preprocess
from ...signals.recording import MODALITIES, Recording, natural_sorted
from ...signals.spectra import MAINS_HZ, harmonics, hum_bins, power_density, spectrum_of
from ...signals.windows import Windows
from ...signals.windows.cutting import Cutting, cut_recording

STAGES = ("raw", "notch")
_FRONTAL = ("FP", "AF", "F7", "F8")
_SLOW_HZ = 4.0
_BLINK_V = 75e-6
_RATE_S = 5.0
_TINY = 1e-15
_DAY_S = 86_400.0

Measured = tuple[np.ndarray, list[str]]


def _spectrum(windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies and the power of every window and channel, in V^2 per bin."""
    freqs, density = power_density(windows.X, float(windows.sfreq or 0), by_scipy=True)
    return freqs, density * freqs[1]


def _around(freqs: np.ndarray, power: np.ndarray, line: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the power at a frequency, and what as many bins hold at its neighbors."""
    inside, beside = hum_bins(freqs, line)
    return power[..., inside].sum(axis=-1), inside.sum() * np.median(power[..., beside], axis=-1)


def mains(windows: Windows, line: float) -> Measured:
    """Power of the mains hum and its harmonics, in every channel.

    Notes
    -----
    EEG: log10 of the power within 1 Hz. EMG has power of its own there: log10 of the ratio to the power 2 to
    6 Hz away.
    """
    freqs, power = _spectrum(windows)
    columns, names = [], []
    for freq in harmonics(line, float(windows.sfreq or 0)):
        own, beside = _around(freqs, power, freq)
        value = own if windows.modality == "eeg" else (own + _TINY**2) / (beside + _TINY**2)
        columns.append(np.log10(value + _TINY**2))
        names += [f"{freq:g} Hz {name}" for name in windows.names]
    return np.concatenate(columns, axis=1) if columns else np.empty((len(windows), 0)), names


def amplitude(windows: Windows, line: float) -> Measured:
    """How large the signal is: log10 of root mean square and range around the mean, in every channel."""
    level, span = windows.X.std(axis=-1), np.ptp(windows.X, axis=-1)
    names = [f"{what} {name}" for what in ("rms", "range") for name in windows.names]
    return np.log10(np.concatenate([level, span], axis=1) + _TINY), names


def pattern(windows: Windows, line: float) -> Measured:
    """Shares of the channels in the level, and their median frequencies: a signal without its level.

    Notes
    -----
    log10 of root mean square less its mean over channels; the frequency in Hz below which half of the power
    above 1 Hz lies. A gain that all channels share changes neither.
    """
    level = np.log10(windows.X.std(axis=-1) + _TINY)
    freqs, power = _spectrum(windows)
    total = np.cumsum(np.where(freqs >= 1.0, power, 0.0), axis=-1)
    half = freqs[np.argmax(total >= total[..., -1:] / 2, axis=-1)]
    names = [f"{what} {name}" for what in ("share", "median frequency") for name in windows.names]
    return np.concatenate([level - level.mean(axis=1, keepdims=True), half], axis=1), names


def drift(windows: Windows, line: float) -> Measured:
    """Where the signal stands and where it goes: mean, and slope of a straight line, in every channel."""
    time = np.linspace(-0.5, 0.5, windows.X.shape[-1])
    slope = windows.X @ time / (time @ time)
    names = [f"{what} {name}" for what in ("offset", "slope") for name in windows.names]
    return np.concatenate([windows.X.mean(axis=-1), slope], axis=1) * 1e6, names


def blinks(windows: Windows, line: float) -> Measured:
    """Eye movements: the largest slow deflection in every frontal channel, and how often there is one.

    Notes
    -----
    Slow: below 4 Hz. A window has a blink where the slow signal of a frontal channel spans 75 uV or more; the
    rate is the share of such windows within 5 s in the same recording.
    """
    front = [i for i, name in enumerate(windows.names) if name.upper().startswith(_FRONTAL)]
    names = [f"slow range {windows.names[i]}" for i in front]
    if not front:
        return np.empty((len(windows), 0)), names
    X = windows.X[:, front]
    spectrum = np.fft.rfft(X - X.mean(axis=-1, keepdims=True), axis=-1)
    spectrum[..., np.fft.rfftfreq(X.shape[-1], 1 / float(windows.sfreq or 1)) > _SLOW_HZ] = 0
    spans = np.ptp(np.fft.irfft(spectrum, X.shape[-1], axis=-1), axis=-1)
    blink = (spans >= _BLINK_V).any(axis=1).astype(float)
    rate = np.zeros(len(windows))
    begins = windows.metadata["start"].to_numpy(float)
    for rows in windows.metadata.groupby("recording", sort=False).indices.values():
        near = np.abs(begins[rows][:, None] - begins[rows]) <= _RATE_S
        rate[rows] = near @ blink[rows] / near.sum(axis=1)
    return np.column_stack([np.log10(spans + _TINY), rate]), [*names, "blink rate"]


def contact(windows: Windows, line: float) -> Measured:
    """Signs of a bad contact: shares of samples at the window's own extremes, and standing still."""
    X = windows.X
    top, bottom = X.max(axis=-1, keepdims=True), X.min(axis=-1, keepdims=True)
    rails = ((top == X) | (bottom == X)).mean(axis=-1)
    still = (np.diff(X, axis=-1) == 0).mean(axis=-1)
    names = [f"{what} {name}" for what in ("at rails", "still") for name in windows.names]
    return np.concatenate([rails, still], axis=1), names


def order(windows: Windows, line: float) -> Measured:
    """When a recording was made: session, day, rank among the person's recordings, as far as is known."""
    table = windows.metadata
    columns, names = [], []
    sessions = natural_sorted(table["session"].astype(str).unique())
    columns.append(table["session"].astype(str).map(sessions.index).to_numpy(float))
    names.append("session")
    if table["began"].notna().all():
        first = table["began"].groupby(table["subject"]).transform("min")
        days = np.round((table["began"] - first) / _DAY_S)
        firsts = table.groupby(["subject", "recording"])["began"].first()
        rank = firsts.groupby(level=0).rank()
        keys = pd.MultiIndex.from_frame(table[["subject", "recording"]])
        columns += [days.to_numpy(float), rank.loc[keys].to_numpy(float)]
        names += ["days after the first", "rank"]
    return np.column_stack(columns), names


NUISANCE = Catalog(
    "nuisance",
    [
        Entry("mains", "Power of the mains hum and its harmonics in every channel.", mains,
              "Bird et al. 2018, doi:10.1109/IS.2018.8710576 (a data set in which it tells the states apart)",
              {"modality": ("eeg", "emg"), "signal_in": (), "stages": STAGES}),
        Entry("amplitude", "Level and range of the signal in every channel.", amplitude,
              facts={"modality": ("eeg", "emg"), "signal_in": ("emg",), "stages": STAGES}),
        Entry("pattern", "The signal without its level: a control beside the level of an EMG.", pattern,
              facts={"modality": ("emg",), "signal_in": ("emg",), "stages": ("raw",)}),
        Entry("drift", "Offset and slow slope of every channel.", drift,
              facts={"modality": ("eeg", "emg"), "signal_in": ("emg",), "stages": ("raw",)}),
        Entry("blinks", "Slow deflections of the frontal channels and their rate.", blinks,
              facts={"modality": ("eeg",), "signal_in": (), "stages": ("raw",)}),
        Entry("contact", "Shares of samples at the rails or standing still.", contact,
              facts={"modality": ("eeg", "emg"), "signal_in": ("emg",), "stages": ("raw",)}),
        Entry("order", "Session, day and rank of the recording, as far as is known.", order,
              facts={"modality": ("eeg", "emg"), "signal_in": (), "stages": ("raw",)}),
    ],
    {
        "modality": Fact("Which recordings have it.", tuple[str, ...], MODALITIES),
        "signal_in": Fact("Where it is the signal itself, and not held against a network.", tuple[str, ...],
                          MODALITIES),
        "stages": Fact("At which stage of the signals it is measured.", tuple[str, ...], STAGES),
    },
    word="nuisance",
)  # fmt: skip
"""Families of features. ``signal_in`` names modalities in which a family is the signal itself: a gesture is
read from the level of an EMG, from which the spread of its offset and how often it stands still follow. There
a family is shown, its level beside a control without level (``pattern``), and not held against a network."""


@dataclass(frozen=True, eq=False)
class _Hum:
    """Mains frequency, and by how much the strongest channel stands out of its neighbors there."""

    line: float
    ratio: float


def _find_line(recordings: Sequence[Recording], declared: float | None) -> _Hum:
    """Return the mains frequency, by :func:`.find_hum` (50 Hz where nothing tells it), and its ratio."""
    spectra = [spectrum_of(recording) for recording in recordings]
    line = find_hum(recordings, line=declared, spectra=spectra).line or MAINS_HZ[0]
    ratios = []
    for recording, found in zip(recordings, spectra, strict=True):
        if found is not None and harmonics(line, recording.sfreq):
            own, beside = _around(*found, line)
            ratios.append(float(np.max(own / np.maximum(beside, _TINY**2))))
    return _Hum(line, float(np.median(ratios)) if ratios else 0.0)


def nuisance_columns(names: Sequence[str], stage: str, family: str, modality: str) -> np.ndarray:
    """Return the columns of one family, or of all that may be held against a network ("all").

    Parameters
    ----------
    names : sequence of str
        Of the features that :func:`measure_nuisance` returns.
    stage : {"raw", "notch"}
        Before or after a notch filter. What a notch does not change counts for both.
    family : str
        An entry of ``NUISANCE``, or "all".
    modality : {"eeg", "emg"}
        Of the windows.
    """
    chosen = []
    for i, name in enumerate(names):
        at, of, _ = name.split("|")
        entry = NUISANCE[of]
        if family == "all":
            counts = modality not in entry.facts["signal_in"] and of != "order"
            if counts and at == (stage if stage in entry.facts["stages"] else "raw"):
                chosen.append(i)
        elif (at, of) == (stage, family):
            chosen.append(i)
    return np.array(chosen, dtype=np.int64)


def measure_nuisance(
    recordings: Sequence[Recording],
    rows: Windows,
    *,
    windows: Cutting | Mapping[str, Any],
    families: Sequence[str],
    line: float | None = None,
) -> tuple[Windows, dict[str, Any]]:
    """Measure families of nuisance features in the windows of a study.

    Parameters
    ----------
    recordings : sequence of Recording
        **Before any preprocessing**, in V. Where channels differ, those that are good in all are measured;
        where rates differ, the multiples of the mains that all of them hold.
    rows : Windows
        The study's windows: their rows are measured, in their order.
    windows : Cutting or mapping
        How they were cut.
    families : sequence of str
        Out of ``NUISANCE``; those that do not go with the modality are left out.
    line : float, optional
        Mains frequency in Hz; the one of 50 and 60 that stands out more when not given.

    Returns
    -------
    measured : Windows
        Features named ``stage|family|name``, float64, one row for each of ``rows``.
    facts : dict
        line, ratio (by how much it stands out of its neighbors, median over recordings), harmonics (Hz), and
        share: by stage, person and class the median share of the power above 1 Hz that lies at the line, one
        number per channel of ch_names.

    Raises
    ------
    BiotransferError
        When a window of the study has no counterpart in the recordings.
    """
    cutting = replace(Cutting.read(windows), detrend=None, baseline=None, reject=None)
    if len({tuple(recording.ch_names) for recording in recordings}) > 1:
        recordings = preprocess(recordings, ["pick_channels"])
    chosen = [f for f in families if rows.modality in NUISANCE[f].facts["modality"]]
    hum = _find_line(recordings, line)
    sfreq = min(recording.sfreq for recording in recordings)
    freqs = [freq for freq in harmonics(hum.line, sfreq) if freq + 2.0 < 0.95 * sfreq / 2]
    notch = [{"name": "notch", "freqs": freqs}] if freqs else []
    parts: dict[str, list[pd.DataFrame]] = {stage: [] for stage in STAGES}
    tables, shares = [], []
    for recording in recordings:
        began = _began(recording)
        cut = _cut(recording, cutting, began)
        if cut is None:
            continue
        tables.append(cut.metadata)
        quiet = _cut(preprocess(recording, notch), cutting, began) or cut
        for stage, signals in (("raw", cut), ("notch", quiet)):
            measured = {
                f: NUISANCE[f].function(signals, hum.line)
                for f in chosen
                if f != "order" and stage in NUISANCE[f].facts["stages"]
            }
            nothing = np.empty((len(signals), 0))
            values = np.concatenate([nothing, *(v[0] for v in measured.values())], axis=1)
            labels = [f"{stage}|{f}|{n}" for f, v in measured.items() for n in v[1]]
            parts[stage].append(pd.DataFrame(values, columns=labels))
            shares.append((stage, _share(signals, hum.line)))
    name = rows.metadata["dataset"].iloc[0]
    check(tables, f"{name!r} gives no window before preprocessing. Write nuisance: false to go without.")
    table = pd.concat(tables, ignore_index=True)
    joined = [pd.concat(parts[stage], ignore_index=True, join="inner") for stage in STAGES]
    X, columns = [part.to_numpy() for part in joined], [name for part in joined for name in part]
    place = _places(table, rows.metadata, cutting.step)
    share = {s: np.concatenate([v for stage, v in shares if stage == s])[place] for s in STAGES}
    if "order" in chosen:
        values, labels = order(replace(rows, metadata=table.iloc[place].reset_index(drop=True)), hum.line)
        columns += [f"raw|order|{name}" for name in labels]
        X, place = [*(x[place] for x in X), values], np.arange(len(rows))
    everything = np.concatenate([x[place] for x in X], axis=1)
    facts = {
        "line": hum.line,
        "ratio": round(hum.ratio, 3),
        "harmonics": harmonics(hum.line, sfreq),
        "ch_names": list(recordings[0].ch_names),
        "share": {s: _by_person_and_class(value, rows) for s, value in share.items()},
    }
    return rows.with_features(everything, columns, "nuisance features of the unfiltered signal"), facts


def _began(recording: Recording) -> float:
    """Return when a recording was made, in s of Unix time; NaN when nothing says so."""
    if recording.timestamps is not None and recording.timestamps[0] > _DAY_S:
        return float(recording.timestamps[0])
    date = recording.raw.info["meas_date"]
    return float(date.timestamp()) if date is not None else float("nan")


def _cut(recording: Recording, cutting: Cutting, began: float) -> Windows | None:
    cut = cut_recording(recording, cutting, "float64")
    return None if cut is None else replace(cut, metadata=cut.metadata.assign(began=began))


def _places(table: pd.DataFrame, wanted: pd.DataFrame, step: float) -> np.ndarray:
    """Return for every wanted window the row of ``table`` in the same recording that begins nearest to it."""
    begins, groups = table["start"].to_numpy(float), table.groupby("recording").indices
    place = pd.Index(table["uid"]).get_indexer(wanted["uid"])
    for i in np.flatnonzero(place < 0):
        name, begin = wanted["recording"].iloc[i], wanted["start"].iloc[i]
        if name in groups:
            near = groups[name][np.argmin(np.abs(begins[groups[name]] - begin))]
            place[i] = near if abs(begins[near] - begin) <= step else -1
    lost = np.flatnonzero(place < 0)
    check(
        not len(lost),
        f"{len(lost)} windows of the study have no counterpart before preprocessing, first "
        f"{wanted['uid'].iloc[int(lost[0]) if len(lost) else 0]!r}. Write nuisance: false to leave them out.",
    )
    return np.asarray(place, dtype=np.int64)


def _share(windows: Windows, line: float) -> np.ndarray:
    """Share of the power above 1 Hz at the line, per window and channel."""
    freqs, power = _spectrum(windows)
    own, _ = _around(freqs, power, line)
    return own / np.maximum(power[..., freqs >= 1].sum(axis=-1), _TINY**2)


def _by_person_and_class(values: np.ndarray, rows: Windows) -> dict[str, dict[str, list[float]]]:
    subjects = rows.metadata["subject"].to_numpy(dtype=str)
    return {
        person: {
            name: np.round(np.median(values[mine], axis=0), 4).tolist()
            for label, name in enumerate(rows.classes)
            if np.any(mine := (subjects == person) & (rows.y == label))
        }
        for person in rows.subjects
    }
