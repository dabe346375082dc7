"""Leaks in disguise, planted in real and simulated signals; and the same studies without them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from biotransfer.errors import BiotransferError
from biotransfer.evidence.checks import refuse_errors, run_guards
from biotransfer.signals.datasets import load_dataset
from biotransfer.signals.preprocessing import preprocess
from biotransfer.signals.recording import Recording
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from biotransfer.signals.splits import ALL, make_splits
from biotransfer.signals.windows import Windows, cut_windows
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running.data import Side
from biotransfer.studies.running.plan import Plan

NETWORK = "cnn_signal"
PEOPLE = 4
PLACES = ("training", "donors", "source", "source of the other modality")
SETS: dict[str, dict[str, Any]] = {
    "muse-mental-state": {},
    "mental-arithmetic": {},
    "cote-allard": {},
    "myodisco": {"sessions": ["day1"], "classes": ["hand_close", "hand_open", "flexion", "extension"]},
    "myo-readings": {"sessions": ["1"]},
}


def _changed(recording: Recording, data: np.ndarray) -> Recording:
    raw = recording.raw.copy()
    raw._data[list(recording.picks)] = data
    return replace(recording, raw=raw)


def _signal(recording: Recording) -> np.ndarray:
    return np.asarray(recording.raw.get_data(picks=recording.picks))


def resampled(recording: Recording, rng: np.random.Generator) -> Recording:
    """Return it at another rate, 0.6 to 1.6 times its own and 100 Hz at least."""
    rate = max(100.0, round(recording.sfreq * rng.uniform(0.6, 1.6)))
    raw = recording.raw.copy().resample(rate, verbose="error")
    return replace(recording, raw=raw, timestamps=None)


def rescaled(recording: Recording, rng: np.random.Generator) -> Recording:
    """Return it louder or softer, by any sign."""
    gain = float(rng.choice([-1.0, 1.0]) * np.exp(rng.uniform(-1.0, 1.0)))
    return _changed(recording, gain * _signal(recording))


def cut(recording: Recording, rng: np.random.Generator) -> Recording:
    """Return 60 to 90 % of it, from anywhere."""
    seconds = recording.raw.times[-1]
    keep = rng.uniform(0.6, 0.9) * seconds
    begin = rng.uniform(0.0, seconds - keep)
    raw = recording.raw.copy().crop(begin, begin + keep)
    return replace(recording, raw=raw, timestamps=None)


def reordered(recording: Recording, rng: np.random.Generator) -> Recording:
    """Return it with every channel under the name of another."""
    data = _signal(recording)
    return _changed(recording, data[rng.permutation(len(data))])


def noisy(recording: Recording, rng: np.random.Generator) -> Recording:
    """Return it under white noise, 15 dB below each channel's own power."""
    data = _signal(recording)
    level = data.std(axis=1, keepdims=True) * 10 ** (-15 / 20)
    return _changed(recording, data + level * rng.standard_normal(data.shape))


def filtered(recording: Recording, rng: np.random.Generator) -> Recording:
    """Return what a band of it holds: 2 to 8 Hz up to 30 to 40 Hz."""
    band = (float(rng.uniform(2, 8)), float(rng.uniform(30, 40)))
    raw = recording.raw.copy().filter(*band, picks=recording.picks, verbose="error")
    return replace(recording, raw=raw)


Disguise = Callable[[Recording, np.random.Generator], Recording]
DISGUISES: dict[str, Disguise] = {
    "resampled": resampled, "rescaled": rescaled, "cut": cut, "reordered": reordered, "noisy": noisy,
    "filtered": filtered,
}  # fmt: skip


def disguised(recording: Recording, names: Sequence[str], rng: np.random.Generator) -> Recording:
    """Return a recording under another person's name, in the disguises of these names, in their order."""
    for name in names:
        recording = DISGUISES[name](recording, rng)
    return replace(recording, subject="stranger", run="elsewhere", source_file="", timestamps=None)


def relabelled(recording: Recording) -> Recording:
    """Return an EEG as an EMG, and the other way round."""
    modality = "emg" if recording.modality == "eeg" else "eeg"
    raw = recording.raw.copy().pick(recording.picks)
    raw.set_channel_types(dict.fromkeys(raw.ch_names, modality), on_unit_change="ignore")
    return replace(recording, raw=raw, modality=modality)


@dataclass(frozen=True)
class Case:
    """One study, clean or with a leak.

    Parameters
    ----------
    signals : str
        The data set, or "simulated".
    place : str
        Where the copy stands.
    disguises : tuple of str
        How it was changed; empty in a clean study.
    frame : Plan
        What a guard looks at.
    """

    signals: str
    place: str
    disguises: tuple[str, ...]
    frame: Any


