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
    lines = _run("import planted_leaks; planted_leaks.main(1)").splitlines()[2:]
    counts = {line.split(" | ")[0].strip("| "): line.split(" | ")[1:3] for line in lines}
    assert counts.pop("none") == ["1", "0"]
    assert counts
    assert all(found == ["1", "1"] for found in counts.values()), counts
