"""From a recipe's data section to windows, and what the report says about them."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets import DATASETS, hash_files, load_dataset
from ..errors import check
from ..features import extract_features
from ..networks import NETWORKS
from ..preprocessing import describe_steps, preprocess
from ..recipe import Recipe, digest
from ..recording import MODALITIES, Recording, annotation_spans
from ..windows import Windows, cut_windows, natural_sorted

_SMOKE_PEOPLE = 3
_EXCERPT_SECONDS = 3.0
_PSD_WINDOWS = 200


@dataclass(frozen=True, eq=False)
class Side:
    """The windows of one modality, as signals and as features.

    Parameters
    ----------
    signals : Windows
        As cut, float32.
    features : Windows or None
        As extracted; None when the recipe names no features.
    facts : dict
        For the report, see :func:`describe`.
    """

    signals: Windows
    features: Windows | None
    facts: Mapping[str, Any]

    def uid(self, network: str) -> str:
        """Hash of what ``network`` takes: the signals' content, and how features are extracted from it."""
        if NETWORKS[network].facts["takes"] == "signals":
            return str(self.facts["digest"])
        return digest([self.facts["digest"], self.facts["features_spec"]])

    def windows(self, network: str) -> Windows:
        """Return what ``network`` takes, float32."""
        if NETWORKS[network].facts["takes"] == "signals":
            return self.signals
        check(self.features is not None, f"network {network!r} takes features. Add features: statistical.")
        assert self.features is not None
        return self.features


def data_sections(recipe: Recipe) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return what a recipe loads: modality and resolved section, by the name of the side.

    Parameters
    ----------
    recipe : Recipe
        What to do.

    Returns
    -------
    dict of str to (str, mapping)
        The sides that a direction names, and "same_modality NAME" for other data of that target's modality.
    """
    ends = {end for direction in recipe["directions"] for end in direction.split("->")}
    every = {m: (m, recipe[m]) for m in MODALITIES if m in recipe.resolved}
    every |= {name: (section["modality"], section) for name, section in recipe["sets"].items()}
    sections = {name: side for name, side in every.items() if name in ends}
    for name, section in recipe["same_modality"].items():
        if "people" not in section:
            sections[f"same_modality {name}"] = (every[name][0], section)
    return sections


def load_side(
    modality: str,
    section: Mapping[str, Any],
    features: Mapping[str, Any] | None,
    data_dir: str | Path | None = None,
    *,
    smoke: bool = False,
    download: bool = True,
) -> Side:
    """Load, preprocess, window and featurise one resolved data section.

    Parameters
    ----------
    modality : {"eeg", "emg"}
        What is recorded.
    section : mapping
        Resolved: ``data``, its parameters, ``preprocess``, ``windows``.
    features : mapping or None
        Resolved feature set.
    data_dir : path, optional
        Folder of data sets.
    smoke : bool
        Keep the first three people.
    download : bool
        Whether missing data may be fetched.
    """
    recordings = load_recordings(section, data_dir, smoke=smoke, download=download)
    raw_notes = list(dict.fromkeys(note for r in recordings for note in r.notes))
    for i, recording in enumerate(recordings):
        recordings[i] = preprocess(recording, section["preprocess"])
    windows = section["windows"]
    options = {k: v for k, v in windows.items() if v is not None}
    precision = "float64" if features is not None else "float32"
    signals = cut_windows(recordings, **options, dtype=precision)
    extracted = extract_features(signals, features) if features is not None else None
    facts = describe(modality, section, recordings, signals, extracted, raw_notes)
    facts["features_spec"] = features
    if DATASETS[section["data"]].facts.get("sources"):
        facts["files"] = hash_files(section["data"], data_dir, facts.pop("source_files"))
    return Side(replace(signals, X=signals.X.astype(np.float32, copy=False)), extracted, facts)


def return_freed_memory() -> None:
    """Hand freed memory back to the system, where the C library keeps it (glibc): recordings are large."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def load_recordings(
    section: Mapping[str, Any],
    data_dir: str | Path | None = None,
    *,
    smoke: bool = False,
    download: bool = True,
) -> list[Recording]:
    """Load the recordings of a resolved data section."""
    takes = {parameter.name for parameter in DATASETS[section["data"]].parameters}
    parameters = {k: v for k, v in section.items() if k in takes}
    recordings = load_dataset(section["data"], data_dir=data_dir, download=download, **parameters)
    if smoke:
        people = natural_sorted({r.subject for r in recordings})[:_SMOKE_PEOPLE]
        recordings = [r for r in recordings if r.subject in people]
    return recordings


