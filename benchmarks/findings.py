"""Print what finished studies found, claim by claim, as the tables of the README and docs/definitive.md."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from biotransfer import load_results
from biotransfer.evidence.reading import arm_label, network_label, outcome_label, protocol_label
from biotransfer.results import Results

HEAD = ("recipe", "source -> target", "network", "tested on", "arm", "people", "gain, points (95 % CI)",
        "positive control", "verdict")  # fmt: skip


def _gain(value: Any, low: Any, high: Any) -> str:
    if value is None or value != value:
        return "none"
    inside = [end for end in (low, high) if end is not None and end == end]
    told = f"{100 * inside[0]:+.1f} to {100 * inside[1]:+.1f}" if len(inside) == 2 else "not estimable"
    return f"{100 * value:+.1f} ({told})"


def _rows(name: str, results: Results, arms: list[str]) -> list[list[str]]:
    rows = []
    for row in results.verdict_list:
        if row["role"] != "transfer" or (arms and row["arm"] not in arms):
            continue
        where = protocol_label(row["protocol"])
        where += "" if row["budget"] == "all" else f", {row['budget']} labelled s a class"
        rows.append(
            [
                f"`{name}`",
                f"{row['source'].upper()} -> {row['target'].upper()}",
                network_label(row["network"], row["variant"]),
                where,
                arm_label(row["arm"]),
                str(row["n_subjects"]),
                _gain(row["difference"], row["ci_low"], row["ci_high"]),
                _gain(row["assay_gain"], row["assay_low"], row["assay_high"]),
                outcome_label(row),
            ]
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", help="study folders")
    parser.add_argument("--arm", nargs="*", default=["transferred"], help="whose claims; none: all")
    parser.add_argument("--columns", nargs="*", default=list(HEAD), help="which columns")
    arguments = parser.parse_args()
    kept = [HEAD.index(name) for name in arguments.columns]
    print("| " + " | ".join(HEAD[i] for i in kept) + " |")
    print("|" + "---|" * len(kept))
    studies = {Path(folder).name: load_results(folder) for folder in arguments.studies}
    for name, results in studies.items():
        for row in _rows(name, results, arguments.arm):
            print("| " + " | ".join(row[i] for i in kept) + " |")
    for name, results in studies.items():
        facts = results.provenance
        print(f"{name}: {facts['n_trainings']} trainings, {facts['seconds'] / 60:.1f} min")


if __name__ == "__main__":
    main()
