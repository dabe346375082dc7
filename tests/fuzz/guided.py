"""Inputs of one kind led by coverage of this package: what reaches new lines is mutated further (atheris).

``python -m tests.fuzz.guided KIND INPUTS FOUND`` tries so many and writes faults below FOUND.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

_LONGEST = 10_000_000
"""Bytes of an entry of the corpus."""


def main() -> None:
    """Fuzz one kind; ends the process."""
    import atheris

    name, n, found = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    with atheris.instrument_imports(include=["biotransfer"]):
        from .attempts import Tally, judge, seeds_of
        from .kind import all_kinds, save_case

        kind = all_kinds()[name]
        seeds = seeds_of(kind)
        for files in seeds:
            judge(kind, files)  # imports what an attempt needs
    tally = Tally()

    def attempt(data: bytes) -> None:
        files = _unpacked(data) or seeds[0]
        tally.add(files, judge(kind, files))
        if sum(tally.counts.values()) == n:
            for i, (cause, (files, _)) in enumerate(tally.found.items()):
                save_case(name, kind.over, f"guided-{i}", files, seeds[0], found)
                answers.write(json.dumps({"cause": cause}) + "\n")
            answers.write(
                json.dumps({"counts": tally.counts, "slowest": tally.slowest, "largest": tally.largest})
            )
            answers.flush()
            os._exit(0)

    def mutate(data: bytes, _: int, seed: int) -> bytes:
        rng = random.Random(seed)
        try:
            new = kind.mutate(rng, _unpacked(data) or rng.choice(seeds), seeds)
        except Exception:  # some spoil a table by reading it, and this one no longer is any
            new = kind.mutate(rng, rng.choice(seeds), seeds)
        packed = pickle.dumps(new)
        return packed if len(packed) <= _LONGEST else data

    with tempfile.TemporaryDirectory(prefix="fuzz-corpus-") as corpus:
        for i, files in enumerate(seeds):
            Path(corpus, str(i)).write_bytes(pickle.dumps(files))
        options = [
            "-timeout=120",
            "-rss_limit_mb=4000",
            f"-runs={n + 10}",
            f"-max_len={_LONGEST}",
            "-len_control=0",
        ]
        atheris.Setup([sys.argv[0], *options, corpus], attempt, custom_mutator=mutate)
        atheris.Fuzz()


def _unpacked(data: bytes) -> dict[str, bytes]:
    """Return the files that a corpus entry holds; none where it is no such entry."""
    try:
        files: Any = pickle.loads(data)
    except Exception:
        return {}
    return files if isinstance(files, dict) else {}


if __name__ == "__main__":
    main()
