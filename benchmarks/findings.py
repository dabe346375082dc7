"""Print what finished studies found, claim by claim, as the tables of the README and docs/definitive.md."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from biotransfer.evidence.reading import arm_label, network_label, outcome_label, protocol_label
from biotransfer.files import read_json
from biotransfer.results import FORMAT

HEAD = ("recipe", "source -> target", "network", "tested on", "arm", "people", "gain, points (95 % CI)",
        "positive control", "verdict")  # fmt: skip


def _gain(value: Any, low: Any, high: Any) -> str:
    if value is None or value != value:
        return "none"
    inside = [end for end in (low, high) if end is not None and end == end]
    told = f"{100 * inside[0]:+.1f} to {100 * inside[1]:+.1f}" if len(inside) == 2 else "not estimable"
    return f"{100 * value:+.1f} ({told})"


def _rows(name: str, verdicts: list[dict[str, Any]], arms: list[str]) -> list[list[str]]:
    rows = []
    for row in verdicts:
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


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the gain of every claim, with its interval, beside that of its positive control."""
    import matplotlib.pyplot as plt

    claims = [row for row in rows if row["role"] == "transfer" and row["ci_low"] is not None]
    arms = list(dict.fromkeys(row["arm"] for row in claims))
    figure, axes = plt.subplots(1, len(arms), figsize=(5.2 * len(arms), 0.27 * len(claims) / len(arms) + 1.2),
                                layout="constrained", sharey=True)  # fmt: skip
    places = list(dict.fromkeys((row["direction"], row["budget"]) for row in claims))
    for ax, arm in zip(axes if len(arms) > 1 else [axes], arms, strict=True):
        ax.axvspan(-2, 2, color="#EEF2F6", zorder=0)
        ax.axvline(0, color="#6B7785", linewidth=1)
        for row in (row for row in claims if row["arm"] == arm):
            y = places.index((row["direction"], row["budget"]))
            seen = row["verdict"] != "not_assayable"
            color = "#1F4E79" if seen else "#B4BCC6"
            ax.plot([100 * row["ci_low"], 100 * row["ci_high"]], [y, y], color=color, linewidth=2)
            ax.plot(100 * row["difference"], y, "o", color=color, markersize=5)
            if row["assay_low"] is not None:
                ends = [100 * row["assay_low"], 100 * row["assay_high"]]
                ax.plot(ends, [y + 0.32] * 2, color="#C77C11", linewidth=1)
                ax.plot(100 * row["assay_gain"], y + 0.32, "|", color="#C77C11", markersize=7)
        ax.set_title(arm_label(arm), loc="left", fontsize=11)
        ax.set_xlabel("points of balanced accuracy over its baseline")
        ax.spines[["top", "right"]].set_visible(False)
    first = axes[0] if len(arms) > 1 else axes
    labels = [f"{direction.replace('->', ' → ')}, {budget} s" for direction, budget in places]
    first.set_yticks(range(len(places)), labels, fontsize=8)
    first.set_ylim(len(places) - 0.3, -0.7)
    figure.suptitle(
        "Blue: the transfer (grey where the design is not assayable). Orange: own donors, carried the same "
        "way.", fontsize=9, x=0.01, ha="left",
    )  # fmt: skip
    figure.savefig(path, dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", help="study folders")
    parser.add_argument("--arm", nargs="*", default=["transferred"], help="whose claims; none: all")
    parser.add_argument("--columns", nargs="*", default=list(HEAD), help="which columns")
    parser.add_argument("--figure", type=Path, help="draw the claims of the last study into this PNG")
    arguments = parser.parse_args()
    kept = [HEAD.index(name) for name in arguments.columns]
    told = []
    print("| " + " | ".join(HEAD[i] for i in kept) + " |")
    print("|" + "---|" * len(kept))
    for folder in map(Path, arguments.studies):
        facts = read_json(folder / "provenance.json")
        if facts.get("format") != FORMAT:
            parser.error(f"{folder} was judged by an older rule. Type: biotransfer run on its recipe")
        for row in _rows(folder.name, read_json(folder / "verdicts.json"), arguments.arm):
            print("| " + " | ".join(row[i] for i in kept) + " |")
        if arguments.figure:
            draw(read_json(folder / "verdicts.json"), arguments.figure)
        told.append(f"{folder.name}: {facts['n_trainings']} trainings, {facts['seconds'] / 60:.1f} min")
    print("\n".join(told))


if __name__ == "__main__":
    main()
