"""The verdict rule, on plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check
from ...showing import html_table, one_line
from ..metrics import Compare
from ..stats import (
    difference_p,
    equivalence_p,
    fewest_for_equivalence,
    holm,
    sign_flip_p,
    smallest_p,
)

VERDICTS = ("positive", "negative", "equivalent", "inconclusive", "not_assayable")
"""What a claim can come to, in the order of tables."""
FEWEST_SEEDS = 3
"""Seeds that a claim needs. Where the seeds' luck is as large as the spread of people, simulated studies
without any effect claim one in 32 to 44 % with one seed and in 9 to 12 % with two."""


@dataclass(frozen=True, eq=False)
class Claim:
    """The paired differences that one transfer arm is judged by.

    Parameters
    ----------
    difference : array_like, shape (n_people,) or (n_people, n_seeds), float
        Arm minus baseline.
    controls : sequence of array_like, shaped likewise
        Arm minus control, for every control that could explain what it gains or loses.
    assay : array_like, shaped likewise, optional
        Positive control minus the same baseline: what people of the target's own kind gain, carried the same
        way. None where none ran.
    obstacles : sequence of str
        What else keeps the design from seeing transfer, such as a source at chance for new people.
    void : str
        Why its numbers mean nothing at all, such as trainings that diverged.
    """

    difference: ArrayLike
    controls: Sequence[ArrayLike] = ()
    assay: ArrayLike | None = None
    obstacles: Sequence[str] = ()
    void: str = ""


@dataclass(frozen=True)
class Assay:
    """What the positive control of a claim showed.

    ``gain`` is its mean over people, ``p`` one-sided; ``seen`` says that it gained the margin or more and
    that the gain is above zero at alpha.
    """

    gain: float
    p: float
    seen: bool


@dataclass(frozen=True)
class Rival:
    """A control that an arm is not clearly apart from: its position, the arm's mean advantage, and its p."""

    position: int
    advantage: float
    p: float


@dataclass(frozen=True)
class Decision:
    """What one claim's paired differences allow to say.

    Parameters
    ----------
    verdict : {"positive", "negative", "equivalent", "inconclusive", "not_assayable"}
        The rule of :func:`decide`.
    difference : float
        Mean over people.
    p : float
        Two-sided test of no difference from the baseline, over people and seeds.
    p_claim, p_holm : float
        The largest p over baseline and controls where the arm gained (else that of the baseline), alone and
        inside the family of claims.
    p_equivalence : float
        Test of equivalence with the baseline, Holm-adjusted inside the family.
    n_claims : int
        Size of the family: the claims that could reach significance at all.
    smallest : float
        Smallest adjusted p this many people can reach in this family.
    rivals : tuple of Rival
        For a difference that is clear against the baseline: every control that the arm is not clearly apart
        from, above it for a gain, below it for a loss.
    shared : float or None
        For a loss: the largest share of it that a control loses, too; None without controls or loss.
    assay : Assay or None
        What the positive control showed.
    obstacles : tuple of str
        As given.
    exploratory : bool
        Whether there are too few seeds for a claim.
    p_people : float
        The sign-flip test over people alone, against the baseline.
    void : str
        As given.
    """

    verdict: str
    difference: float
    p: float
    p_claim: float
    p_holm: float
    p_equivalence: float
    n_claims: int
    smallest: float
    rivals: tuple[Rival, ...] = ()
    shared: float | None = None
    assay: Assay | None = None
    obstacles: tuple[str, ...] = field(default=())
    exploratory: bool = False
    p_people: float = 1.0
    void: str = ""

    @property
    def assayable(self) -> bool:
        """Whether the design showed that it can see transfer."""
        return self.assay is not None and self.assay.seen and not self.obstacles

    def __repr__(self) -> str:
        difference = f"{100 * self.difference:+.1f} points"
        return one_line(f"Decision {self.verdict}: {difference}, Holm p {self.p_holm:.3g}")

    def _repr_html_(self) -> str:
        numbers = {k: f"{v:.4g}" for k, v in vars(self).items() if isinstance(v, (int, float))}
        rivals = [f"control {r.position}: {r.advantage:+.3g}, p {r.p:.3g}" for r in self.rivals]
        assay = f"{self.assay.gain:+.3g}, p {self.assay.p:.3g}" if self.assay else "none"
        return html_table(
            {
                "verdict": self.verdict,
                **numbers,
                "positive control": assay,
                "not apart from": "; ".join(rivals) or "none",
            }
        )