def describe(
    modality: str,
    section: Mapping[str, Any],
    recordings: Sequence[Recording],
    signals: Windows,
    features: Windows | None,
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return what the report says about one side: facts, counts, notes, excerpts and spectra."""
    entry = DATASETS[section["data"]]
    used = features if features is not None else signals
    counts = used.counts()
    return {
        "dataset": section["data"],
        "title": entry.summary,
        "modality": modality,
        "n_subjects": len(used.subjects),
        "subjects": used.subjects,
        "n_windows": len(used),
        "classes": list(used.classes),
        "counts": {
            str(s): {str(c): int(counts.loc[s, c]) for c in counts.columns}
            for s in natural_sorted(counts.index)
        },
        "n_recordings": int(used.metadata["recording"].nunique()),
        "ch_names": list(signals.names),
        "sfreq": signals.sfreq,
        "unit": "V",
        "window": dict(section["windows"]),
        "preprocessing": list(section["preprocess"]),
        "preprocessing_text": describe_steps(section["preprocess"]),
        "features": None
        if features is None
        else {"name": features.history[-1], "n_features": len(features.names)},
        "history": list(used.history),
        "notes": list(notes),
        "caveats": [str(text) for text in entry.facts.get("caveats", ())],
        "license": str(entry.facts.get("licence", "")),
        "citation": str(entry.facts.get("citation", "")),
        "origin": str(entry.facts.get("origin", "")),
        "simulated": section["data"] == "simulated",
        "digest": signals.digest(),
        "source_files": natural_sorted({f for f in signals.metadata["source_file"] if f}),
        "excerpts": _excerpts(recordings),
        "psd": _spectra(signals),
    }


def _excerpts(recordings: Sequence[Recording]) -> dict[str, Any]:
    """Return the first seconds of one labelled stretch of every class, in microvolt."""
    out: dict[str, Any] = {}
    for recording in recordings:
        raw = recording.raw
        for begin, last, name, _ in annotation_spans(raw):
            if name in out or name not in recording.classes:
                continue
            end = min(last, begin + int(_EXCERPT_SECONDS * recording.sfreq))
            data = raw.get_data(picks=recording.picks, start=begin, stop=end) * 1e6
            out[name] = {
                "subject": recording.subject,
                "start": begin / recording.sfreq,
                "times": [round(i / recording.sfreq, 4) for i in range(data.shape[1])],
                "signals": np.round(data, 2).tolist(),
            }
        if len(out) == len(recording.classes):
            break
    return out


def _spectra(signals: Windows) -> dict[str, Any]:
    """Median power spectral density by class and channel, dB re 1 uV^2/Hz."""
    from scipy.signal import periodogram

    classes, freqs = {}, np.empty(0)
    for label, name in enumerate(signals.classes):
        rows = np.flatnonzero(signals.y == label)
        rows = rows[np.linspace(0, len(rows) - 1, min(len(rows), _PSD_WINDOWS)).astype(int)]
        freqs, power = periodogram(signals.X[rows] * 1e6, signals.sfreq, window="hann", axis=-1)
        density = 10 * np.log10(np.maximum(np.median(power, axis=0), 1e-12))
        classes[name] = np.round(density[:, 1:], 2).tolist()
    return {"freqs": np.round(freqs[1:], 3).tolist(), "classes": classes}
