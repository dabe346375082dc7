"""Mutated inputs of every kind (``make fuzz``): how they end, how long and how much they take."""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.fuzz.attempts import Tally, mutated, seeds_of, try_inputs  # noqa: E402
from tests.fuzz.kind import LARGEST_CASE, all_kinds, save_case  # noqa: E402


def main() -> None:
    kinds = all_kinds()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=20_000, help="mutated inputs, over all kinds")
    parser.add_argument("--only", action="append", choices=list(kinds), help="some kinds")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations")
    parser.add_argument("--out", default=str(ROOT / "fuzz-found"), help="folder for inputs that were found")
    arguments = parser.parse_args()
    names = arguments.only or list(kinds)
    each = -(-arguments.inputs // len(names))
    print("| kind | inputs | results | refused | raised | slow | large | died | slowest, s | largest, MB |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    total, wrong, clock = 0, 0, time.perf_counter()
    for name in names:
        seeds = seeds_of(kinds[name])
        tally = try_inputs(name, mutated(kinds[name], seeds, arguments.seed, each))
        total += each
        print(_row(name, each, tally), flush=True)
        for cause, (files, _) in tally.found.items():
            wrong += 1
            size = sum(map(len, files.values()))
            slug = re.sub(r"[^A-Za-z0-9]+", "-", cause)[:80].strip("-").lower()
            large = "" if size < LARGEST_CASE else ", too large for a case"
            print(f"    {name}: {cause} ({size} bytes{large})", file=sys.stderr, flush=True)
            save_case(name, kinds[name].over, slug, files, seeds[0], Path(arguments.out))
    print(f"\n{total} inputs in {time.perf_counter() - clock:.0f} s; {wrong} faults.")
    sys.exit(bool(wrong))


def _row(name: str, n: int, tally: Tally) -> str:
    ends = [tally.counts[how] for how in ("result", "refused", "raised", "slow", "large", "died")]
    return (
        f"| {name} | {n} | {' | '.join(map(str, ends))} | {tally.slowest:.1f} | {tally.largest / 1e6:.0f} |"
    )


if __name__ == "__main__":
    main()
