"""What a recipe may say: every key with its meaning and its default."""

from __future__ import annotations

from typing import Any

from ...transfer.carry import ARMS

DESCRIPTIVE = ("title", "question", "source", "published", "cluster")

KEYS: dict[str, str] = {
    "title": "What the report is called.",
    "question": "What the study asks, in one sentence.",
    "source": "The paper or claim behind it.",
    "eeg": "The EEG: data, its parameters (subjects, sessions, classes, ...), preprocess, windows.",
    "emg": "The EMG, likewise.",
    "sets": "Further data by names of your own, beside or instead of eeg and emg: {muse: {data: "
    "muse-mental-state}, ...}; modality where the data set does not say it.",
    "directions": "Any of emg->eeg, eeg->emg or other names: source -> target; all at an end is every side, "
    "all alone every pair. A set to itself starts from its people kept aside (donors).",
    "features": "A feature set for both modalities (see: biotransfer list features); left out for signals.",
    "scale": "standard (zero mean, unit deviation over training rows) or none.",
    "select": "Which people and classes of the source are learned from (see: biotransfer list select).",
    "align": "How differing inputs are reconciled (see: biotransfer list align).",
    "network": "A network or a list of them (see: biotransfer list networks).",
    "tune": "Values that inner validation chooses for every fold, the same for all arms: lists by path, such "
    "as align.k: [64, 128] or train.epochs: [10, 20]; folds, seed.",
    "search": "Topologies found by NSGA-II on inner folds: networks, side (source or target), generations, "
    "population, folds, inits, choose, seed, space (by network).",
    "arms": "What to compare (see: biotransfer list arms); label: tells two arms of one method apart; "
    "weights: a file of weights or a checkpoint to start from instead of the study's source.",
    "methods": "Further ways to transfer, a list: label, and what differs of select, align, scale, pretrain, "
    "network (some of the recipe's); arms: labels of those that run. Each has its own scratch; results call "
    "them network + label.",
    "same_modality": "By target, the source of that arm: {people: n} of the target's own set kept "
    "aside, or another data set.",
    "split": "Who trains and who tests, or a list of such rules (see: biotransfer list splits).",
    "budget": "Labelled target data: all, or seconds per class, such as [0, 1, 2, 5, 10]; labels_of "
    "(test_person: of the person's own other recordings, or training_people), others (what the training "
    "people add to a test person's labels: unlabelled, or labelled), epochs (passes over the labelled "
    "windows; train.epochs when left out).",
    "train": "epochs, learning_rate, batch_size, weight_decay, patience (epochs without a lower validation "
    "loss), precision (full or mixed), augment: the same for every arm and source.",
    "pretrain": "A method (see: biotransfer list pretrain); held_out (share of source people kept to see "
    "what it knows), noise (gaussian or phase). An arm may name its own: {name: transferred, pretrain: "
    "reptile, label: reptile}.",
    "seeds": "How many, or a list of them.",
    "compare": "against, metric, measure, margin, alpha.",
    "nuisance": "true, false, or families, line (mains frequency in Hz) and classifier: what features that "
    "should not carry the label reach (see: biotransfer list nuisance).",
    "baselines": "Shallow classifiers on the inputs of networks that take features (see: biotransfer list "
    "baselines); [] for none.",
    "permutations": "How often the first of them is fitted again to permuted labels of whole recordings; "
    "0 for none.",
    "accept": "Errors of checks that would stop the study, each with a reason: {leaking_split: why}; the "
    "report says so (see: biotransfer list checks).",
    "same_people": "Groups of people of several sides who are one: [[eeg/a, muse/S3]].",
    "scores": "Transferability scores of every source before training on the target: true for all that "
    "judge a source, or their names (see: biotransfer list scores).",
    "moved": "true: what training changed in the baseline, a transfer and a control, for two seeds: layers, "
    "the line between solutions, attributions.",
    "published": "Numbers of a paper to show beside ours: direction, network, arm, metric, value, at.",
    "engine": "auto, stacked or loop.",
    "cluster": "Workers elsewhere: the address of a Dask scheduler, or {name: slurm, jobs: 4, cores: 1, "
    "memory: 8GB, ...}; see docs/cluster.md. It changes no number.",
    "smoke": "true: three people, one seed, two epochs; to see whether it runs.",
}
DEFAULTS: dict[str, Any] = {
    "title": "",
    "question": "",
    "source": "",
    "sets": {},
    "directions": ["emg->eeg", "eeg->emg"],
    "features": None,
    "scale": "standard",
    "select": "all",
    "align": "none",
    "network": "mlp",
    "tune": None,
    "search": None,
    "arms": [
        entry.name
        for entry in ARMS.values()
        if (entry.facts["role"] in ("baseline", "control") and entry.facts["standard"])
        or entry.name in ("transferred", "frozen_body")
    ],
    "methods": [],
    "same_modality": {},
    "split": {"by": "subject"},
    "budget": "all",
    "train": {"epochs": 20, "learning_rate": 1.0e-3, "batch_size": 64, "weight_decay": 0.0, "patience": 0,
              "precision": "full", "augment": "none"},
    "pretrain": {"name": "supervised", "held_out": 0.2, "noise": "gaussian"},
    "seeds": 10,
    "compare": {"against": "scratch", "metric": "balanced_accuracy", "measure": "asymptote", "margin": 0.02,
                "alpha": 0.05},
    "nuisance": True,
    "baselines": ["lda"],
    "permutations": 0,
    "accept": {},
    "same_people": [],
    "scores": [],
    "moved": False,
    "published": [],
    "engine": "auto",
    "cluster": None,
    "smoke": False,
}  # fmt: skip
METHOD_KEYS = ("select", "align", "scale", "pretrain", "network", "arms")
SECTION_KEYS = ("data", "preprocess", "windows")
WINDOW_DEFAULTS: dict[str, Any] = {
    "length": 1.0,
    "step": 0.5,
    "by": "samples",
    "n_times": None,
    "min_length": None,
}
PUBLISHED_KEYS = ("direction", "network", "arm", "metric", "value", "at", "note")
