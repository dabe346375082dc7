"""Leaks in disguise and the same studies without them: how many are stopped."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import planted_leaks

from biotransfer.evidence.truth import interval_of_rate


def rate(count: int, n: int) -> str:
    """Return a count with its 95 % Clopper-Pearson interval."""
    low, high = interval_of_rate(count, n)
    return f"{count} of {n} ({100 * low:.0f} to {100 * high:.0f} %)"


def report(studies: int = 40, data: Path | None = None, *, verbose: bool = False) -> None:
    """Plant leaks and print how many were stopped, beside clean studies.

    Parameters
    ----------
    studies : int
        Pairs of a clean study and one with a leak.
    data : Path, optional
        Folder of data sets; without it signals are simulated.
    verbose : bool
        Print every study.
    """
    told: dict[str, Counter[str]] = {"leak": Counter(), "clean": Counter()}
    by: dict[str, Counter[str]] = {"leak": Counter(), "clean": Counter()}
    missed = []
    for seed in range(studies):
        for case in planted_leaks.cases(seed, data):
            kind = "leak" if case.disguises else "clean"
            found = planted_leaks.stopped(case.frame)
            told[kind][case.place] += 1
            by[kind][case.place] += bool(found)
            if bool(found) != bool(case.disguises):
                missed.append(f"{case.signals}, {case.place}: {' '.join(case.disguises) or 'clean'}: {found}")
            if verbose:
                print(seed, case.signals, case.place, case.disguises, found, flush=True)
    print("| where the copy stands | leaks in disguise stopped | clean studies stopped |")
    print("|---|---|---|")
    for place in planted_leaks.PLACES:
        if told["leak"][place]:
            cells = [rate(by[kind][place], told[kind][place]) for kind in ("leak", "clean")]
            print(f"| {place} | {' | '.join(cells)} |")
    cells = [rate(by[kind].total(), told[kind].total()) for kind in ("leak", "clean")]
    print(f"| all | {' | '.join(cells)} |")
    for line in missed:
        print(f"wrong: {line}")
    declared: dict[str, list[str]] = {}
    for seed in range(min(studies, 5)):
        for name, frame in planted_leaks.others(seed):
            declared.setdefault(name, []).append(planted_leaks.stopped(frame))
    print("\n| leak that no signal tells | stopped | by |")
    print("|---|---|---|")
    for name, checks in declared.items():
        count = sum(map(bool, checks))
        print(f"| {name} | {rate(count, len(checks))} | {', '.join(sorted(set(filter(None, checks))))} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=40, help="pairs of a clean study and one with a leak")
    parser.add_argument("--data", type=Path, help="folder of data sets; without it signals are simulated")
    parser.add_argument("--verbose", action="store_true", help="print every study")
    arguments = parser.parse_args()
    report(arguments.studies, arguments.data, verbose=arguments.verbose)


if __name__ == "__main__":
    main()
