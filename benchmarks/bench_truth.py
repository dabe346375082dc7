"""The verdict on trial: hundreds of studies of simulated pairs whose truth is known."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from biotransfer.evidence.stats import paired_power
from biotransfer.evidence.truth import TruthStudy, confusion, expected_rate, interval_of_rate, run_truth

ALPHA = 0.05
STUDIES = {
    "nothing shared": (TruthStudy("nothing"), 400),
    "useful": (TruthStudy("useful"), 200),
    "useful, ten seeds": (TruthStudy("useful", seeds=10), 100),
    "harmful": (TruthStudy("harmful"), 100),
    "scale only": (TruthStudy("scale", hidden=(16,) * 5), 200),
    "two sources of nothing": (
        TruthStudy("empty", arms=("shuffled_source", "transferred"), against="shuffled_source"), 200,
    ),
}  # fmt: skip
PARTS = {"people": 0.034, "seeds": 0.007, "rest": 0.045}
CHUNK = 20


def _chunk(name: str, first: int, n_studies: int, folder: Path | None) -> pd.DataFrame:
    """Run some studies, or read what an interrupted run left."""
    path = folder / f"{name.replace(' ', '_')}-{first}.parquet" if folder else None
    if path is not None and path.is_file():
        return pd.read_parquet(path)
    table = run_truth(STUDIES[name][0], n_studies, first=first, at_once=CHUNK).assign(planted=name)
    if path is not None:
        table.to_parquet(path)
    return table


def run(share: float, workers: int, folder: Path | None, only: Sequence[str] = ()) -> pd.DataFrame:
    """Return the verdicts of all studies, or of a share of them."""
    jobs = [
        (name, first, min(CHUNK, n - first), folder)
        for name, (_, wanted) in STUDIES.items()
        if not only or name in only
        for n in [max(2, round(wanted * share))]
        for first in range(0, n, CHUNK)
    ]
    return pd.concat(Parallel(workers)(delayed(_chunk)(*job) for job in jobs), ignore_index=True)


def _rate(count: int, n: int) -> str:
    low, high = interval_of_rate(count, n)
    return f"{count} of {n} = {100 * count / n:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _promise(name: str, part: pd.DataFrame) -> None:
    """Print what power says in advance of this gain, these parts of the spread and this design."""
    study = STUDIES[name][0]
    n_people, alpha = int(part["n_subjects"].iloc[0]), ALPHA / (len(study.arms) - 1)
    gain, square = part["difference"].mean(), (part["spread"] ** 2).mean()
    between = max(part["difference"].var() - square / n_people, 0.0) ** 0.5
    alone = expected_rate(gain, **PARTS, n_people=n_people, n_seeds=study.seeds, alpha=alpha)
    differing = expected_rate(
        gain, **PARTS, between=between, n_people=n_people, n_seeds=study.seeds, alpha=alpha
    )
    t_test = paired_power(gain, square**0.5, n_people, alpha=alpha)
    print(
        f"| {name}: power of the t test with this spread, at alpha / {len(study.arms) - 1} | {t_test:.0%} |"
    )
    print(f"| {name}: expected of the rule | {alone:.0%} |")
    print(f"| {name}: the same where true gains differ by {100 * between:.1f} points | {differing:.0%} |")


def report(verdicts: pd.DataFrame) -> None:
    """Print the confusion table, what power promised, and what the controls and the seeds are for."""
    table = confusion(verdicts, by=["planted"])
    mine = verdicts[verdicts["arm"] == "transferred"]
    print("| planted | studies | positive | negative | equivalent | inconclusive | gain | spread |")
    print("|---|---|---|---|---|---|---|---|")
    for row in table.to_dict("records"):
        cells = [str(row[name]) for name in ("planted", "n_studies", "positive", "negative", "equivalent",
                                             "inconclusive")]  # fmt: skip
        cells += [f"{100 * row['difference']:+.1f}", f"{100 * row['spread']:.1f}"]
        print("| " + " | ".join(cells) + " |")
    print(
        "\ngain: mean over studies, points of balanced accuracy over scratch; spread: of the differences "
        "between people, with the seeds' shared luck in it\n"
    )
    print("| question | rate (95 % Clopper-Pearson) |")
    print("|---|---|")
    for name, verdict in (
        ("nothing shared", "positive"), ("scale only", "positive"), ("useful", "positive"),
        ("useful, ten seeds", "positive"), ("harmful", "negative"),
    ):  # fmt: skip
        part = mine[mine["planted"] == name]
        if len(part):
            print(f"| {name}: {verdict} | {_rate(int((part['verdict'] == verdict).sum()), len(part))} |")
    for name in ("useful", "useful, ten seeds"):
        part = mine[mine["planted"] == name]
        if len(part):
            _promise(name, part)
    for name in ("scale only", "nothing shared"):
        part = mine[mine["planted"] == name]
        if len(part):
            claimed = int(((part["difference"] > 0) & (part["p_holm"] < ALPHA)).sum())
            print(f"| {name}: above scratch, controls not asked | {_rate(claimed, len(part))} |")
    part = mine[mine["planted"] == "two sources of nothing"]
    if len(part):
        for what, column in (("people alone", "p_people"), ("people and seeds, the rule", "p")):
            claims = int((part[column] < ALPHA).sum())
            print(f"| two sources of nothing differ (p < 0.05), {what} | {_rate(claims, len(part))} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the studies (1: some 1200)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--folder", type=Path, help="keep finished parts here, to continue an interrupted run"
    )
    parser.add_argument("--only", nargs="*", default=[], help="planted structures")
    arguments = parser.parse_args()
    if arguments.folder:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    report(run(arguments.share, arguments.workers, arguments.folder, arguments.only))


if __name__ == "__main__":
    main()
