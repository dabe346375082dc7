"""Studies of simulated pairs, stacked: source networks, arms with their controls, curves, verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import check
from ...learning.networks import build_network
from ...learning.training import Schedule
from ...learning.training.job import Job
from ...learning.training.running import run_job
from ...learning.weights import Weights
from ...results import CURVES, Direction
from ...signals.simulate import FeatureTable, simulate_features
from ...signals.splits import ALL, Split, make_splits
from ...signals.windows import Windows
from ...transfer.align import fit_alignment
from ...transfer.carry import Arm, make_arms, resolve_arms
from ...transfer.pretrain.held_out import hold_out_people
from ...transfer.pretrain.sources import invent_labels, shuffled_labels
from ...transfer.pretrain.training import pretrain
from ..metrics import Compare, balanced_accuracy
from ..verdicts import compare

_ENDS = ("emg", "eeg")
_OWN = "own_donors"
_PEOPLE = 12


@dataclass(frozen=True)
class TruthStudy:
    """What each of the studies is like: all that a recipe would say.

    With the defaults a useful source gains 5 points, and the differences spread as in real recordings: 3.4
    points between people, 0.7 between seeds for all people alike, 4.5 otherwise, where ``arithmetic_myo``
    (EMG to EEG, 12 people, 5 seeds) has 4.1, 0.8 and 3.4; the mean of five seeds spreads by 4.0 and 4.3.

    Parameters
    ----------
    structure : str
        See :func:`.simulate_features`.
    simulate : mapping
        Its other parameters.
    arms : sequence of str or mapping
        What is compared, as in a recipe.
    donors : int
        People of the target's own kind who are kept aside for positive controls, beside those of
        ``simulate``.
    against : str
        The arm that the others are compared with.
    seeds : int
        Of each study; no two studies share one.
    folds : int
        Groups of people that are tested in turn.
    labelled : int
        Training windows of the target per person and class; the others only test.
    hidden : sequence of int
        Layers of the network.
    schedule : Schedule
        Of sources and targets.
    margin, alpha : float
        Of the verdict.
    """

    structure: str
    simulate: Mapping[str, Any] = field(default_factory=dict)
    arms: Sequence[str | Mapping[str, Any]] = (
        "scratch",
        "transferred",
        {"name": "transferred", "start": "own_donors", "label": "transferred_own_donors"},
        "permuted",
        "redrawn",
        "shuffled_source",
        "noise_source",
    )
    donors: int = 8
    against: str = Compare.against
    seeds: int = 5
    folds: int = 4
    labelled: int = 4
    hidden: Sequence[int] = (32,)
    schedule: Schedule = field(default_factory=lambda: Schedule(epochs=10, learning_rate=3e-3, batch_size=32))
    margin: float = Compare.margin
    alpha: float = Compare.alpha

    @property
    def scale(self) -> str:
        """Where the size of the inputs is what is planted, it is left as it is."""
        return "none" if self.structure == "scale" else "standard"


def run_truth(study: TruthStudy, n_studies: int, *, first: int = 0, at_once: int = 25) -> pd.DataFrame:
    """Run studies of new people, new structure and new seeds each, and give their verdicts.

    Parameters
    ----------
    study : TruthStudy
        What they are like.
    n_studies : int
        How many.
    first : int
        Number of the first; study number i is always the same.
    at_once : int
        How many train together.

    Returns
    -------
    DataFrame
        One row per study and compared arm: ``study``, ``structure`` and the keys of ``results.VERDICTS``.

    Notes
    -----
    Every step is the one of a study: people held out of the source, sources of all kinds, a scaler fitted to
    training rows, :func:`.make_arms`, the stacked engine, and
    :func:`.compare`. Nothing of it knows the truth.

    Examples
    --------
    >>> table = run_truth(TruthStudy("useful", {"n_target": 6}, seeds=2), 1)
    >>> table["arm"].tolist()
    ['transferred', 'transferred_own_donors', 'permuted', 'redrawn', 'shuffled_source', 'noise_source']
    """
    check(n_studies >= 1, f"n_studies={n_studies}. Expected 1 or more.")
    parts = []
    for begin in range(first, first + n_studies, at_once):
        numbers = range(begin, min(begin + at_once, first + n_studies))
        for number, curves in zip(numbers, _curves(study, numbers), strict=True):
            rows = compare(
                curves,
                arms=study.arms,
                against=study.against,
                margin=study.margin,
                alpha=study.alpha,
            )
            parts.append(pd.DataFrame(rows).assign(study=number, structure=study.structure))
    return pd.concat(parts, ignore_index=True)


def feature_windows(table: FeatureTable, modality: str) -> Windows:
    """Return simulated features as Windows; every window of a run lasts 1 s."""
    subject = np.char.add("S", (table.subject + 1).astype(str))
    run = (table.run + 1).astype(str)
    recording = np.char.add(np.char.add(subject, "/"), run)
    metadata = pd.DataFrame({"subject": subject, "run": run, "recording": recording})
    start = metadata.groupby("recording").cumcount().to_numpy(float)
    metadata = metadata.assign(
        uid=metadata["recording"] + "@" + start.astype(int).astype(str),
        dataset="simulated features",
        session="1",
        start=start,
        stop=start + 1,
        source_file="",
    )
    names = tuple(f"feature_{i + 1}" for i in range(table.X.shape[1]))
    classes = tuple(f"{modality}_{i + 1}" for i in range(table.n_classes))
    return Windows(table.X, table.y, metadata, classes, names, modality)


def _noise(windows: Windows, seed: int) -> Windows:
    """White noise with each feature's deviation, and invented labels."""
    X = np.random.default_rng([seed, 12]).standard_normal(windows.X.shape, dtype=np.float32)
    return invent_labels(replace(windows, X=X * windows.X.std(axis=0)), seed)


