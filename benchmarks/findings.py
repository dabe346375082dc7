"""Print what finished studies found, as the table of the README."""

from __future__ import annotations

import argparse
from pathlib import Path

from biotransfer import load_results
from biotransfer.evidence.reading import network_label, protocol_label


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", help="study folders")
    parser.add_argument("--arm", default="transferred")
    arguments = parser.parse_args()
    print("| recipe | source -> target | network | tested on | people | gain, points (95 % CI) | verdict |")
    print("|---|---|---|---|---|---|---|")
    for folder in arguments.studies:
        results = load_results(folder)
        table = results.verdicts.query("arm == @arguments.arm")
        for row in table.itertuples():
            gain = f"{100 * row.difference:+.1f}"
            gain += f" ({100 * row.ci_low:+.1f} to {100 * row.ci_high:+.1f})"
            where = protocol_label(row.protocol)
            where += "" if row.budget == "all" else f", {row.budget} labelled s a class"
            cells = [f"`{Path(folder).name}`", f"{row.source.upper()} -> {row.target.upper()}"]
            cells += [network_label(row.network, row.variant), where, str(row.n_subjects), gain, row.verdict]
            print("| " + " | ".join(cells) + " |")
    for folder in arguments.studies:
        facts = load_results(folder).provenance
        print(f"{Path(folder).name}: {facts['n_trainings']} trainings, {facts['seconds'] / 60:.1f} min")


if __name__ == "__main__":
    main()
