"""Results that look like a study's, made from random numbers: figures and reports are tested on them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from biotransfer.evidence.verdicts import compare
from biotransfer.results import CURVES, LEDGER, PREDICTIONS, SOURCES, Direction, Results
from biotransfer.transfer.carry import ARMS as ARM_CATALOG

ARMS = (
    "scratch",
    "transferred",
    "frozen_body",
    "permuted",
    "redrawn",
    "shuffled_source",
    "noise_source",
    "same_modality",
)
DIRECTIONS = ("emg->eeg", "eeg->emg")
PROTOCOLS = ("subject", "shuffled_windows")
EEG_CLASSES = ("relaxed", "neutral", "concentrating")
EMG_CLASSES = ("hand_close", "hand_open", "flexion", "extension")
LIFT = {"transferred": 0.05, "frozen_body": -0.06, "redrawn": 0.01, "same_modality": 0.04}
ACTIONS = {"scratch": "fresh", "permuted": "permuted", "redrawn": "redrawn"}
TENSORS = (("stem.weight", "stem", 8192), ("stem.bias", "stem", 64), ("body.0.weight", "body", 2048),
           ("body.0.bias", "body", 32), ("head.weight", "head", 96), ("head.bias", "head", 3))  # fmt: skip


def make_data(modality: str, classes: Sequence[str], n_subjects: int, simulated: bool) -> dict[str, Any]:
    rng = np.random.default_rng(len(classes))
    subjects = [f"S{i + 1}" for i in range(n_subjects)]
    names = ["TP9", "AF7", "AF8", "TP10"] if modality == "eeg" else [f"EMG{i + 1}" for i in range(8)]
    sfreq = 256.0 if modality == "eeg" else 200.0
    times = np.arange(0, 2, 1 / sfreq)
    freqs = np.arange(1, sfreq / 2, 1.0)
    scale = 20.0 if modality == "eeg" else 150.0
    signals = {c: scale * rng.standard_normal((len(names), len(times))) for c in classes}
    counts = {s: {c: 40 + 3 * i + j for j, c in enumerate(classes)} for i, s in enumerate(subjects)}
    steps = [
        {"name": "notch", "freqs": [50.0]},
        {"name": "filter", "l_freq": 1.0, "h_freq": 45.0} if modality == "eeg" else {"name": "rectify"},
    ]
    return {
        "dataset": "muse-mental-state" if modality == "eeg" else "myodisco",
        "title": "Muse mental states" if modality == "eeg" else "MyoDisCo gestures",
        "modality": modality,
        "n_subjects": n_subjects,
        "subjects": subjects,
        "n_recordings": 4 * n_subjects,
        "n_windows": sum(sum(c.values()) for c in counts.values()),
        "classes": list(classes),
        "counts": counts,
        "ch_names": names,
        "sfreq": sfreq,
        "unit": "V",
        "window": {"length": 1.0, "step": 0.5},
        "preprocessing": steps,
        "preprocessing_text": "A notch filter at 50 Hz was applied.",
        "features": {"name": "statistical", "n_features": 316},
        "history": ["notch", "windows 1 s every 0.5 s by samples", "features statistical"],
        "notes": ["'subjectb-relaxed-2.csv' has a gap of 700 s after 4 s"] if modality == "eeg" else [],
        "license": "none stated: download, do not redistribute",
        "citation": f"Somebody et al. ({modality}), doi:10.1000/{modality}",
        "origin": f"https://example.org/{modality}",
        "simulated": simulated,
        "excerpts": {
            c: {
                "subject": subjects[0],
                "start": 3.5,
                "times": times.round(4).tolist(),
                "signals": signals[c].round(2).tolist(),
            }
            for c in classes
        },
        "psd": {
            "freqs": freqs.tolist(),
            "classes": {
                c: [(20 - 12 * np.log10(freqs) + i + k).round(2).tolist() for k in range(len(names))]
                for i, c in enumerate(classes)
            },
        },
    }


def make_curves(
    keys: Sequence[tuple[str, str, str, str]],
    data: dict[str, Any],
    n_seeds: int,
    n_epochs: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for direction, network, protocol, arm in keys:
        target = data[Direction.read(direction).target]
        chance = 1 / len(target["classes"])
        top = (0.9 if protocol == "shuffled_windows" else 0.62) + LIFT.get(arm, 0.0)
        for i, subject in enumerate(target["subjects"]):
            splits = ["fold=1", "fold=2"] if protocol == "shuffled_windows" else [f"subject={subject}"]
            for split, seed in itertools.product(splits, range(n_seeds)):
                for epoch in range(n_epochs + 1):
                    level = chance + (top - chance) * (1 - np.exp(-epoch / 2)) + 0.03 * (i - 2) * (epoch > 0)
                    value = float(np.clip(level + 0.02 * rng.standard_normal(), 0, 1))
                    where = (
                        direction,
                        network,
                        "",
                        protocol,
                        "all",
                        arm,
                        split,
                        subject,
                        seed,
                        12 * epoch,
                        epoch,
                        "test",
                    )
                    rows.append((*where, "balanced_accuracy", value))
                    rows.append((*where, "accuracy", min(value + 0.01, 1.0)))
                    if i == 0:
                        where = (*where[:7], "*", *where[8:11], "train")
                        rows.append((*where, "log_loss", 1.2 * np.exp(-epoch / 3)))
    return pd.DataFrame(rows, columns=CURVES)


def make_predictions(
    keys: Sequence[tuple[str, str, str, str]], data: dict[str, Any], n_seeds: int, rng: np.random.Generator
) -> pd.DataFrame:
    parts = []
    for direction, network, protocol, arm in keys:
        target = data[Direction.read(direction).target]
        k = len(target["classes"])
        for subject, seed in itertools.product(target["subjects"], range(n_seeds)):
            n = 4 * k
            true = np.arange(n) % k
            right = rng.random(n) < 0.6 + LIFT.get(arm, 0.0)
            predicted = np.where(right, true, rng.integers(0, k, n))
            parts.append(
                pd.DataFrame(
                    {
                        "direction": direction, "network": network, "variant": "", "protocol": protocol,
                        "arm": arm, "budget": "all", "split": f"subject={subject}", "subject": subject,
                        "seed": seed,
                        "window_uid": [f"{subject}@{j}" for j in range(n)],
                        "y_true": true, "y_pred": predicted,
                        "probabilities": np.full((n, k), 1 / k).tolist(),
                    }
                )
            )  # fmt: skip
    return pd.concat(parts, ignore_index=True)[PREDICTIONS]


def make_ledger(keys: Sequence[tuple[str, str, str, str]]) -> pd.DataFrame:
    rows = []
    for direction, network, protocol, arm in keys:
        for tensor, part, n in TENSORS:
            action = "fresh" if part == "head" else ACTIONS.get(arm, "copied")
            trained = not (arm == "frozen_body" and part == "body")
            rows.append(
                (direction, network, "", protocol, arm, tensor, part, action, trained, n, f"{part} of {arm}")
            )
    return pd.DataFrame(rows, columns=LEDGER)


def make_sources(
    conditions: Sequence[tuple[str, str, str]], data: dict[str, Any], n_seeds: int
) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for direction, network in dict.fromkeys(c[:2] for c in conditions):
        source = data[Direction.read(direction).source]
        chance = 1 / len(source["classes"])
        for kind, lift in (("supervised", 0.3), ("shuffled_labels", 0.0), ("noise", 0.01)):
            for seed in range(n_seeds):
                value = chance + lift + 0.01 * seed
                rows.append(
                    (
                        direction,
                        network,
                        "",
                        "",
                        kind,
                        "supervised",
                        seed,
                        "S1, S2, S3",
                        "S4, S5, S6, S7",
                        300,
                        value,
                        value - 0.005,
                        chance,
                        False,
                    )
                )
    return pd.DataFrame(rows, columns=SOURCES)


def make_verdicts(
    curves: pd.DataFrame, arms: Sequence[str], n_subjects: int, labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    if n_subjects < 2 or "scratch" not in arms:
        return []
    named = {arm: labels.get(arm, arm) for arm in arms}
    roles = {
        arm: ARM_CATALOG[name].facts["role"] if name in ARM_CATALOG else "transfer"
        for arm, name in named.items()
    }
    return compare(curves, margin=0.02, roles=roles, leaking_protocols={"shuffled_windows"})


def make_results(
    *,
    directions: Sequence[str] = DIRECTIONS,
    arms: Sequence[str] = ARMS,
    protocols: Sequence[str] = PROTOCOLS,
    networks: Sequence[str] = ("mlp",),
    n_subjects: int = 5,
    n_seeds: int = 3,
    n_epochs: int = 6,
    simulated: bool = False,
    published: bool = False,
    eeg_classes: Sequence[str] = EEG_CLASSES,
    emg_classes: Sequence[str] = EMG_CLASSES,
    title: str = "EMG gestures to EEG mental states, and back",
    labels: Mapping[str, str] = MappingProxyType({}),
) -> Results:
    """Return Results of the shape a study writes; every number comes from one seed.

    ``labels`` says of arms that have a label of their own which arm of the catalog they are.
    """
    rng = np.random.default_rng(7)
    data = {
        "eeg": make_data("eeg", eeg_classes, n_subjects, simulated),
        "emg": make_data("emg", emg_classes, n_subjects, simulated),
    }
    conditions = list(itertools.product(directions, networks, protocols))
    keys = [(*c, arm) for c in conditions for arm in arms]
    curves = make_curves(keys, data, n_seeds, n_epochs, rng)
    section = {"windows": {"length": 1.0, "step": 0.5, "by": "samples", "n_times": None, "min_length": None}}
    recipe: dict[str, Any] = {
        "title": title,
        "question": "Does pretraining on EMG help EEG beyond what weight scale alone explains?",
        "source": "doi:10.1109/ACCESS.2020.2979074",
        "eeg": {"data": "muse-mental-state", "preprocess": data["eeg"]["preprocessing"], **section},
        "emg": {"data": "myodisco", "preprocess": data["emg"]["preprocessing"], **section},
        "directions": list(directions),
        "features": {"name": "statistical"},
        "scale": "standard",
        "align": {"name": "top_k", "k": 128, "score": "anova"},
        "network": [{"name": n, "hidden": [64, 32], "norm": False} for n in networks],
        "arms": [{"name": labels[a], "label": a} if a in labels else {"name": a} for a in arms],
        "same_modality": {"eeg": {"people": 1}, "emg": {"people": 1}},
        "split": [{"by": p} for p in protocols],
        "budget": "all",
        "train": {"epochs": n_epochs, "learning_rate": 1e-3, "batch_size": 64, "weight_decay": 0.0},
        "pretrain": {"held_out": 0.2, "noise": "gaussian"},
        "seeds": list(range(n_seeds)),
        "compare": {"against": "scratch", "metric": "balanced_accuracy", "measure": "asymptote",
                    "margin": 0.02, "alpha": 0.05},
        "published": [],
        "engine": "auto",
        "smoke": False,
    }  # fmt: skip
    if published:
        recipe["published"] = [
            {"direction": "emg->eeg", "network": "mlp", "arm": "scratch", "metric": "accuracy",
             "value": 0.6237, "at": "final"},
            {"direction": "emg->eeg", "network": "mlp", "arm": "transferred", "metric": "accuracy",
             "value": 0.8239, "at": "epoch_0", "note": "probably the end of the first epoch"},
        ]  # fmt: skip
    checks = [
        {"id": "C01", "name": "leaking split", "question": "Can test windows have near copies in training?",
         "severity": "error", "message": "shuffled_windows lets near copies of test windows into training.",
         "how": "The rule is flagged as leaking.", "mend": "Use split: {by: subject}."},
        {"id": "C02", "name": "enough people", "question": "Can this design reach p < 0.05?",
         "severity": "warning", "message": "5 people: the smallest exact p is 0.0625.",
         "how": "2 / 2^n.", "mend": "Record at least 6 people."},
        {"id": "C03", "name": "same budget", "question": "Did all arms train equally long?",
         "severity": "ok", "message": "72 updates in every arm.", "how": "Steps counted.", "mend": ""},
    ]  # fmt: skip
    provenance = {
        "versions": {"biotransfer": "0.1.0", "numpy": "2.4.6", "mne": "1.13.2", "torch": "2.13.0"},
        "python": "3.12.3",
        "platform": "Linux-6.8-x86_64",
        "cpu": "Some CPU @ 2.0 GHz",
        "git_commit": "0123456789abcdef0123456789abcdef01234567",
        "command": "biotransfer run recipe.yaml --out <study>",
        "started": "2026-01-02T03:04:05+00:00",
        "seconds": 312.4,
        "engine": {"mlp": "stacked"},
        "n_trainings": len(keys) * n_subjects * n_seeds,
        "data_files": {
            "eeg: muse-mental-state": {
                "n_files": 2,
                "windows_sha256": "ab" * 8,
                "files": ["a-1.csv", "a-2.csv"],
            },
            "emg: myodisco": {
                "n_files": 560,
                "windows_sha256": "cd" * 8,
                "files": [f"{i}.csv" for i in range(560)],
            },
        },
        "seeds": list(range(n_seeds)),
        "recipe_uid": "f00dfeed12345678",
        "simulated": simulated,
        "note": "simulated signals stand in for the real pair" if simulated else "",
    }
    return Results(
        recipe=recipe,
        curves=curves,
        predictions=make_predictions(keys, data, n_seeds, rng),
        ledger=make_ledger(keys),
        sources=make_sources(conditions, data, n_seeds),
        data=data,
        provenance=provenance,
        verdict_list=make_verdicts(curves, arms, n_subjects, labels),
        checks=checks,
    )
