"""Leaks planted in simulated EEG, each given to the guards of a study; and the same studies without them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from biotransfer.errors import BiotransferError
from biotransfer.evidence.checks import refuse_errors, run_guards
from biotransfer.signals.recording import Recording
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from biotransfer.signals.splits import ALL, make_splits
from biotransfer.signals.windows import Windows, cut_windows
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running.data import Side
from biotransfer.studies.running.plan import Plan

NETWORK = "cnn_signal"


def _side(recordings: Sequence[Recording], dataset: str, step: float = 1.0) -> Side:
    windows = cut_windows(recordings, length=1.0, step=step)
    return Side(windows, None, {"dataset": dataset, "simulated": False})


def _frame(target: Side, source: Side, *, split: str = "subject", donors: Side | None = None, **changes: Any):
    """Return what a guard looks at: recipe, sides, splits."""
    raw = {"eeg": {"data": "simulated"}, "emg": {"data": "simulated"}, "network": NETWORK, "split": split,
           "arms": ["scratch", "transferred"], "directions": ["emg->eeg"], **changes}  # fmt: skip
    sides = {"eeg": target, "emg": source}
    if donors is not None:
        sides["same_modality eeg"] = donors
    windows: Windows = target.windows(NETWORK)
    splits = {
        ("eeg", split, NETWORK): make_splits(windows, split, **({} if split == "subject" else {"folds": 2}))
    }
    labelled = {(*key, ALL): made for key, made in splits.items()}
    return Plan(load_recipe(raw), sides, splits, labelled)


def plant(seed: int) -> Iterator[tuple[str, Any]]:
    """Yield a clean study and every leak in it, by name."""
    people = simulate_eeg(n_subjects=5, seconds_per_class=24.0, seed=seed)
    others = [replace(r, subject=f"X{r.subject}", dataset="others") for r in
              simulate_eeg(n_subjects=3, seconds_per_class=24.0, seed=1000 + seed)]  # fmt: skip
    source = _side(simulate_emg(n_subjects=2, n_repetitions=2, seed=seed), "emg")
    clean = _side(people, "eeg")
    yield "none", _frame(clean, source, donors=_side(others, "others"))
    yield (
        "shuffled, half-overlapping windows",
        _frame(_side(people, "eeg", 0.5), source, split="shuffled_windows"),
    )
    late = people[0].raw.copy().crop(tmin=2.3)
    data = late.get_data()
    data[:, ::50] += 1e-9
    late._data[:] = data
    copy = replace(people[0], raw=late, subject="S9", run="9", timestamps=None)
    yield (
        "a recording twice, under another person's name, cut and touched up",
        _frame(_side([*people, copy], "eeg"), source),
    )
    yield (
        "a tested person in the source of the same modality",
        _frame(clean, source, donors=_side([*others, replace(copy, dataset="others")], "others")),
    )
    yield "two settings of one arm tried on the target", _frame(
        clean, source, arms=["scratch", "transferred", {"name": "l2_sp", "label": "weak"},
                             {"name": "l2_sp", "alpha": 0.5, "label": "strong"}],
    )  # fmt: skip


def stopped(frame: Any) -> str:
    """Return the check that stops the study, "" when none does."""
    found = run_guards(frame)
    try:
        refuse_errors(found)
    except BiotransferError as error:
        return str(error).split(":")[0].removeprefix("check ")
    return ""


def main(n: int = 10) -> None:
    """Print how many of each were stopped, and by which checks."""
    counts: dict[str, list[str]] = {}
    for seed in range(n):
        for name, frame in plant(seed):
            counts.setdefault(name, []).append(stopped(frame))
    print("| planted leak | studies | stopped | by |")
    print("|---|---|---|---|")
    for name, by in counts.items():
        checks = ", ".join(sorted(set(filter(None, by)))) or "-"
        print(f"| {name} | {len(by)} | {sum(map(bool, by))} | {checks} |")


if __name__ == "__main__":
    main()
