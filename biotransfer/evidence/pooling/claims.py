"""One claim over data sets: its mean, its controls, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..divergence import say_diverged
from ..metrics import Compare
from ..stats import Combined, combine_means, holm
from ..verdicts.rule import FEWEST_SEEDS
from .parts import Part, Place
from .people import Mean, mean_of


class Share(NamedTuple):
    """What one data set brings to a claim: its name, where it was tested, from what, and its mean."""

    data_set: str
    studies: tuple[str, ...]
    sources: tuple[str, ...]
    found: Mean
    FEWEST_SEEDS: int


@dataclass(frozen=True, eq=False)
class Claim:
    """A transfer arm over several data sets.

    Parameters
    ----------
    place : Place
        Where it is compared.
    arm, against, phrase : str
        Which arms, and what a sentence calls the first.
    shares : tuple of Share
        By data set.
    pooled : Combined
        Arm minus baseline.
    controls : mapping of str to Combined
        Arm minus control, of every control that is in two data sets or more.
    unpooled : tuple of str
        Controls that some data set lacks.
    assay : Combined or None
        Positive control minus its baseline.
    obstacles : tuple of str
        What keeps a data set from seeing transfer.
    void : tuple of str
        Studies whose numbers mean nothing, such as trainings that diverged.
    """

    place: Place
    arm: str
    against: str
    phrase: str
    shares: tuple[Share, ...]
    pooled: Combined
    controls: Mapping[str, Combined]
    unpooled: tuple[str, ...]
    assay: Combined | None
    obstacles: tuple[str, ...] = ()
    void: tuple[str, ...] = ()

    @property
    def n_people(self) -> int:
        """In all data sets, everyone once."""
        return sum(share.found.n_people for share in self.shares)

    @property
    def n_seeds(self) -> int:
        """Of the comparison that has the fewest."""
        return min(share.FEWEST_SEEDS for share in self.shares)

    @property
    def p(self) -> float:
        """Of the claim: for a gain the largest p over baseline and controls."""
        own = self.pooled.p()
        if self.pooled.mean <= 0:
            return own
        return max([own, *(control.p() if control.mean > 0 else 1.0 for control in self.controls.values())])

    @property
    def shared(self) -> float | None:
        """The largest share of a loss that a control loses, too; None without loss or controls."""
        loss = self.pooled.mean
        if loss >= 0 or not self.controls:
            return None
        return min(1.0, max(0.0, *((loss - c.mean) / loss for c in self.controls.values())))

    def rivals(self, alpha: float) -> list[str]:
        """Return the controls that it is not clearly apart from: above for a gain, below for a loss."""
        sign = 1.0 if self.pooled.mean > 0 else -1.0
        return [n for n, c in self.controls.items() if not (sign * c.mean > 0 and c.p() < alpha)]


class Judgement(NamedTuple):
    """What follows from a claim: the verdict, its adjusted p, and the reasons."""

    verdict: str
    p_holm: float
    p_equivalence: float
    assayed: bool
    reason: str


def _by_data_set(parts: Sequence[Part]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(part.target, []).append(part)
    return dict(sorted(found.items()))


def _means(parts: Sequence[Part], arm: str, other: str) -> dict[str, Mean]:
    """Return, by data set, arm minus other; only data sets all of whose parts have both."""
    found = {}
    for name, mine in _by_data_set(parts).items():
        if all(arm in part.values and other in part.values for part in mine):
            mean = mean_of([part.difference(arm, other) for part in mine])
            if mean is not None:
                found[name] = mean
    return found


def _told(parts: Sequence[Part], why: Callable[[Part], Iterable[str]]) -> tuple[str, ...]:
    """Say the reasons of every part, once, with their data sets."""
    said = {f"{part.target} ({part.study}): {reason}" for part in parts for reason in why(part) if reason}
    return tuple(sorted(said))


def _combined(means: Mapping[str, Mean]) -> Combined:
    return combine_means([m.mean for m in means.values()], [m.error for m in means.values()])


def make_claim(parts: Sequence[Part], arm: str) -> Claim | None:
    """Return a claim, None where fewer than two data sets of two people have it.

    Parameters
    ----------
    parts : sequence of Part
        Of one place, all with the same design of ``arm``, people counted once.
    arm : str
        Which.
    """
    baseline = parts[0].contests[arm].against
    means = _means(parts, arm, baseline)
    if len(means) < 2:
        return None
    parts = [part for part in parts if part.target in means]
    names = sorted({name for part in parts for name in part.contests[arm].controls})
    controls, unpooled = {}, []
    for name in names:
        over = _means(parts, arm, name)
        if set(over) == set(means):
            controls[name] = _combined(over)
        else:
            unpooled.append(name)
    positive = next((found for part in parts if (found := part.contests[arm].positive_control)), None)
    assay = _means(parts, positive, baseline) if positive else {}
    shares = tuple(
        Share(
            name,
            tuple(sorted({part.study for part in mine})),
            tuple(sorted({part.source for part in mine})),
            means[name],
            min(part.n_seeds for part in mine),
        )
        for name, mine in _by_data_set(parts).items()
    )
    return Claim(
        parts[0].place,
        arm,
        baseline,
        parts[0].arms[arm].phrase,
        shares,
        _combined(means),
        controls,
        tuple(unpooled),
        _combined(assay) if len(assay) >= 2 else None,
        _told(parts, lambda part: part.obstacles(arm)),
        _told(parts, lambda part: [say_diverged(part.diverged, [arm, baseline, *names, positive or ""])]),
    )


def judge(claims: Sequence[Claim], asked: Compare) -> list[Judgement]:
    """Apply the verdict rule to a family of claims.

    Parameters
    ----------
    claims : sequence of Claim
        All that are made.
    asked : Compare
        Margin and error rate.

    Returns
    -------
    list of Judgement
        In the order given.

    Notes
    -----
    The rule of a single study (:func:`.decide`), with the test of :func:`.combine_means` in place of the one
    over people. What rests on trainings that diverged is *not_assayable*. A gain is *positive* when it lies
    above baseline and every control, with p, the largest of these, below alpha after Holm over the claims.
    All else needs a positive control that gains the margin (one-sided p below alpha) in data sets none of
    which is at chance, *not_assayable* without it, and three
    seeds: *negative* when the mean lies clearly below the baseline, *equivalent* when both one-sided tests
    against the margin hold after Holm, else *inconclusive*.
    """
    adjusted = holm([claim.p for claim in claims])
    margin, alpha = asked.margin, asked.alpha
    same = holm(
        [
            max(claim.pooled.p("greater", mean=-margin), claim.pooled.p("less", mean=margin))
            for claim in claims
        ]
    )
    judged = []
    for claim, p_holm, p_same in zip(claims, map(float, adjusted), map(float, same), strict=True):
        assay, mean = claim.assay, claim.pooled.mean
        seen = assay is not None and assay.mean >= margin and assay.p("greater") < alpha
        assayed = seen and not claim.obstacles
        reason = ""
        if claim.void:
            verdict, reason = "not_assayable", " and ".join(claim.void)
        elif mean > 0 and p_holm < alpha and claim.n_seeds >= FEWEST_SEEDS:
            verdict = "positive"
        elif not assayed:
            verdict = "not_assayable"
            reason = " and ".join(claim.obstacles) or _why_no_assay(assay, margin, alpha)
        elif claim.n_seeds < FEWEST_SEEDS:
            verdict = "inconclusive"
            reason = f"{claim.n_seeds} seed{'s' * (claim.n_seeds != 1)} explore, a claim takes {FEWEST_SEEDS}"
        elif mean < 0 and p_holm < alpha:
            verdict = "negative"
        elif p_same < alpha:
            verdict = "equivalent"
        else:
            verdict = "inconclusive"
        judged.append(Judgement(verdict, p_holm, p_same, assayed, reason))
    return judged


def _why_no_assay(assay: Combined | None, margin: float, alpha: float) -> str:
    if assay is None:
        return "no two data sets have a positive control (own donors) that was carried the same way"
    if assay.mean < margin:
        return f"own donors gain {100 * assay.mean:+.1f} points, less than the margin of {100 * margin:.3g}"
    return (
        f"own donors gain {100 * assay.mean:+.1f} points with p = {assay.p('greater'):.2g}, not below {alpha}"
    )