def _table(values: ArrayLike, what: str) -> np.ndarray:
    d = np.round(np.asarray(values, dtype=np.float64), 12)
    check(
        d.ndim in (1, 2) and len(d) >= 2,
        f"{what} of shape {d.shape}: a comparison needs at least two people. Load more subjects.",
    )
    return d


def _people(d: np.ndarray) -> np.ndarray:
    """Average seeds inside people."""
    return np.round(d.mean(1), 12) if d.ndim == 2 else d


def judge_assay(values: ArrayLike, *, margin: float, alpha: float = Compare.alpha, seed: int = 0) -> Assay:
    """Say whether a positive control shows that its design can see transfer.

    Parameters
    ----------
    values : array_like, shape (n_people,) or (n_people, n_seeds), float
        Positive control minus baseline.
    margin : float
        What it has to gain on average.
    alpha : float
        Error rate of the one-sided test that it gains at all.
    seed : int
        For more than 20 people.

    Examples
    --------
    >>> judge_assay([0.04, 0.05, 0.06, 0.05, 0.03, 0.07], margin=0.02)
    Assay(gain=0.05, p=0.015625, seen=True)
    """
    d = _table(values, "assay")
    gain, p = float(_people(d).mean()), difference_p(d, "greater", seed=seed)
    return Assay(gain, p, gain >= margin and p < alpha)


