"""Finished studies whose every difference is planted, to be pooled."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from biotransfer.results import CURVES, LEDGER, PREDICTIONS, SOURCES, Results

ARMS = ("scratch", "transferred", "permuted", "noise_source", "transferred_own_donors")


def make_study(
    gains: Mapping[str, Sequence[float]],
    *,
    names: Sequence[str] | None = None,
    arms: Sequence[str] = ARMS,
    lift: Mapping[str, float] | None = None,
    seeds: int = 3,
    luck: float = 0.0,
    noise: float = 0.004,
    level: float = 0.6,
    seed: int = 0,
    direction: tuple[str, str] = ("emg", "eeg"),
    recipe: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    title: str = "",
) -> Results:
    """Study of one direction into one data set per entry of ``gains``.

    ``gains`` holds, by data set, what every person gains with "transferred"; ``lift`` what the other arms
    gain on average (controls 0, own donors 0.05).
    """
    rng = np.random.default_rng(seed)
    source, target = direction
    lifts = {"transferred_own_donors": 0.05, **(lift or {})}
    sides, rows, texts = {"source": {"modality": source, "data": f"{source}-source"}}, [], []
    for i, (name, each) in enumerate(gains.items()):
        side = f"target{i}"
        sides[side] = {"modality": target, "data": name}
        texts.append(f"source->{side}")
        people = names or [f"{name}-{k}" for k in range(len(each))]
        fortune = {(arm, s): luck * rng.standard_normal() for arm in arms for s in range(seeds)}
        for who, gain in zip(people, each, strict=True):
            for s in range(seeds):
                base = level + noise * rng.standard_normal()
                for arm in arms:
                    value = base
                    if arm != "scratch":
                        value += gain if arm == "transferred" else lifts.get(arm, 0.0)
                        value += fortune[arm, s] + noise * rng.standard_normal()
                    where = (texts[-1], "mlp", "", "subject", "all", arm, f"subject={who}", who, s)
                    rows += [
                        (*where, 10 * epoch, epoch, "test", "balanced_accuracy", 0.5 if epoch == 0 else value)
                        for epoch in range(4)
                    ]
    about = {
        side: {
            "dataset": section["data"],
            "modality": section["modality"],
            "simulated": False,
            "classes": ["a", "b"],
            "counts": {"x": {"a": 9, "b": 9}},
            **(data or {}),
        }
        for side, section in sides.items()
    }
    own = {"name": "transferred", "start": "own_donors", "label": "transferred_own_donors"}
    specs = [own if arm == own["label"] else {"name": arm} for arm in arms]
    return Results(
        recipe={
            "seeds": list(range(seeds)), "split": [{"by": "subject"}], "train": {}, "budget": {},
            "title": title or " and ".join(gains), "sets": sides, "directions": texts,
            "features": {"name": "statistical"},
            "align": {"name": "matched", "channels": "order"}, "scale": "standard", "select": {"name": "all"},
            "pretrain": {"name": "supervised"}, "network": [{"name": "mlp", "hidden": [64, 32]}],
            "methods": [], "arms": specs, "same_people": [],
            "compare": {"against": "scratch", "metric": "balanced_accuracy", "measure": "asymptote",
                        "margin": 0.02, "alpha": 0.05},
            **(recipe or {}),
        },
        curves=pd.DataFrame(rows, columns=CURVES),
        predictions=pd.DataFrame(columns=PREDICTIONS),
        ledger=pd.DataFrame(columns=LEDGER),
        sources=pd.DataFrame(columns=SOURCES),
        data=about,
        provenance={"recipe_uid": f"uid{seed}"},
    )  # fmt: skip


def drawn(mean: float, n: int, seed: int, spread: float = 0.03) -> list[float]:
    """Gains of n people whose mean is exactly ``mean``."""
    values = np.random.default_rng(seed).normal(0, spread, n)
    return list(values - values.mean() + mean)
