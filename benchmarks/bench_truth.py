"""The verdict on trial: hundreds of studies of simulated pairs whose truth is known."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bench_leaks
import bench_statistics
import pandas as pd
from joblib import Parallel, delayed

from biotransfer.evidence.stats import Design, Parts, positive_rate
from biotransfer.evidence.truth import TruthStudy, confusion, interval_of_rate, run_truth

ALPHA = 0.05
_CONTROLS = ("permuted", "redrawn", "shuffled_source", "noise_source")


def _labelled(name: str, **parameters: float) -> dict[str, Any]:
    return {"name": name, **parameters, "label": "_".join([name, *map(str, parameters.values())])}


TWENTY = (
    "transferred",
    *(_labelled("gradual_unfreezing", until=until) for until in (0.2, 0.35, 0.5, 0.65, 0.8)),
    *(_labelled("layerwise_decay", decay=decay) for decay in (0.1, 0.2, 0.3, 0.6, 0.8)),
    *(_labelled("probe_then_finetune", probe=p, rate=r) for p in (0.2, 0.5, 0.8) for r in (0.3, 1.0)),
    *(_labelled("l2_sp", alpha=alpha) for alpha in (0.01, 0.1, 1.0)),
)
"""Twenty ways to carry what was learned: twenty claims of one study."""
_MANY = ("scratch", *TWENTY, *_CONTROLS)
PEOPLE = (6, 8, 10, 14, 36)
STUDIES = {
    "nothing shared, 20 arms": (TruthStudy("nothing", arms=_MANY), 400),
    "scale only, 20 arms": (TruthStudy("scale", hidden=(16,) * 5, arms=_MANY), 400),
    "target at chance": (TruthStudy("nothing", {"contrast": 0.0}), 100),
    "useful, 12 people": (TruthStudy("useful"), 400),
    "useful, 12 people, ten seeds": (TruthStudy("useful", seeds=10), 200),
    **{f"useful, {n} people": (TruthStudy("useful", {"n_target": n}), 400) for n in PEOPLE},
    "harmful": (TruthStudy("harmful"), 100),
    "two sources of nothing": (
        TruthStudy("empty", arms=("shuffled_source", "transferred"), against="shuffled_source"), 200,
    ),
}  # fmt: skip
PARTS = Parts(people=0.034, seeds=0.007, rest=0.045)
CHUNK = 20


def _chunk(name: str, first: int, n_studies: int, folder: Path | None) -> pd.DataFrame:
    """Run some studies, or read what an interrupted run left."""
    path = folder / f"{name.replace(', ', '-').replace(' ', '_')}-{first}.parquet" if folder else None
    if path is not None and path.is_file():
        return pd.read_parquet(path)
    table = run_truth(STUDIES[name][0], n_studies, first=first, at_once=CHUNK).assign(planted=name)
    table = table.drop(columns=["controls", "preregistration"])
    if path is not None:
        table.to_parquet(path)
    return table


def run(share: float, workers: int, folder: Path | None, only: Sequence[str] = ()) -> pd.DataFrame:
    """Return the verdicts of all studies, or of a share of them."""
    jobs = [
        (name, first, min(CHUNK, n - first), folder)
        for name, (_, wanted) in STUDIES.items()
        if not only or any(name.startswith(asked) for asked in only)
        for n in [max(2, round(wanted * share))]
        for first in range(0, n, CHUNK)
    ]
    return pd.concat(Parallel(workers)(delayed(_chunk)(*job) for job in jobs), ignore_index=True)


def _rate(count: int, n: int) -> str:
    low, high = interval_of_rate(count, n)
    return f"{count} of {n} = {100 * count / n:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _power(name: str, part: pd.DataFrame) -> str:
    """Say how often a gain was called positive, and how often that had been told in advance."""
    mine = part[part["arm"] == "transferred"]
    n_people, n_seeds = int(mine["n_subjects"].iloc[0]), int(mine["n_seeds"].iloc[0])
    gain = float(mine["difference"].mean())
    lost = part[part["role"] == "control"].groupby("study")["difference"].mean().mean()
    within = (mine["spread"] ** 2).mean() / n_people
    between = max(float(mine["difference"].var() - within), 0.0) ** 0.5
    told = positive_rate(
        gain,
        Design(n_people, n_seeds, n_controls=len(_CONTROLS)),
        PARTS.scaled_to(float((mine["spread"] ** 2).mean() ** 0.5), n_people, n_seeds),
        between=between,
        over_controls=-lost,
    )
    found = int((mine["verdict"] == "positive").sum())
    off = 100 * (found / len(mine) - (told.value or 0.0))
    return (
        f"| {name}, {n_seeds} seeds: a gain of {100 * gain:.1f} points | {_rate(found, len(mine))} | "
        f"{100 * (told.value or 0.0):.0f} % | {off:+.0f} |"
    )


def report(verdicts: pd.DataFrame) -> None:
    """Print the confusion table, rates of false claims, and power found and told in advance."""
    table = confusion(verdicts, by=["planted"])
    print("| planted | studies | positive | negative | equivalent | inconclusive | not assayable | gain |")
    print("|---|---|---|---|---|---|---|---|")
    for row in table.to_dict("records"):
        cells = [str(row[name]) for name in ("planted", "n_studies", "positive", "negative", "equivalent",
                                             "inconclusive", "not_assayable")]  # fmt: skip
        print("| " + " | ".join([*cells, f"{100 * row['difference']:+.1f}"]) + " |")
    print("\nthe arm transferred; gain: mean over studies, points of balanced accuracy over the baseline\n")
    print("| question | rate (95 % Clopper-Pearson) |")
    print("|---|---|")
    claims = verdicts[verdicts["role"] == "transfer"]
    for name in ("nothing shared, 20 arms", "scale only, 20 arms"):
        part = claims[claims["planted"] == name]
        if len(part):
            for what, wrong in (
                ("any of 20 claims positive", part["verdict"] == "positive"),
                ("any above scratch, not corrected", (part["difference"] > 0) & (part["p"] < ALPHA)),
            ):
                count = int(wrong.groupby(part["study"]).any().sum())
                print(f"| {name}: {what} | {_rate(count, part['study'].nunique())} |")
    for name, verdict in (
        ("target at chance", "equivalent"), ("target at chance", "not_assayable"), ("harmful", "negative"),
    ):  # fmt: skip
        part = claims[claims["planted"] == name]
        if len(part):
            print(f"| {name}: {verdict} | {_rate(int((part['verdict'] == verdict).sum()), len(part))} |")
    part = claims[claims["planted"] == "two sources of nothing"]
    if len(part):
        for what, column in (("people alone", "p_people"), ("people and seeds, the rule", "p")):
            count = int((part[column] < ALPHA).sum())
            print(f"| two sources of nothing differ (p < 0.05), {what} | {_rate(count, len(part))} |")
    print("\n| planted gain | found | told in advance | off, points |")
    print("|---|---|---|---|")
    for name in STUDIES:
        part = verdicts[verdicts["planted"] == name]
        if name.startswith("useful") and len(part):
            print(_power(name, part))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the studies (1: some 3600)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--folder", type=Path, help="keep finished parts here, to continue an interrupted run"
    )
    parser.add_argument("--data", type=Path, help="folder of data sets, for leaks in real recordings, too")
    parser.add_argument("--only", nargs="*", default=[], help="planted structures, or how they begin")
    arguments = parser.parse_args()
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    report(run(arguments.share, arguments.workers, arguments.folder, arguments.only))
    if not arguments.only:
        print("\n## Intervals, tests and equivalence\n")
        bench_statistics.report(arguments.share, arguments.workers)
        print("\n## Leaks in disguise\n")
        bench_leaks.report(max(2, round(40 * arguments.share)), arguments.data)


if __name__ == "__main__":
    main()
