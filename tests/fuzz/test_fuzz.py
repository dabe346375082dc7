"""A few mutated inputs of every kind, and those that were found once: a result or a BiotransferError."""

from pathlib import Path

import pytest

from .attempts import Worker, judge, mutated, seeds_of, try_inputs
from .kind import CASES, LARGEST_CASE, Kind, all_kinds, read_case, read_files

ALL = all_kinds()
FOUND = (
    [case for kind in sorted(CASES.iterdir()) for case in sorted(kind.iterdir())] if CASES.is_dir() else []
)
A_FEW = 12


@pytest.mark.parametrize("name", ALL)
def test_whole_inputs_end_in_results(name: str) -> None:
    with Worker(name, every=True) as worker:
        for files in seeds_of(ALL[name]):
            outcome = worker.judge(files)
            assert outcome.how == "result", f"{sorted(files)}: {outcome}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_mutated_inputs_end_in_results_or_refusals(name: str) -> None:
    kind = ALL[name]
    tally = try_inputs(name, mutated(kind, seeds_of(kind), seed=0, n=A_FEW))
    assert not tally.found, list(tally.found)


@pytest.mark.parametrize("case", FOUND, ids=lambda case: f"{case.parent.name}-{case.name}")
def test_what_was_found_once_stays_mended(case: Path) -> None:
    kind = ALL[case.parent.name]
    assert sum(map(len, read_files(case).values())) < LARGEST_CASE
    with Worker(case.parent.name, every=True) as worker:
        outcome = worker.judge(read_case(case, kind, seeds_of(kind) if kind.over else []))
    assert outcome.fine, outcome


def test_a_fault_is_seen() -> None:
    """The judge calls what raises, hangs or dies by its name."""

    def attempt(folder: Path) -> None:
        raise ZeroDivisionError

    kind = Kind(lambda folder: [{"a": b""}], attempt)
    assert judge(kind, {"a": b""}).how == "raised"
