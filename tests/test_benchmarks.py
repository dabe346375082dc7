"""The measurements start, and the leaks that are planted for one of them are found."""

import subprocess
import sys

import pytest

from tests import ROOT

SCRIPTS = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))


def _run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "benchmarks", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_script_finds_what_it_measures() -> None:
    _run(f"import {', '.join(SCRIPTS)}")


@pytest.mark.slow
def test_every_planted_leak_stops_the_study_and_a_clean_one_runs() -> None:
    lines = _run(
        "import sys, bench_leaks; sys.argv[1:] = ['--studies', '4']; bench_leaks.main()"
    ).splitlines()
    counts = {cells[0]: cells[1:] for line in lines if (cells := line.strip("| ").split(" | "))[1:]}
    assert [cell.split(" (")[0] for cell in counts["all"]] == ["4 of 4", "0 of 4"]
    assert not any(line.startswith("wrong") for line in lines)
    declared = [cells for name, cells in counts.items() if len(cells) == 2 and cells[1].startswith("C")]
    assert len(declared) >= 3
    assert all(cells[0].startswith("4 of 4") for cells in declared)


@pytest.mark.slow
def test_a_little_chaos_loses_doubles_and_leaves_nothing() -> None:
    """`make chaos`, short: it ends with 1 where it does not hold."""
    small = ["--writers", "50", "--kills", "2", "--studies", "30", "--settled", "10"]
    parts = [text for part in ("writers", "kills", "studies") for text in ("--only", part)]
    said = _run(f"import sys, chaos_kills; sys.argv[1:] = {[*parts, *small]}; chaos_kills.main()")
    assert said.count("\n| ") + said.startswith("| ") == 3