_SOURCES = {
    "supervised": lambda windows, seed: windows,
    "shuffled_labels": shuffled_labels,
    "noise": _noise,
}


def _folds(study: TruthStudy, target: Windows, number: int) -> list[Split]:
    """Return splits by subject of which only some windows per person and class train."""
    place = pd.DataFrame({"subject": target.metadata["subject"], "y": target.y})
    few = place.groupby(["subject", "y"]).cumcount().to_numpy() < study.labelled
    splits = make_splits(target, "subject", folds=study.folds, seed=number)
    return [replace(split, train=split.train[few[split.train]]) for split in splits]


def _curves(study: TruthStudy, numbers: Sequence[int]) -> Iterator[pd.DataFrame]:
    """Train the studies of ``numbers`` together; yield the curves of each."""
    tested = int(study.simulate.get("n_target", _PEOPLE))
    asked = {**study.simulate, "n_target": tested + study.donors}
    pairs = [simulate_features(study.structure, **{**asked, "seed": n}) for n in numbers]
    sources = [feature_windows(source, _ENDS[0]) for source, _ in pairs]
    people = [feature_windows(target, _ENDS[1]) for _, target in pairs]
    targets, donors = zip(*(_parted(windows, tested) for windows in people), strict=True)
    seeds = [[n * study.seeds + s for s in range(study.seeds)] for n in numbers]
    asked_for = [arm.source for arm in resolve_arms(study.arms) if arm.source is not None]
    kinds = [kind for kind in dict.fromkeys(asked_for) if kind != _OWN]
    spec = {"name": "mlp", "hidden": list(study.hidden)}
    held_out = hold_out_people(sources[0])
    folds = [_folds(study, target, n) for target, n in zip(targets, numbers, strict=True)]
    aligned: dict[tuple[int, int], Windows] = {}
    prepared: list[tuple[int, str, int, Windows]] = []
    own: list[tuple[int, str, int, Windows]] = []
    for i, (source, target) in enumerate(zip(sources, targets, strict=True)):
        for f, split in enumerate(folds[i]):
            alignment = fit_alignment(
                source.take(held_out.train), target.take(split.train), "none", scale=study.scale
            )
            aligned[i, f] = alignment.target.apply(target)
        scaled = alignment.source.apply(source)
        prepared += [(i, kind, seed, _SOURCES[kind](scaled, seed)) for kind in kinds for seed in seeds[i]]
        if _OWN in asked_for:
            aside = fit_alignment(donors[i], targets[i], "none", scale=study.scale).source.apply(donors[i])
            own += [(i, _OWN, seed, aside) for seed in seeds[i]]
    weights = _pretrained(study, prepared, held_out, spec)
    if own:
        weights |= _pretrained(study, own, hold_out_people(own[0][-1]), spec)
    yield from _targets(study, numbers, seeds, folds, aligned, weights, spec)


