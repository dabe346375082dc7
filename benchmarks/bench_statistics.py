"""Intervals, tests, equivalence, the label null and seconds saved on trial: how often each is wrong."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence

import numpy as np
from joblib import Parallel, delayed

from biotransfer.evidence.baselines import label_null
from biotransfer.evidence.metrics import seconds_needed
from biotransfer.evidence.stats import SHARE_DIFFERENCES, difference_p, mean_interval, sign_flip_p, unseen_p
from biotransfer.evidence.stats.crossed import quasi_t, tail_p
from biotransfer.evidence.truth import interval_of_rate

PEOPLE = (4, 6, 10, 14)
SPREAD = 0.04
MARGIN = 0.02
POPULATIONS = {
    "normal": lambda rng, n: SPREAD * rng.standard_normal(n),
    "lognormal, skewness 1.8": lambda rng, n: _lognormal(rng, n, 0.5),
    "lognormal, skewness 6": lambda rng, n: _lognormal(rng, n, 1.0),
    "one in ten loses 20, others spread by 4": lambda rng, n: _tail(rng, n, 0.04),
    "one in ten loses 20, others spread by 1": lambda rng, n: _tail(rng, n, 0.01),
}
Row = tuple[str, list[str]]


def _lognormal(rng: np.random.Generator, n: int, sigma: float) -> np.ndarray:
    mean, spread = np.exp(sigma**2 / 2), np.sqrt(np.exp(sigma**2) * (np.exp(sigma**2) - 1))
    return SPREAD * (mean - np.exp(sigma * rng.standard_normal(n))) / spread


def _tail(rng: np.random.Generator, n: int, spread: float) -> np.ndarray:
    return spread * rng.standard_normal(n) - 0.2 * (rng.random(n) < 0.1) + 0.02


def _table(population: str, rng: np.random.Generator, n: int, seeds: int, luck: float) -> np.ndarray:
    """Draw differences of mean 0: people, seeds' luck that all share, and as much of everything else."""
    people = POPULATIONS[population](rng, n)
    if seeds == 1:
        return people
    shared, rest = rng.standard_normal(seeds), rng.standard_normal((n, seeds))
    return people[:, None] + luck * SPREAD * shared + SPREAD * rest


def _rate(count: int, n: int) -> str:
    low, high = interval_of_rate(count, n)
    return f"{100 * count / n:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _coverage(population: str, seeds: int, luck: float, n: int, draws: int) -> str:
    rng, known, inside = np.random.default_rng([n, seeds, int(4 * luck), len(population)]), 0, 0
    for _ in range(draws):
        d = _table(population, rng, n, seeds, luck)
        low, high = mean_interval(d, limits=SHARE_DIFFERENCES)
        known += bool(np.isfinite(low))
        inside += bool(low <= 0 <= high)
    return _rate(inside, known)


def _claims(population: str, seeds: int, luck: float, n: int, draws: int) -> str:
    """Return how often the test over people and seeds claims, and the test of verdicts."""
    rng = np.random.default_rng([n, seeds, int(4 * luck), len(population), 1])
    tables = np.stack([_table(population, rng, n, seeds, luck) for _ in range(draws)])
    found = quasi_t(tables)
    hits = np.flatnonzero(tail_p(found.statistic, found.share, tables.shape) < 0.05)
    both = sum(difference_p(tables[i]) < 0.05 for i in hits)
    return f"{_rate(hits.size, draws)}; {100 * both / draws:.1f}"