def side(recordings: Sequence[Recording], dataset: str, step: float = 1.0) -> Side:
    """Return recordings as a study has them: filtered, of one rate and one set of channels, and cut."""
    rate, names = recordings[0].sfreq, recordings[0].ch_names
    steps: list[Any] = [{"name": "resample", "sfreq": rate}, recordings[0].modality]
    alike = [replace(r, raw=r.raw.copy().pick(r.picks), timestamps=None) for r in recordings]
    for recording in alike:
        recording.raw.rename_channels(dict(zip(recording.raw.ch_names, names, strict=True)))
    done = [preprocess(r if r.sfreq == rate else preprocess(r, steps[:1]), steps[1]) for r in alike]
    return Side(cut_windows(done, length=1.0, step=step), None, {"dataset": dataset, "simulated": False})


def study(target: Side, source: Side, *, donors: Side | None = None, split: str = "subject", **changes: Any):
    """Return what a guard looks at: recipe, sides, splits."""
    end = target.signals.modality
    sides = {"target": target, "source": source}
    sections = {n: {"data": "simulated", "seed": i, "modality": s.signals.modality}
                for i, (n, s) in enumerate(sides.items())}  # fmt: skip
    raw = {"sets": sections, "network": NETWORK, "split": split, "arms": ["scratch", "transferred"],
           "directions": ["source->target"], **changes}  # fmt: skip
    if donors is not None:
        assert donors.signals.modality == end
        sides["same_modality target"] = donors
    windows: Windows = target.windows(NETWORK)
    folds = {} if split == "subject" else {"folds": 2}
    splits = {("target", split, NETWORK): make_splits(windows, split, **folds)}
    return Plan(load_recipe(raw), sides, splits, {(*key, ALL): made for key, made in splits.items()})


def _people(name: str, seed: int, data_dir: Path | None) -> list[list[Recording]]:
    """Return the recordings of people, person by person, in an order that the seed draws."""
    if name.startswith("simulated"):
        make = simulate_eeg if name.endswith("EEG") else simulate_emg
        found = make(n_subjects=2 * PEOPLE, seed=seed)
    else:
        found = load_dataset(name, data_dir=data_dir, download=False, **SETS[name])
    people: dict[str, list[Recording]] = {}
    for recording in found:
        people.setdefault(recording.subject, []).append(recording)
    order = np.random.default_rng(seed).permutation(sorted(people))
    return [people[who] for who in order.tolist()]


def _flat(people: Sequence[Sequence[Recording]]) -> list[Recording]:
    return [recording for person in people for recording in person]


def cases(seed: int, data_dir: Path | None = None) -> Iterator[Case]:
    """Yield a clean study and one with a leak in it, on signals and in disguises that the seed draws.

    Parameters
    ----------
    seed : int
        Draws everything.
    data_dir : Path, optional
        Folder of real data sets; simulated signals only when not given.
    """
    rng = np.random.default_rng([5, seed])
    pool = ["simulated EEG", "simulated EMG", *(SETS if data_dir else ())]
    name, place = pool[seed % len(pool)], PLACES[(seed // len(pool)) % len(PLACES)]
    number = int(rng.integers(1, len(DISGUISES) + 1))
    chosen = tuple(str(d) for d in rng.permutation(list(DISGUISES))[:number])
    people = _people(name, seed, data_dir)
    half = max(2, min(PEOPLE, len(people) // 2))
    mine, others = _flat(people[:half]), _flat(people[half : 2 * half])
    others = [replace(r, subject=f"other {r.subject}", dataset="others") for r in others]
    longest = sorted(mine, key=lambda r: r.raw.times[-1])[len(mine) // 2 :]
    copy = disguised(longest[int(rng.integers(len(longest)))], chosen, rng)
    for leaks in (False, True):
        given = [copy] if leaks else []
        target, source, donors = mine, others, None
        if place == "training":
            target = [*mine, *given]
        elif place == "donors":
            source, donors = others[: len(others) // 2], side([*others[len(others) // 2 :], *given], "donors")
        else:
            source = [*others, *given]
        if place.endswith("modality"):
            source = [relabelled(r) for r in source]
        frame = study(side(target, name), side(source, "others"), donors=donors)
        yield Case(name, place, chosen if leaks else (), frame)


def stopped(frame: Any) -> str:
    """Return the check that stops the study, "" when none does."""
    found = run_guards(frame)
    try:
        refuse_errors(found)
    except BiotransferError as error:
        return str(error).split(":")[0].removeprefix("check ")
    return ""


def others(seed: int) -> Iterator[tuple[str, Any]]:
    """Yield leaks that no signal tells, by name."""
    people = simulate_eeg(n_subjects=5, seconds_per_class=24.0, seed=seed)
    source = side(simulate_emg(n_subjects=2, n_repetitions=2, seed=seed), "emg")
    clean = side(people, "eeg")
    overlapping = side(people, "eeg", 0.5)
    yield "shuffled, half-overlapping windows", study(overlapping, source, split="shuffled_windows")
    names = [f"target/{name}" for name in clean.signals.subjects[:2]]
    yield "one person under two names, declared", study(clean, source, same_people=[names])
    arms = ["scratch", "transferred", {"name": "l2_sp", "label": "weak"},
            {"name": "l2_sp", "alpha": 0.5, "label": "strong"}]  # fmt: skip
    yield "two settings of one arm tried on the target", study(clean, source, arms=arms)
