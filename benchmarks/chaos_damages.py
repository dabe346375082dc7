"""Chaos: damages of stored state. Every file and folder of studies and of the cache, every kind of damage.

A damage may end in two ways: made again with the same tables, or refused with the command that mends it,
after which the tables are the same. Exit code 1 when one was used silently, raised anything else, or stayed.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.damages import DAMAGES, FOLDER_DAMAGES  # noqa: E402

_RECIPE: dict[str, Any] = {
    "source": "own",
    "features": "statistical",
    "align": {"name": "top_k", "k": 8},
    "directions": ["emg->eeg"],
    "arms": ["scratch", "transferred", "permuted"],
    "network": {"name": "mlp", "hidden": [4]},
    "train": {"epochs": 1},
    "seeds": 1,
    "baselines": ["lda"],
}
_SIMULATED = {"data": "simulated", "n_subjects": 3}
_REGISTERED = {"date": "2026-11-01", "hypotheses": ["It helps."], "measure": "asymptote", "margin": 0.02}
_TABLES = ("curves", "predictions", "ledger", "sources")
ENDINGS = ("made again", "refused and mended", "used silently", "another exception", "not mended")
_NOT_READ = (".finished", "report.html", "methods.md", "trials")
"""Of a study folder, what decides nothing: whether to look again, pages, trials that are all left away."""


@dataclass(frozen=True)
class Case:
    """One damage: of a file or folder of a study or its cache."""

    study: str
    area: str
    name: Path
    kind: str


class Bench:
    """Studies that are whole, and copies of them to damage."""

    def __init__(self, root: Path):
        from biotransfer import run_study
        from biotransfer.signals.simulate import simulate_pair
        from biotransfer.signals.windows import cut_windows

        self.root = root
        eeg, emg = simulate_pair(n_subjects=3, seed=3)
        simulated = {**_RECIPE, "eeg": _SIMULATED, "emg": _SIMULATED, "preregistration": _REGISTERED}
        given = {"recordings": {"eeg": eeg}, "windows": {"emg": cut_windows(emg)}}
        self.run: dict[str, Callable[[Path], Any]] = {
            "simulated": lambda out: run_study({**simulated, "title": "damaged"}, out),
            "given": lambda out: run_study({**_RECIPE, "title": "damaged"}, out, **given),
        }
        self.whole = {}
        for name, run in self.run.items():
            self.use_cache(root / name / "cache")
            self.whole[name] = run(root / name / "out").results

    @staticmethod
    def use_cache(place: Path) -> Path:
        """Let studies use a folder of prepared data."""
        os.environ["BIOTRANSFER_CACHE"] = str(place)
        return place

    def cases(self) -> Iterator[Case]:
        """Yield every damage of everything that is stored."""
        for study in self.run:
            for area, below in (("finished", "out"), ("stopped", "out"), ("cache", "cache")):
                base = self.root / study / below
                for path in sorted(base.rglob("*")):
                    if path.name == ".used":
                        continue
                    for kind in DAMAGES if path.is_file() else FOLDER_DAMAGES:
                        yield Case(study, area, path.relative_to(base), kind)

    def attempt(self, case: Case, seed: int) -> tuple[str, str]:
        """Damage a copy, use it, and say how that ended."""
        place = self.root / "harmed"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.root / case.study, place)
        cache, out = self.use_cache(place / "cache"), place / "out"
        if case.area == "stopped":
            (out / ".finished").unlink()
        if case.area == "cache":
            shutil.rmtree(out)
        path = (cache if case.area == "cache" else out) / case.name
        if path.exists():
            self._harm(path, case, seed)
        try:
            ending = self._use(case, out)
        except Exception as error:  # what is counted here
            return "another exception", f"{type(error).__name__}: {error}"
        return ending

    def _harm(self, path: Path, case: Case, seed: int) -> None:
        if case.kind in FOLDER_DAMAGES:
            FOLDER_DAMAGES[case.kind](path)
            return
        base = self.root / case.study / ("cache" if case.area == "cache" else "out")
        whole = path.read_bytes()
        alike = [p for p in sorted(base.rglob(f"*{path.suffix}")) if p.is_file() and p.read_bytes() != whole]
        others = alike or [p for p in sorted(base.rglob("*")) if p.is_file() and p.read_bytes() != whole]
        DAMAGES[case.kind](path, random.Random(seed).choice(others), seed)

    def _use(self, case: Case, out: Path) -> tuple[str, str]:
        from biotransfer import load_results, verify_study
        from biotransfer.errors import BiotransferError

        if case.area == "finished" and str(case.name) not in _NOT_READ:
            for read in (verify_study, load_results):
                try:
                    found = read(out)
                except BiotransferError:
                    continue
                if read is verify_study and found.whole:
                    return "used silently", "verify says whole"
                if read is load_results and not self._same(case.study, found):
                    return "used silently", "load_results gives other tables"
        said = ""
        for attempt in range(3):
            try:
                study = self.run[case.study](out)
            except BiotransferError as error:
                said = str(error)
                if not _mend(said):
                    return "not mended", said
                continue
            if not self._same(case.study, study.results):
                return "used silently", "other tables"
            return ("refused and mended", said) if attempt else ("made again", "")
        return "not mended", said

    def _same(self, study: str, found: Any) -> bool:
        whole = self.whole[study]
        tables = all(_text(getattr(found, t)) == _text(getattr(whole, t)) for t in _TABLES)
        return tables and _plain(found.verdict_list) == _plain(whole.verdict_list)


def _text(table: Any) -> str:
    """Return a table as text, whatever its names and lists are in memory."""
    lists = {name: [tuple(row) for row in table[name]] for name in table if name == "probabilities"}
    return str(table.assign(**lists).to_csv(index=False, float_format="%.17g"))


def _plain(verdicts: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Verdicts without what a lost registration changes, which is said in them."""
    return [{key: value for key, value in row.items() if key != "preregistration"} for row in verdicts]