def _parted(windows: Windows, n_tested: int) -> tuple[Windows, Windows]:
    """Return the people who are tested, and those who are kept aside."""
    mine = np.isin(windows.metadata["subject"].to_numpy(dtype=str), windows.subjects[:n_tested])
    return windows.take(np.flatnonzero(mine)), windows.take(np.flatnonzero(~mine))


def _pretrained(
    study: TruthStudy,
    prepared: Sequence[tuple[int, str, int, Windows]],
    held_out: Split,
    spec: Mapping[str, Any],
) -> dict[tuple[int, str, int], Weights]:
    """Train source networks, by study, kind and seed."""
    trained = pretrain(
        [windows for *_, windows in prepared],
        held_out,
        spec,
        [seed for _, _, seed, _ in prepared],
        study.schedule,
    )
    return {(i, kind, seed): one.weights for (i, kind, seed, _), one in zip(prepared, trained, strict=True)}


def _targets(
    study: TruthStudy,
    numbers: Sequence[int],
    seeds: Sequence[Sequence[int]],
    folds: Sequence[Sequence[Split]],
    aligned: Mapping[tuple[int, int], Windows],
    weights: Mapping[tuple[int, str, int], Weights],
    spec: Mapping[str, Any],
) -> Iterator[pd.DataFrame]:
    """Train every arm, seed and fold of every study, those of a size as one job."""
    first = aligned[0, 0]
    network = build_network(spec, first.shape, len(first.classes))
    arms: list[Arm] = []
    where: list[tuple[int, int]] = []
    train_rows, eval_rows = [], []
    for place, (i, f) in enumerate(aligned):
        split = folds[i][f]
        for seed in seeds[i]:
            starts = {kind: one for (j, kind, s), one in weights.items() if (j, s) == (i, seed)}
            made = make_arms(list(study.arms), starts, network, seed, stream=split.uid)
            arms += made
            where += [(i, f)] * len(made)
            train_rows += [split.train + place * len(first)] * len(made)
            eval_rows += [split.test + place * len(first)] * len(made)
    X = np.concatenate([windows.X for windows in aligned.values()])
    y = np.concatenate([windows.y for windows in aligned.values()])
    predicted: dict[int, np.ndarray] = {}
    sizes = [(len(train), len(test)) for train, test in zip(train_rows, eval_rows, strict=True)]
    for size in dict.fromkeys(sizes):
        alike = [a for a, own in enumerate(sizes) if own == size]
        train, test = (np.stack([part[a] for a in alike]) for part in (train_rows, eval_rows))
        curves = run_job(Job(network, [arms[a] for a in alike], X, y, train, test, "truth", study.schedule))
        predicted |= dict(zip(alike, curves.predicted, strict=True))
    for i in range(len(numbers)):
        parts = []
        for f, split in enumerate(folds[i]):
            mine = [a for a, place in enumerate(where) if place == (i, f)]
            values = np.stack([predicted[a] for a in mine])
            parts.append(_table([arms[a] for a in mine], split, aligned[i, f], values))
        yield pd.concat(parts, ignore_index=True)


def _table(arms: Sequence[Arm], split: Split, windows: Windows, predicted: np.ndarray) -> pd.DataFrame:
    """Balanced accuracy of every arm, person and point of one fold, as ``results.CURVES``."""
    people = windows.metadata["subject"].to_numpy(dtype=str)[split.test]
    y, names = windows.y[split.test], np.unique(people)
    values = np.stack(
        [balanced_accuracy(y[people == name], predicted[..., people == name]) for name in names], axis=1
    )
    n_points = values.shape[2]
    each = len(names) * n_points
    table = pd.DataFrame(
        {
            "arm": np.repeat([arm.name for arm in arms], each),
            "subject": np.tile(np.repeat(names, n_points), len(arms)),
            "seed": np.repeat([arm.seed for arm in arms], each),
            "epoch": np.tile(np.arange(n_points), len(arms) * len(names)),
            "value": values.ravel(),
        }
    )
    return table.assign(
        direction=str(Direction(*_ENDS)),
        network="mlp",
        variant="",
        protocol="subject",
        budget=ALL,
        split=split.name,
        step=table["epoch"],
        split_part="test",
        metric="balanced_accuracy",
    )[CURVES]
