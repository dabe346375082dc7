"""The Statistics paragraph of Methods: the analysis that was done, from its settings and its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from ...evidence.metrics import Compare
from ...evidence.reading import arm_label, is_share
from ...evidence.stats import EXACT_UP_TO, WORST, fewest_for_equivalence, smallest_p
from ...evidence.verdicts import FEWEST_SEEDS
from .text import counted, joined

SOURCES = {
    "sign flip": "Fisher 1935, The Design of Experiments, section 21",
    "crossed": "Clark 1973, doi:10.1016/S0022-5371(73)80014-3",
    "mixture": "Cochran 1964, doi:10.2307/2282687",
    "holm": "Holm 1979, Scandinavian Journal of Statistics 6:65-70",
    "tarone": "Tarone 1990, doi:10.2307/2531456",
    "union": "Berger 1982, doi:10.1080/00401706.1982.10487790",
    "equivalence": "Schuirmann 1987, doi:10.1007/BF01068419",
    "measures": "Taylor & Stone 2009, Journal of Machine Learning Research 10:1633-1685",
}
"""What the paragraph cites."""


def describe_analysis(rows: Sequence[Mapping[str, Any]], asked: Compare, cite: Callable[[str], str]) -> str:
    """Say how the verdicts of a study were come to.

    Parameters
    ----------
    rows : sequence of mapping
        The study's verdicts, with the keys of ``results.VERDICTS``.
    asked : Compare
        What the study compares.
    cite : callable
        Returns the reference to a work of ``SOURCES``.
    """
    claims = [row for row in rows if row["role"] == "transfer"]
    parts = [
        _tests(rows, asked, cite),
        _baselines(rows, asked),
        _claims(claims, asked, cite),
        _assay(claims, asked),
        _verdicts(claims, asked, cite),
        _registered(rows),
        f"Jumpstart, asymptote and area under the learning curve follow{cite('measures')}.",
    ]
    return " ".join(part for part in parts if part)


def _size(value: float, asked: Compare) -> str:
    return f"{100 * value:g} points" if is_share(asked.metric) else f"{value:g}"


def _tests(rows: Sequence[Mapping[str, Any]], asked: Compare, cite: Callable[[str], str]) -> str:
    people = sorted({row["n_subjects"] for row in rows})
    seeds = sorted({row["n_seeds"] for row in rows})
    draws = (
        f"counting all sign patterns up to {EXACT_UP_TO} people and 100 000 random ones above"
        if max(people, default=0) > EXACT_UP_TO
        else "counting all sign patterns"
    )
    several = max(seeds, default=1) > 1
    over = f"over people and seeds{cite('crossed')}" if several else "over people"
    text = (
        "The unit is the person: folds that test the same person were averaged inside the person. "
        f"Differences were tested by the paired sign-flip permutation test over people{cite('sign flip')}, "
        f"{draws}, and by a t test {over}; the larger p counts, and the 95 % intervals hold the means that "
        "neither test rejects, or are called not estimable where they would be wider than the metric's range."
    )
    if several:
        text += (
            " All people share the source network of a seed, so that people and seeds are both a sample: the "
            "seeds' luck enters the error of the mean, and the t test weighs the degrees of freedom of both"
            f"{cite('mixture')}"
        )
        shares = [row["seed_share"] for row in rows if row.get("seed_share") is not None]
        if shares:
            text += (
                f"; seeds weighed {100 * median(shares):.0f} % in the median comparison and "
                f"{100 * max(shares):.0f} % at most"
            )
        text += "."
    if people:
        smallest = joined((f"{smallest_p(n):.3g}" for n in people), "or")
        text += f" With {joined(people, 'or')} people the smallest p that can be reached is {smallest}."
    return text


def _baselines(rows: Sequence[Mapping[str, Any]], asked: Compare) -> str:
    base = arm_label(asked.against)
    other: dict[str, list[str]] = {}
    for row in rows:
        if row["against"] != asked.against and row["role"] == "transfer":
            arms = other.setdefault(row["against"], [])
            arms += [row["arm"]] * (row["arm"] not in arms)
    text = f"Arms were compared with {base}"
    for against, arms in other.items():
        text += (
            f"; {joined(arm_label(arm) for arm in arms)}, whose carried weights stay still, with "
            f"{arm_label(against)}, the same procedure on random weights"
        )
    return f"{text}."


def _claims(claims: Sequence[Mapping[str, Any]], asked: Compare, cite: Callable[[str], str]) -> str:
    if not claims:
        return "No arm claimed transfer, so no verdict was given."
    controls = list(dict.fromkeys(name for row in claims for name in row["controls"]))
    reachable = sum(smallest_p(row["n_subjects"]) < asked.alpha for row in claims)
    beaten = (
        f"the largest over its baseline and every control carried comparably "
        f"({joined(arm_label(name) for name in controls)}), an intersection-union test{cite('union')}"
        if controls
        else "that against its baseline, since no control arm ran"
    )
    return (
        "A claim is one transfer arm of one direction, network and budget. The p of one that gained is "
        f"{beaten}, of one that lost that against its baseline. Holm's method{cite('holm')} corrected "
        f"over the claims of one split rule, at α = {asked.alpha:g}: of {counted(len(claims), 'claim')} "
        f"{reachable} had people enough to reach it{cite('tarone')}, and only these count in a family."
    )


def _assay(claims: Sequence[Mapping[str, Any]], asked: Compare) -> str:
    if not claims:
        return ""
    ran = [row for row in claims if row["assay"]]
    seen = [row for row in claims if row["verdict"] != "not_assayable" and row["assay"] and _seen(row, asked)]
    if not ran:
        return (
            "No positive control ran, so nothing shows that this design could have seen transfer: every "
            "verdict but positive is called not assayable."
        )
    return (
        "A claim's positive control starts from other people of the target's own data set and is carried in "
        "the same way; the design counts as able to see transfer where that control gained "
        f"{_size(asked.margin, asked)} or more over the same baseline with a one-sided p < {asked.alpha:g}, "
        "and neither the target was at chance for new people nor the source that it starts from: so it was "
        f"for {len(seen)} of "
        f"{counted(len(claims), 'claim')}. All others that were not positive are called not assayable."
    )


def _seen(row: Mapping[str, Any], asked: Compare) -> bool:
    return row["assay_gain"] >= asked.margin and row["assay_p"] < asked.alpha and not row["obstacle"]


def _verdicts(claims: Sequence[Mapping[str, Any]], asked: Compare, cite: Callable[[str], str]) -> str:
    if not claims:
        return ""
    fewest = fewest_for_equivalence(asked.margin, alpha=asked.alpha)
    can = sum(row["n_subjects"] >= fewest for row in claims)
    few = sum(row["n_seeds"] < FEWEST_SEEDS for row in claims)
    text = (
        "A claim was called positive when it gained with a corrected p below α (detectable but small where "
        "the gain stayed below the margin); negative when it lost with a corrected p below α, shared by "
        "controls that it was not clearly below; equivalent when it lay within "
        f"{_size(asked.margin, asked)} by two one-sided tests{cite('equivalence')} that also allow for rare "
        f"people, in the sample or not, who lose or gain {_size(WORST, asked)}, which takes "
        f"{counted(fewest, 'person')} or more ({can} of {counted(len(claims), 'claim')}); and inconclusive "
        "otherwise."
    )
    if few:
        text += (
            f" {counted(few, 'claim')} had fewer than {FEWEST_SEEDS} seeds and "
            f"{'is' if few == 1 else 'are'} exploratory: neither positive, negative nor equivalent."
        )
    return text


def _registered(rows: Sequence[Mapping[str, Any]]) -> str:
    kept = [row["preregistration"] for row in rows if row.get("preregistration")]
    found = {(one["hash"], one["date"]) for one in kept}
    return " ".join(
        f"Exclusions, measure, margin and family were registered on {date} ({code})." for code, date in found
    )
