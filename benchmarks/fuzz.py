"""Mutated inputs of every kind (``make fuzz``): how they end, how long and how much they take.

Half of them are mutated seeds; where atheris is installed (``pip install 'biotransfer[fuzz]'``), half are led
by the coverage of this package. Faults are kept below ``--out``.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.fuzz.attempts import Outcome, Tally, mutated, seeds_of, try_inputs  # noqa: E402
from tests.fuzz.kind import LARGEST_CASE, all_kinds, save_case  # noqa: E402

ENDINGS = ("result", "refused", "raised", "slow", "large", "died")


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
    led = each // 2 if find_spec("atheris") else 0
    print(f"| kind | inputs | led by coverage | {' | '.join(ENDINGS)} | slowest, s | largest, MB |")
    print(f"|{'---|' * (5 + len(ENDINGS))}")
    total, wrong, clock = 0, 0, time.perf_counter()
    for name in names:
        seeds = seeds_of(kinds[name])
        tally = try_inputs(name, mutated(kinds[name], seeds, arguments.seed, each - led))
        for cause, (files, _) in tally.found.items():
            size = sum(map(len, files.values()))
            slug = re.sub(r"[^A-Za-z0-9]+", "-", cause)[:80].strip("-").lower()
            large = "" if size < LARGEST_CASE else ", too large for a case"
            print(f"    {name}: {cause} ({size} bytes{large})", file=sys.stderr, flush=True)
            save_case(name, kinds[name].over, slug, files, seeds[0], Path(arguments.out))
        if led:
            lead(name, led, Path(arguments.out), tally)
        total += each
        wrong += sum(tally.counts[how] for how in ENDINGS[2:])
        print(row(name, each, led, tally), flush=True)
    print(f"\n{total} inputs in {time.perf_counter() - clock:.0f} s; {wrong} of them ended otherwise.")
    sys.exit(bool(wrong))


def lead(name: str, n: int, out: Path, tally: Tally) -> None:
    """Add to a tally what inputs led by coverage come to."""
    command = [sys.executable, "-m", "tests.fuzz.guided", name, str(n), str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for line in said:
        if "cause" in line:
            print(f"    {name}, led by coverage: {line['cause']}", file=sys.stderr, flush=True)
        else:
            tally.counts += Counter(line["counts"])
            tally.slowest = max(tally.slowest, line["slowest"])
            tally.largest = max(tally.largest, line["largest"])
    if not said:
        print(f"    {name}, led by coverage: {done.stderr[-2000:]}", file=sys.stderr, flush=True)
        tally.add({}, Outcome("died", f"exit code {done.returncode}"))


def row(name: str, n: int, led: int, tally: Tally) -> str:
    """Return a line of the table."""
    ends = " | ".join(str(tally.counts[how]) for how in ENDINGS)
    return f"| {name} | {n} | {led} | {ends} | {tally.slowest:.1f} | {tally.largest / 1e6:.0f} |"


if __name__ == "__main__":
    main()
