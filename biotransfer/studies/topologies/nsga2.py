"""Breed topologies by NSGA-II, generation by generation: a stopped search continues as if it had not been."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import check, check_option
from ...files import DamagedError, read_proven, write_proven
from .space import Space

OBJECTIVES = ("error", "parameters", "operations")
RULES = ("one_standard_error", "least_error")


@dataclass(frozen=True)
class Candidate:
    """One topology and what it cost and reached.

    Parameters
    ----------
    parameters_of : mapping
        The network's parameters that were searched.
    error : float
        1 - balanced accuracy on validation people, mean over people.
    standard_error : float
        Of that mean, over people; 0 where there is one.
    parameters : int
        Number of values in all tensors.
    operations : float
        Multiply-adds times two of one training: its time on any machine, up to the machine.
    """

    parameters_of: Mapping[str, Any]
    error: float
    standard_error: float
    parameters: int
    operations: float

    @property
    def objectives(self) -> tuple[float, float, float]:
        """What is minimized."""
        return (self.error, float(self.parameters), self.operations)


Evaluate = Callable[[Mapping[str, Any]], Candidate]


def run_search(
    evaluate: Evaluate,
    space: Space,
    *,
    generations: int,
    population: int,
    seed: int,
    journal: Path | None = None,
) -> list[Candidate]:
    """Return every topology that was tried, in the order of trying; the same topology is trained once.

    Parameters
    ----------
    evaluate : callable
        From parameters to a candidate.
    space : mapping
        What may vary.
    generations, population : int
        How many times, and how many candidates each time.
    seed : int
        Draws the first generation and all children.
    journal : Path, optional
        File that keeps what was trained: a stopped search finds it there, draws the same and trains the rest.

    Returns
    -------
    list of Candidate
        Distinct topologies.

    Raises
    ------
    BiotransferError
        For fewer than one generation or two candidates.

    Notes
    -----
    Source: Deb et al. 2002, doi:10.1109/4235.996017, by Optuna. Every generation has a sampler of its own,
    seeded by ``seed`` and its number.
    """
    check(generations >= 1, f"search.generations={generations}. Expected 1 or more.")
    check(population >= 2, f"search.population={population}. Expected 2 or more.")
    import optuna

    kept = _read(journal)
    known: dict[str, Candidate] = {}
    with _quiet(optuna):
        study = optuna.create_study(directions=["minimize"] * len(OBJECTIVES))
        for generation in range(generations):
            study.sampler = optuna.samplers.NSGAIISampler(
                population_size=population, seed=_drawn_seed(seed, generation)
            )
            trials = [study.ask() for _ in range(population)]
            asked = [{name: what.suggest(trial, name) for name, what in space.items()} for trial in trials]
            for name, spec in {repr(spec): spec for spec in asked if repr(spec) not in known}.items():
                if name not in kept:
                    kept[name] = evaluate(spec)
                    _write(journal, kept)
                known[name] = kept[name]
            for trial, spec in zip(trials, asked, strict=True):
                study.tell(trial, known[repr(spec)].objectives)
    return list(known.values())


def _drawn_seed(seed: int, generation: int) -> int:
    return zlib.crc32(f"{seed}/{generation}".encode())


def _read(journal: Path | None) -> dict[str, Candidate]:
    """Return what a stopped search has trained, by what it was asked; nothing where it cannot be read."""
    if journal is None:
        return {}
    try:
        found = [Candidate(**facts) for facts in read_proven(journal)["candidates"]]
    except DamagedError:
        return {}
    return {repr(dict(candidate.parameters_of)): candidate for candidate in found}


def _write(journal: Path | None, kept: Mapping[str, Candidate]) -> None:
    if journal is not None:
        journal.parent.mkdir(parents=True, exist_ok=True)
        write_proven(journal, {"candidates": [vars(candidate) for candidate in kept.values()]})


@contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def on_front(candidates: Sequence[Candidate]) -> list[bool]:
    """Say of each candidate whether no other is as good in every objective and better in one.

    Examples
    --------
    >>> small, good, bad = (Candidate({}, e, 0.0, n, n) for e, n in [(0.5, 10), (0.2, 90), (0.5, 90)])
    >>> on_front([small, good, bad])
    [True, True, False]
    """
    points = [candidate.objectives for candidate in candidates]
    return [
        not any(all(o <= m for o, m in zip(other, mine, strict=True)) and other != mine for other in points)
        for mine in points
    ]


def choose(candidates: Sequence[Candidate], rule: str = "one_standard_error") -> Candidate:
    """Take one candidate.

    Parameters
    ----------
    candidates : sequence of Candidate
        All that were tried.
    rule : {"one_standard_error", "least_error"}
        The fewest operations among those within one standard error of the least error, or the least error.

    Notes
    -----
    Source: Breiman et al. 1984, Classification and regression trees, section 3.4.3 (one standard error). Ties
    go to the fewer parameters, then to the one tried first.
    """
    check_option("search.choose", rule, RULES)
    check(len(candidates) > 0, "candidates=[] is empty. Run a search first.")
    best = min(candidates, key=lambda c: (c.error, c.operations))
    if rule == "least_error":
        return best
    limit = best.error + (best.standard_error if math.isfinite(best.standard_error) else 0.0)
    return min((c for c in candidates if c.error <= limit), key=lambda c: (c.operations, c.parameters))
