"""What the report says about the data: facts, counts, notes, excerpts and spectra."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...settings import plain
from ...signals.datasets import DATASETS
from ...signals.preprocessing import describe_steps
from ...signals.recording import Recording, annotation_spans
from ...signals.spectra import power_density
from ...signals.windows import Windows, natural_sorted
from ..recipe.sides import Section

_EXCERPT_SECONDS = 3.0
_PSD_WINDOWS = 200


def describe(
    section: Section,
    signals: Windows,
    notes: Sequence[str],
    excerpts: Mapping[str, Any],
    steps: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return what the report says about the signals of one side: counts, notes, excerpts, spectra.

    ``steps`` are those of the section with what was found in all recordings.
    """
    return {
        "modality": section.modality,
        "words_of_files": words_of_files(section),
        **describe_rows(signals, features=False),
        "ch_names": list(signals.names),
        "sfreq": signals.sfreq,
        "unit": "V",
        "window": section.windows.plain(),
        "preprocessing": plain(section.preprocess),
        "preprocessing_found": plain(steps),
        "preprocessing_text": describe_steps(steps) + _say_found(section.preprocess, steps),
        "notes": list(notes),
        "digest": signals.digest(),
        "source_files": natural_sorted({f for f in signals.metadata["source_file"].unique() if f}),
        "excerpts": dict(excerpts),
        "psd": _spectra(signals),
    }


def _say_found(asked: Sequence[Mapping[str, Any]], settled: Sequence[Mapping[str, Any]]) -> str:
    """Say that the frequencies of a notch filter were found and not asked for."""
    found = [s for a, s in zip(asked, settled, strict=True) if a.get("freqs") != s.get("freqs")]
    freqs = [step["freqs"] for step in found if not isinstance(step["freqs"], str)]
    return " Hum of the mains was found at these frequencies in the recordings." if freqs else ""


def describe_windows(section: Section, given: Windows) -> dict[str, Any]:
    """Return what the report says about windows that were given: signals, or features already."""
    rows = given.metadata
    length = float(np.median(rows["stop"] - rows["start"]))
    steps = np.array([d for _, part in rows.groupby("recording")["start"] for d in np.diff(np.sort(part))])
    step = float(np.median(steps[steps > 0])) if (steps > 0).any() else length
    made = "; ".join(given.history) or "not said"
    return {
        "given": "windows",
        "modality": section.modality,
        **describe_rows(given, features=not given.is_signal),
        "ch_names": list(given.names) if given.is_signal else [],
        "sfreq": given.sfreq,
        "unit": "V" if given.is_signal and given.unit == "V" else "",
        "window": {"length": round(length, 6), "step": round(step, 6)},
        "preprocessing": [],
        "preprocessing_text": f"The windows were given as they are; their history: {made}.",
        "notes": [],
        "digest": given.digest(),
        "features_digest": given.digest(),
        "source_files": natural_sorted({f for f in rows["source_file"].unique() if f}),
        "excerpts": {},
        "psd": _spectra(given) if given.is_signal and given.unit == "V" else {},
    }


def words_of_files(section: Section) -> dict[str, str]:
    """Return what the files of a data set say of it (name, citation, licence); nothing where they say "
    "nothing.
    """
    says = DATASETS[section.data.name].facts["says"]
    return {} if says is None else says(**section.data.parameters)


def with_words_of_files(
    section: Section, about: Mapping[str, Any], words: Mapping[str, str]
) -> dict[str, Any]:
    """Return ``about`` with what files say of themselves, where the recipe does not say otherwise."""
    found = dict(about)
    for key, place in {"name": "title", "licence": "license", "citation": "citation"}.items():
        if words.get(key) and not getattr(section, key):
            found[place] = words[key]
    return found


def describe_data(section: Section) -> dict[str, Any]:
    """Return what the recipe or the data set says of itself: its name, terms, whom to cite, caveats."""
    entry = DATASETS[section.data.name]
    return {
        "dataset": section.title,
        "title": section.name or entry.summary,
        "caveats": list(entry.facts["caveats"]),
        "license": section.licence or entry.facts["license"],
        "citation": section.citation or entry.facts["citation"],
        "line_freq": section.line_freq or entry.facts["line_freq"],
        "origin": entry.facts["origin"],
        "simulated": section.data.name == "simulated",
    }


def describe_rows(used: Windows, *, features: bool) -> dict[str, Any]:
    """Return what depends on the rows that networks see: a feature set may make fewer of them."""
    counts = used.counts()
    return {
        "n_subjects": len(used.subjects),
        "subjects": used.subjects,
        "n_windows": len(used),
        "classes": list(used.classes),
        "counts": {
            str(s): {str(c): int(counts.loc[s, c]) for c in counts.columns}
            for s in natural_sorted(counts.index)
        },
        "n_recordings": int(used.metadata["recording"].nunique()),
        "features": {"name": used.history[-1], "n_features": len(used.names)} if features else None,
        "history": list(used.history),
    }


def add_excerpts(found: dict[str, Any], recording: Recording) -> None:
    """Add the first seconds of one labelled stretch of every class not seen before, in microvolt."""
    if len(found) == len(recording.classes):
        return
    raw = recording.raw
    for begin, last, name, _ in annotation_spans(raw):
        if name in found or name not in recording.classes:
            continue
        end = min(last, begin + int(_EXCERPT_SECONDS * recording.sfreq))
        data = raw.get_data(picks=recording.picks, start=begin, stop=end) * 1e6
        found[name] = {
            "subject": recording.subject,
            "start": begin / recording.sfreq,
            "times": [round(i / recording.sfreq, 4) for i in range(data.shape[1])],
            "signals": np.round(data, 2).tolist(),
        }


def _spectra(signals: Windows) -> dict[str, Any]:
    """Median power spectral density by class and channel, dB re 1 uV^2/Hz."""
    classes, freqs = {}, np.empty(0)
    for label, name in enumerate(signals.classes):
        rows = np.flatnonzero(signals.y == label)
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _PSD_WINDOWS)).astype(int)]
        freqs, power = power_density(signals.X[rows] * 1e6, float(signals.sfreq or 0), by_scipy=True)
        density = 10 * np.log10(np.maximum(np.median(power, axis=0), 1e-12))
        classes[name] = np.round(density[:, 1:], 2).tolist()
    return {"freqs": np.round(freqs[1:], 3).tolist(), "classes": classes}