def _equivalence(spread: float, tail: bool, n: int, draws: int) -> str:
    """Return how often equivalence is claimed (its parts, 2000 sign patterns), and how often by t alone."""
    rng, claims, naive = np.random.default_rng([n, int(1e4 * spread), tail]), 0, 0
    for _ in range(draws):
        d = _tail(rng, n, spread) - MARGIN if tail else spread * rng.standard_normal(n)
        t = quasi_t(np.stack([d + MARGIN, MARGIN - d])[..., None])
        alone = bool((tail_p(t.statistic, t.share, (n, 1), "greater") < 0.05).all())
        naive += alone
        seen = alone and max(unseen_p(d, MARGIN), unseen_p(-d, MARGIN)) < 0.05
        claims += seen and all(
            sign_flip_p(sign * d + MARGIN, "greater", n_resamples=2000) < 0.05 for sign in (1, -1)
        )
    return f"{_rate(claims, draws)}; {100 * naive / draws:.0f}"


def _null(people: int, recordings: int, classes: int, folds: int, draws: int) -> list[str]:
    """Return rates of p <= 0.05 and 0.01 for labels without meaning, people left out in turn."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rng = np.random.default_rng([people, recordings, classes, folds])
    recording = np.repeat(np.arange(people * recordings), 5)
    person, found = recording // recordings, []
    for i in range(draws):
        labels = [rng.permutation(np.arange(recordings) % classes) for _ in range(people)]
        y = np.concatenate(labels)[recording]
        X = rng.normal(0, 1, (people * recordings, 6))[recording] + rng.normal(0, 0.5, (len(y), 6))
        X += rng.normal(0, 0.5, (people, 6))[person]
        fold, predicted = rng.permutation(np.arange(people) % folds)[person], np.empty(len(y), dtype=np.int64)
        for f in range(folds):
            train = fold != f
            predicted[~train] = LinearDiscriminantAnalysis().fit(X[train], y[train]).predict(X[~train])
        found.append(
            [
                label_null(y, predicted, recording, person, shared=shared, n_permutations=499, seed=i)
                for shared in (True, False)
            ]
        )
    p = np.array([[null.p for null in pair] for pair in found])
    rates = [_rate(int((p[:, k] <= alpha).sum()), draws) for k in (0, 1) for alpha in (0.05, 0.01)]
    return [*rates, f"{np.mean([pair[0].floor for pair in found]):.3f}"]


def _saved(gain: float, n: int, draws: int) -> str:
    """Return how often the interval of labelled seconds saved covers."""
    seconds, rng = np.array([0.0, 1.0, 2.0, 5.0, 10.0]), np.random.default_rng([n, int(100 * gain)])

    def people(size: int) -> np.ndarray:
        rate = np.exp(rng.normal(0.7, 0.6, (size, 1)))
        rise = rng.uniform(0.1, 0.3, (size, 1)) * (1 - np.exp(-seconds / rate))
        base = 0.5 + rise + rng.normal(0, 0.02, (size, 5))
        arm = 0.5 + rise + gain * np.exp(-seconds / rate) + rng.normal(0, 0.02, (size, 5))
        level = base[:, 0] + 0.95 * (base[:, -1] - base[:, 0])
        needed = np.nan_to_num(seconds_needed(arm, seconds, level), nan=seconds[-1])
        return seconds_needed(base, seconds, level) - needed

    truth, inside, known = float(people(400_000).mean()), 0, 0
    for _ in range(draws):
        low, high = mean_interval(people(n), limits=(-10.0, 10.0))
        known += bool(np.isfinite(low))
        inside += bool(low <= truth <= high)
    return _rate(inside, known)


def _cells(
    workers: int, function: Callable[..., str], rows: Sequence[tuple], columns: Sequence[int], draws: int
) -> list[list[str]]:
    jobs = (delayed(function)(*row, n, draws) for row in rows for n in columns)
    cells = Parallel(workers)(jobs)
    return [cells[i : i + len(columns)] for i in range(0, len(cells), len(columns))]


def _print(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def coverage(draws: int, workers: int) -> None:
    """Print how often intervals cover."""
    designs = [(1, 0.0), *((s, luck) for s in (3, 5, 10) for luck in (0.0, 0.5, 1.0))]
    rows = [(name, *design) for name in POPULATIONS for design in designs]
    _print_grid(
        "95 % intervals: coverage in % (95 % Clopper-Pearson). Luck: of seeds, shared by all people, in "
        "units of 4 points; one seed: people alone.",
        rows,
        _cells(workers, _coverage, rows, PEOPLE, draws),
    )


def claims(draws: int, workers: int) -> None:
    """Print how often something is claimed without any effect."""
    luck = (0.0, 0.25, 0.5, 1.0)
    rows = [(name, s, size) for name in list(POPULATIONS)[:2] for s in (3, 5, 10) for size in luck]
    _print_grid(
        "Claims at 0.05 without any effect, two-sided, in %: test over people and seeds; test of verdicts.",
        rows,
        _cells(workers, _claims, rows, PEOPLE, 10 * draws),
    )


def equivalence(draws: int, workers: int) -> None:
    """Print how often equivalence is claimed, at the margin and where it holds."""
    many = (5, 14, 29, 36, 46, 60)
    cases = [(spread, True) for spread in (0.001, 0.01, 0.02, 0.043)]
    cases += [(spread, False) for spread in (0.01, 0.02, 0.043)]
    cells = _cells(workers, _equivalence, cases, many, draws)
    names = [
        f"at the margin, one in ten loses 20, others spread by {100 * spread:g}"
        if tail
        else f"no difference, normal, spread {100 * spread:g} (power)"
        for spread, tail in cases
    ]
    _print(
        "Equivalence within 2 points claimed, in %; two t tests alone.",
        ["truth", *(f"{n} people" for n in many)],
        [[name, *c] for name, c in zip(names, cells, strict=True)],
    )


def nulls(draws: int, workers: int) -> None:
    """Print how often labels without meaning seem to have one."""
    sizes = [(4, 4, 2, 4), (4, 10, 2, 4), (4, 6, 3, 4), (6, 6, 2, 6), (10, 6, 2, 5), (14, 4, 2, 14)]
    rates = Parallel(workers)(delayed(_null)(*size, draws) for size in sizes)
    _print(
        "Label null, labels without meaning: p <= 0.05 and <= 0.01 in %; the same not widened; smallest p.",
        ["people, recordings each, classes, folds", "0.05", "0.01", "0.05, as is", "0.01, as is", "floor"],
        [[", ".join(map(str, size)), *rate] for size, rate in zip(sizes, rates, strict=True)],
    )


def seconds(draws: int, workers: int) -> None:
    """Print how often intervals of labelled seconds saved cover."""
    gains = (0.0, 0.05, 0.1)
    cells = _cells(workers, _saved, [(gain,) for gain in gains], PEOPLE, 2 * draws)
    _print(
        "Labelled seconds saved: coverage of 95 % intervals.",
        ["gain without labels", *(f"{n} people" for n in PEOPLE)],
        [[f"{gain:g}", *c] for gain, c in zip(gains, cells, strict=True)],
    )


def _print_grid(title: str, rows: Sequence[tuple[str, int, float]], cells: list[list[str]]) -> None:
    told = [[name, str(seeds), f"{luck:g}", *c] for (name, seeds, luck), c in zip(rows, cells, strict=True)]
    _print(title, ["differences", "seeds", "luck", *(f"{n} people" for n in PEOPLE)], told)


TABLES = {
    "coverage": coverage,
    "claims": claims,
    "equivalence": equivalence,
    "nulls": nulls,
    "seconds": seconds,
}


def report(share: float = 1.0, workers: int = 1, only: Sequence[str] = ()) -> None:
    """Print all tables, or some; ``share`` of the draws."""
    for name, table in TABLES.items():
        if not only or name in only:
            table(max(20, round(1000 * share)), workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=1.0, help="of the draws (1: some ten minutes)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--only", nargs="*", default=[], choices=list(TABLES), help="tables")
    arguments = parser.parse_args()
    report(arguments.share, arguments.workers, arguments.only)


if __name__ == "__main__":
    main()