def decide(
    claims: Sequence[Claim | ArrayLike],
    *,
    margin: float = Compare.margin,
    alpha: float = Compare.alpha,
    seed: int = 0,
) -> list[Decision]:
    """Apply the verdict rule to one family of claims.

    Parameters
    ----------
    claims : sequence of Claim or array_like
        Each with its own people; an array alone is a claim without controls and positive control.
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
    A claim is one transfer arm of one direction, network and budget. Its p is the largest over the baseline
    and every control where the arm gained, that of the baseline otherwise; Holm corrects over claims alone.
    Controls are no members of the family: all of a claim's tests must hold, which is an intersection-union
    test and needs no correction (Berger 1982, doi:10.1080/00401706.1982.10487790), so that many transfer
    arms cannot buy a false positive and many controls cost no correction. The rule, in this order:

    0. *not_assayable*: the numbers mean nothing (``void``).
    1. *positive*: above the baseline and each control, Holm p < alpha.
    2. *not_assayable*: an obstacle is there, or the positive control was not seen (:func:`judge_assay`). A
       design that does not see what is known to help says nothing when it sees nothing.
    3. *inconclusive* with fewer than three seeds: exploratory. Nor is anything positive then.
    4. *negative*: below the baseline, Holm p < alpha. ``rivals`` and ``shared`` say which controls lose as
       well, and how much of it.
    5. *equivalent*: the test of equivalence with the baseline holds after Holm over the family's.
    6. *inconclusive*: everything else, also a significant gain that a control shares.

    A claim of so few people that no p below alpha exists can never be a false one, so it does not count in
    the others' family (Tarone 1990, doi:10.2307/2531456); its own p is adjusted over everything.

    All people share the source network of a seed: every test takes people *and* seeds for a sample (see
    :func:`.difference_p`). Differences are rounded to 1e-12, so that rounding errors are no evidence.

    Examples
    --------
    >>> gain = [0.04, 0.05, 0.06, 0.05, 0.03, 0.07]
    >>> flat = [0.004, -0.005, 0.001, 0.0, 0.003, -0.004]
    >>> [d.verdict for d in decide([gain])], [d.verdict for d in decide([Claim(gain, [[0.0] * 6])])]
    (['positive'], ['not_assayable'])
    >>> [d.verdict for d in decide([flat])], [d.verdict for d in decide([Claim(flat, assay=gain)])]
    (['not_assayable'], ['equivalent'])
    """
    read = [claim if isinstance(claim, Claim) else Claim(claim) for claim in claims]
    rows = [_table(claim.difference, "differences") for claim in read]
    p = [difference_p(d, seed=seed) for d in rows]
    against = [_rivals(claim, seed) for claim in read]
    means = [float(_people(d).mean()) for d in rows]
    p_claim = [
        max([alone, *(1.0 if r.advantage <= 0 else r.p for r in rivals)]) if mean > 0 else alone
        for mean, alone, rivals in zip(means, p, against, strict=True)
    ]
    testable = [smallest_p(len(d)) < alpha for d in rows]
    adjusted = _holm_over(p_claim, testable)
    fewest = fewest_for_equivalence(margin, alpha=alpha)
    equivalence = _holm_over(
        [equivalence_p(d, margin, seed=seed) if len(d) >= fewest else 1.0 for d in rows],
        [len(d) >= fewest for d in rows],
    )
    out = []
    for i, (claim, d, mean) in enumerate(zip(read, rows, means, strict=True)):
        n_claims = sum(testable) if testable[i] else len(rows)
        sign = 1.0 if mean > 0 else -1.0
        clear = p[i] < alpha
        own = claim.assay
        assay = None if own is None else judge_assay(own, margin=margin, alpha=alpha, seed=seed)
        decision = Decision(
            verdict="inconclusive",
            difference=mean,
            p=p[i],
            p_claim=p_claim[i],
            p_holm=float(adjusted[i]),
            p_equivalence=float(equivalence[i]),
            n_claims=n_claims,
            smallest=min(1.0, n_claims * smallest_p(len(d))),
            rivals=tuple(r for r in against[i] if clear and not (sign * r.advantage > 0 and r.p < alpha)),
            shared=_shared(mean, against[i]),
            assay=assay,
            obstacles=tuple(filter(None, [claim.void, *claim.obstacles])),
            exploratory=d.ndim == 2 and d.shape[1] < FEWEST_SEEDS,
            p_people=sign_flip_p(_people(d), seed=seed),
            void=claim.void,
        )
        out.append(_with_verdict(decision, alpha))
    return out


def _with_verdict(decision: Decision, alpha: float) -> Decision:
    clear = decision.p_holm < alpha
    if decision.void:
        verdict = "not_assayable"
    elif clear and decision.difference > 0 and not decision.exploratory:
        verdict = "positive"
    elif not decision.assayable:
        verdict = "not_assayable"
    elif decision.exploratory:
        verdict = "inconclusive"
    elif clear and decision.difference < 0:
        verdict = "negative"
    elif decision.p_equivalence < alpha:
        verdict = "equivalent"
    else:
        verdict = "inconclusive"
    return replace(decision, verdict=verdict)


def _rivals(claim: Claim, seed: int) -> list[Rival]:
    tables = [_table(values, "controls") for values in claim.controls]
    return [Rival(i, float(_people(d).mean()), difference_p(d, seed=seed)) for i, d in enumerate(tables)]


def _shared(loss: float, rivals: Sequence[Rival]) -> float | None:
    """Return the largest share of a loss that a control loses, too."""
    if loss >= 0 or not rivals:
        return None
    return float(np.clip(max((loss - r.advantage) / loss for r in rivals), 0.0, 1.0))


def _holm_over(p: Sequence[float], testable: Sequence[bool]) -> np.ndarray:
    """Adjust testable p-values among themselves, and the others over everything."""
    adjusted = holm(p)
    chosen = np.flatnonzero(testable)
    if len(chosen):
        adjusted[chosen] = holm(np.asarray(p)[chosen])
    return adjusted
