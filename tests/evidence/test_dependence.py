"""No work twice, key by key: changing a key of the recipe runs exactly the trials that depend on it."""

import pytest

from biotransfer.studies.recipe import KEYS, load_recipe
from biotransfer.studies.running import lay_out, prepare

ARMS = ("scratch", "transferred")
BESIDE = ("nuisance", "shallow")
BASE = {
    "eeg": {"data": "simulated", "n_subjects": 4},
    "emg": {"data": "simulated", "n_subjects": 4},
    "directions": ["emg->eeg"],
    "features": "band_power",
    "align": {"name": "pca", "k": 8},
    "network": [{"name": "mlp", "hidden": [8, 6]}],
    "arms": list(ARMS),
    "train": {"epochs": 2},
    "seeds": 2,
}
ALL = dict.fromkeys((*ARMS, *BESIDE), "other")
DONORS = {"source": "grown", "transferred_own_donors": "grown"}
CHANGES = [
    ("title", "another", {}),
    ("question", "another?", {}),
    ("source", "doi:10.1/1", {}),
    (
        "eeg",
        {**BASE["eeg"], "preprocess": []},
        dict.fromkeys((*ARMS, *BESIDE), "other"),
    ),
    ("emg", {**BASE["emg"], "windows": {"length": 0.8}}, {"source": "other", "transferred": "other"}),
    ("sets", {"more": {"data": "simulated", "modality": "eeg"}}, {}),
    ("directions", ["emg->eeg", "eeg->emg"], dict.fromkeys(("source", *ARMS, *BESIDE), "grown")),
    ("features", "time_domain", dict.fromkeys(("source", *ARMS, *BESIDE), "other")),
    ("scale", "none", dict.fromkeys(("source", *ARMS, "shallow"), "other")),
    ("select", "most_similar", {"selection": "grown", "source": "other", "transferred": "other"}),
    ("align", {"name": "pca", "k": 6}, dict.fromkeys(("source", *ARMS, "shallow"), "other")),
    ("network", {"name": "mlp", "hidden": [8, 4]}, dict.fromkeys(("source", *ARMS), "other")),
    ("search", {"generations": 1, "population": 4}, {"search": "grown"}),
    ("arms", [*ARMS, "permuted"], {"permuted": "grown"}),
    ("arms", [*ARMS, "shuffled_source"], {"source": "grown", "shuffled_source": "grown"}),
    ("methods", [{"label": "unscaled", "scale": "none"}], dict.fromkeys(("source", *ARMS), "grown")),
    ("same_modality", {"eeg": {"people": 1}}, {**ALL, **DONORS}),
    ("own_donors", {"eeg": 1}, {**ALL, **DONORS}),
    ("split", {"by": "subject", "validation": 1}, dict.fromkeys((*ARMS, *BESIDE), "other")),
    ("split", [{"by": "subject"}, {"by": "recording"}], dict.fromkeys((*ARMS, *BESIDE), "grown")),
    ("budget", [2], dict.fromkeys((*ARMS, "shallow"), "other")),
    ("train", {"epochs": 3}, dict.fromkeys(("source", *ARMS), "other")),
    ("pretrain", {"held_out": 0.4}, {"source": "other", "transferred": "other"}),
    ("pretrain", {"noise": "phase"}, {}),
    ("seeds", 3, dict.fromkeys(("source", *ARMS), "grown")),
    ("compare", {"margin": 0.05}, {}),
    ("nuisance", False, {"nuisance": "shrunk"}),
    ("baselines", [], {"shallow": "shrunk"}),
    ("permutations", 2, {"shallow": "grown"}),
    ("tune", {"align.k": [4, 8]}, {"choices": "grown", "source": "other", "transferred": "other"}),
    ("scores", True, {"scores": "grown"}),
    ("moved", True, {"changes": "grown"}),
    ("published", [], {}),
    ("accept", {"leaking_split": "to see what it does"}, {}),
    ("same_people", [["eeg/1", "emg/1"]], {}),
    ("engine", "loop", dict.fromkeys(("source", *ARMS), "other")),
    ("cluster", {"name": "local"}, {}),
    ("preregistration", {"date": "2026-01-01", "hypotheses": ["It helps."], "measure": "asymptote"}, {}),
    ("smoke", True, {**ALL, "source": "other", "transferred_own_donors": "grown"}),
]
"""Key, change, and what becomes of the trials of every kind of task (for targets: of every arm) that do not
stay the same. A new key needs a line here."""


@pytest.fixture(scope="module")
def base():
    return _refs(BASE)


def _refs(recipe):
    """Return the addresses of all trials by kind of task, those of targets by arm."""
    found = {}
    for entry in lay_out(prepare(load_recipe(recipe))):
        for trial in entry.trials:
            name = trial.columns["arm"] if entry.kind.name == "target" else entry.kind.name
            found.setdefault(name, set()).add(trial.ref)
    return found


def _became(old, new):
    if old == new:
        return "same"
    if old < new:
        return "grown"
    if new < old:
        return "shrunk"
    return "other" if not old & new else "mixed"


@pytest.mark.parametrize(("key", "change", "expected"), CHANGES, ids=[f"{k}={v}"[:60] for k, v, _ in CHANGES])
def test_a_changed_key_runs_exactly_its_dependents(base, key, change, expected):
    new = _refs({**BASE, key: change})
    became = {kind: _became(base.get(kind, set()), new.get(kind, set())) for kind in {*base, *new}}
    assert {kind: what for kind, what in became.items() if what != "same"} == expected


def test_every_key_has_a_line():
    assert {key for key, _, _ in CHANGES} == set(KEYS)