def _mend(said: str) -> bool:
    """Do what a refusal says: remove something. Whether it said so."""
    found = re.search(r"Type: rm (?:-r )?(\S+)", said)
    if found is None:
        return False
    path = Path(found[1])
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return True


def damages(n: int, seed: int, root: Path) -> bool:
    """Try ``n`` damages, print what came of them, and return whether all held."""
    bench = Bench(root)
    every = list(bench.cases())
    random.Random(seed).shuffle(every)
    first: dict[tuple[str, str, Path] | tuple[str, str], Case] = {}
    for case in every:
        first.setdefault((case.study, case.area, case.name), case)
        first.setdefault((case.area, case.kind), case)
    chosen = list(dict.fromkeys([*first.values(), *every]))[:n]
    counts: dict[str, Counter[str]] = {}
    for number, case in enumerate(chosen):
        ending, said = bench.attempt(case, seed + number)
        counts.setdefault(case.kind, Counter())[ending] += 1
        if number % 20 == 19:
            print(f"{number + 1} damages tried", file=sys.stderr, flush=True)
        if ending not in ENDINGS[:2]:
            print(f"{ending}: {case.kind}, {case.study} {case.area} {case.name}: {said[:300]}", flush=True)
    print(f"\n{len(chosen)} of {len(every)} damages; {len(first)} touch every file, folder and kind.\n")
    print(f"| damage | {' | '.join(ENDINGS)} |\n|{'---|' * (len(ENDINGS) + 1)}")
    for kind, found in counts.items():
        print(f"| {kind} | {' | '.join(str(found[ending]) for ending in ENDINGS)} |")
    total = sum(counts.values(), Counter())
    print(f"| all | {' | '.join(str(total[ending]) for ending in ENDINGS)} |")
    return not any(total[ending] for ending in ENDINGS[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--damages", type=int, default=500, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="which")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as root:
        sys.exit(not damages(arguments.damages, arguments.seed, Path(root)))


if __name__ == "__main__":
    main()
