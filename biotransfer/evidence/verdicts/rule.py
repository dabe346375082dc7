"""The verdict rule, on plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check
from ...showing import html_table, one_line
from ..metrics import Compare
from ..stats import crossed_test, equivalence_p, holm, sign_flip_p, smallest_p

VERDICTS = ("positive", "negative", "equivalent", "inconclusive")
"""What a decision can be, in the order of tables."""


@dataclass(frozen=True)
class Decision:
    """What the paired differences of one arm allow to say.

    Parameters
    ----------
    verdict : {"positive", "negative", "equivalent", "inconclusive"}
        The rule of :func:`decide`.
    difference : float
        Mean over people.
    p, p_holm : float
        Two-sided test of no difference, alone and inside the family: the sign-flip test over people or, where
        it is larger, the test over people and seeds.
    p_equivalence : float
        Test of equivalence, Holm-adjusted inside the family.
    n_tests : int
        Size of the family: the comparisons that could reach significance at all.
    smallest : float
        Smallest adjusted p this many people can reach in this family.
    not_beaten : tuple of (int, float, float)
        For a significant gain: position, mean advantage and p of every control that it is not clearly above.
    p_people : float
        The sign-flip test over people alone.
    """

    verdict: str
    difference: float
    p: float
    p_holm: float
    p_equivalence: float
    n_tests: int
    smallest: float
    not_beaten: tuple[tuple[int, float, float], ...] = ()
    p_people: float = 1.0

    def __repr__(self) -> str:
        difference = f"{100 * self.difference:+.1f} points"
        return one_line(f"Decision {self.verdict}: {difference}, Holm p {self.p_holm:.3g}")

    def _repr_html_(self) -> str:
        beaten = [f"control {i}: {gain:+.3g}, p {p:.3g}" for i, gain, p in self.not_beaten]
        numbers = {k: f"{v:.4g}" for k, v in vars(self).items() if isinstance(v, (int, float))}
        return html_table({"verdict": self.verdict, **numbers, "not beaten": "; ".join(beaten) or "none"})


def _people(d: np.ndarray) -> np.ndarray:
    """Average seeds inside people."""
    return np.round(d.mean(1), 12) if d.ndim == 2 else d


def _seeds_count(d: np.ndarray) -> bool:
    """Whether people share the luck of a seed: more spread between seeds than inside people explains."""
    return d.ndim == 2 and d.shape[1] > 1 and crossed_test(d).seeds > 0


def p_difference(d: np.ndarray, *, seed: int = 0) -> float:
    """Test a difference of zero over people and, where they share the luck of seeds, over both.

    Parameters
    ----------
    d : ndarray, shape (n_people,) or (n_people, n_seeds), float64
        Differences.
    seed : int
        For more than 20 people.

    Returns
    -------
    float
        The larger p of the two tests.
    """
    p = sign_flip_p(_people(d), seed=seed)
    return max(p, crossed_test(d).p) if _seeds_count(d) else p


def _p_equivalence(d: np.ndarray, margin: float, seed: int) -> float:
    p = equivalence_p(_people(d), margin, seed=seed)
    if not _seeds_count(d):
        return p
    return max(p, crossed_test(d, "greater", mean=-margin).p, crossed_test(d, "less", mean=margin).p)


def decide(
    differences: Sequence[ArrayLike],
    control_differences: Sequence[Sequence[ArrayLike]] | None = None,
    *,
    margin: float = Compare.margin,
    alpha: float = Compare.alpha,
    seed: int = 0,
) -> list[Decision]:
    """Apply the verdict rule to one family of comparisons.

    Parameters
    ----------
    differences : sequence of array_like, shape (n_subjects,) or (n_subjects, n_seeds), float
        For each comparison, arm minus baseline per person (and seed); comparisons may have other people.
    control_differences : sequence of sequence of array_like, shaped likewise, optional
        For each comparison, arm minus control for every control that it has to beat; empty for an arm that
        claims no transfer.
    margin : float
        Largest difference that does not matter.
    alpha : float
        Error rate of the family.
    seed : int
        For more than 20 people.

    Returns
    -------
    list of Decision
        In the order given.

    Raises
    ------
    BiotransferError
        With fewer than two people in a comparison.

    Notes
    -----
    The rule, in this order:

    1. *positive*: mean > 0, Holm p < alpha, and above each control (mean > 0 and p < alpha). The last part is
       an intersection-union test: all of its tests must hold, so it needs no correction
       (Berger 1982, doi:10.1080/00401706.1982.10487790).
    2. *negative*: mean < 0 and Holm p < alpha.
    3. *equivalent*: both one-sided tests against the margin hold after Holm over the family's equivalence
       tests, so neither kind of claim is easier to make by asking more often.
    4. *inconclusive*: everything else, also a significant gain that a control shares.

    A comparison of so few people that no p below alpha exists can never be a false claim, so it does not
    count in the others' family (Tarone 1990, doi:10.2307/2531456); its own p is adjusted over everything.

    All people share the source network of a seed. Where seeds differ by more than people differ over seeds
    (see :func:`.crossed_test`), every test also has to hold when people *and* seeds are a
    sample: the larger p counts. Simulated, with 12 people, 3 seeds and a shared luck of the seeds as large as
    the spread between people, the test over people alone claims in 0.33 of studies without any effect, this
    rule in 0.07; with 5 seeds 0.25 and 0.05.

    Differences are rounded to 1e-12, so that rounding errors of averages are no evidence.

    Examples
    --------
    >>> gain = [0.04, 0.05, 0.06, 0.05, 0.03, 0.07]
    >>> [d.verdict for d in decide([gain])], [d.verdict for d in decide([gain], [[[0.0] * 6]])]
    (['positive'], ['inconclusive'])
    """
    rows = [np.round(np.asarray(d, dtype=np.float64), 12) for d in differences]
    controls = [[] for _ in rows] if control_differences is None else control_differences
    check(
        len(controls) == len(rows),
        f"control_differences has {len(controls)} entries for {len(rows)} comparisons. "
        "Expected one list per comparison. Pass [] for an arm that has nothing to beat.",
    )
    for d in rows:
        check(
            d.ndim in (1, 2) and len(d) >= 2,
            f"differences of shape {d.shape}: a comparison needs at least two people. Load more subjects.",
        )
    p = [p_difference(d, seed=seed) for d in rows]
    testable = [smallest_p(len(d)) < alpha for d in rows]
    adjusted = _holm_over(p, testable)
    one_sided = [0.5 ** len(d) < alpha for d in rows]
    equivalence = _holm_over([_p_equivalence(d, margin, seed) for d in rows], one_sided)
    decisions = []
    for d, others, p_alone, p_holm, p_same, can in zip(
        rows, controls, p, adjusted, equivalence, testable, strict=True
    ):
        n_tests = sum(testable) if can else len(rows)
        mean, not_beaten = float(_people(d).mean()), []
        gained = mean > 0 and p_holm < alpha
        if gained:
            for position, other in enumerate(others):
                advantage = np.round(np.asarray(other, dtype=np.float64), 12)
                p_control = p_difference(advantage, seed=seed)
                if not (advantage.mean() > 0 and p_control < alpha):
                    not_beaten.append((position, float(advantage.mean()), p_control))
        if gained and not not_beaten:
            verdict = "positive"
        elif mean < 0 and p_holm < alpha:
            verdict = "negative"
        elif p_same < alpha:
            verdict = "equivalent"
        else:
            verdict = "inconclusive"
        decisions.append(
            Decision(
                verdict=verdict,
                difference=mean,
                p=p_alone,
                p_holm=float(p_holm),
                p_equivalence=float(p_same),
                n_tests=n_tests,
                smallest=min(1.0, n_tests * smallest_p(len(d))),
                not_beaten=tuple(not_beaten),
                p_people=sign_flip_p(_people(d), seed=seed),
            )
        )
    return decisions


def _holm_over(p: Sequence[float], testable: Sequence[bool]) -> np.ndarray:
    """Adjust testable p-values among themselves, and the others over everything."""
    adjusted = holm(p)
    chosen = np.flatnonzero(testable)
    if len(chosen):
        adjusted[chosen] = holm(np.asarray(p)[chosen])
    return adjusted
