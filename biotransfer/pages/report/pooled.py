"""Pooled studies -> one HTML page that opens offline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ... import __version__
from ...evidence.pooling import Pooled
from ...evidence.reading import (
    arm_label,
    data_label,
    is_share,
    measure_label,
    metric_label,
    network_label,
    protocol_label,
)
from ...evidence.verdicts.rule import FEWEST_SEEDS
from ...signals.splits import budget_label
from ..figures import plot_forest
from . import text as write
from .embed import embedded
from .filling import fill
from .table import Table, badge, table


def render_pooled(pooled: Pooled) -> str:
    """Return the page of pooled studies as one HTML document.

    Parameters
    ----------
    pooled : Pooled
        Of :func:`.pool_studies`.
    """
    people = {row["data_set"]: row["n_people"] for row in pooled.share_list}
    return fill(
        "pooled.html",
        {
            "title": " · ".join(dict.fromkeys(_ends(claim) for claim in pooled.claim_list)),
            "version": __version__,
            "facts": [
                ("studies", str(len(pooled.studies))),
                ("data sets", ", ".join(f"{name} ({n})" for name, n in people.items())),
                ("compared", metric_label(pooled.compare["metric"])),
                ("margin", write.gain(pooled.compare["margin"], pooled.compare["metric"]).replace("+", "±")),
            ],
            "sentences": [claim["sentence"] for claim in pooled.claim_list],
            "claims": _claims(pooled),
            "between": _between(pooled),
            "pictures": [_picture(pooled, i, claim) for i, claim in enumerate(pooled.claim_list)],
            "notes": pooled.notes,
            "left_out": pooled.left_out,
            "methods": [write.linked(text) for text in _methods(pooled)],
            "studies": _studies(pooled),
        },
    )


def _ends(claim: Mapping[str, Any]) -> str:
    return f"{data_label(claim['source'])} → {data_label(claim['target'])}"


def _place(claim: Mapping[str, Any]) -> str:
    where = (network_label(claim["network"], claim["variant"]), protocol_label(claim["protocol"]))
    return ", ".join((_ends(claim), *where, budget_label(claim["budget"]), claim["inputs"]))


def _grouped(pooled: Pooled) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield every place with the claims that are made there."""
    for place in dict.fromkeys(map(_place, pooled.claim_list)):
        yield place, [claim for claim in pooled.claim_list if _place(claim) == place]


def _claims(pooled: Pooled) -> Table:
    columns = {"arm": False, "data sets": True, "people": True, "gain": True, "95 % CI": True,
               "p": True, "p Holm": True, "own donors": True, "least above a control": True,
               "verdict": False}  # fmt: skip
    rows: list[Any] = []
    for place, claims in _grouped(pooled):
        rows.append(place)
        for c in claims:
            metric, assay = c["metric"], c["assay"]
            nearest = min(c["controls"], key=lambda name: c["controls"][name]["difference"], default="")
            over = write.NOTHING
            if nearest:
                found = write.gain(c["controls"][nearest]["difference"], metric)
                over = f"{found} ({arm_label(nearest)})"
            rows.append(
                [
                    arm_label(c["arm"]), str(c["n_data_sets"]), str(c["n_people"]),
                    write.gain(c["difference"], metric),
                    write.interval(c["ci_low"], c["ci_high"], metric), write.p_value(c["p"]),
                    write.p_value(c["p_holm"]), write.gain(assay and assay["difference"], metric), over,
                    badge(c),
                ]
            )  # fmt: skip
    unit = "points of " if is_share(pooled.compare["metric"]) else ""
    caption = (
        f"Gain in {unit}{metric_label(pooled.compare['metric'])} "
        f"({measure_label(pooled.compare['measure'])}), the mean over data sets with its interval. p is of "
        "the baseline, p Holm of the claim: the largest over baseline and controls, corrected over the "
        "claims."
    )
    return table(columns, rows, caption)


def _between(pooled: Pooled) -> Table:
    columns = {"arm": False, "tau": True, "I2": True, "Q": True, "p of Q": True, "a further data set": True,
               "these alone": True}  # fmt: skip
    rows: list[Any] = []
    for place, claims in _grouped(pooled):
        rows.append(place)
        for c in claims:
            metric = c["metric"]
            alone = write.interval(c["here_low"], c["here_high"], metric)
            rows.append(
                [
                    arm_label(c["arm"]), write.gain(c["tau"], metric).lstrip("+"), write.share(c["i2"]),
                    f"{c['q']:.2f}", write.p_value(c["q_p"]),
                    write.interval(c["next_low"], c["next_high"], metric),
                    f"{write.gain(c['here'], metric)} ({alone})",
                ]
            )  # fmt: skip
    caption = (
        "How far data sets differ: tau, the deviation of what is true of each; I2, its share of all "
        "variance; where the truth of a further data set lies in 95 %; the mean of these data sets alone, "
        f"which says nothing of others. {write.NOTHING} is not estimable: two data sets are too few."
    )
    return table(columns, rows, caption, "Between data sets")


def _picture(pooled: Pooled, number: int, claim: Mapping[str, Any]) -> dict[str, Any]:
    caption = (
        "Squares: data sets with their 95 % intervals over people, larger with more weight. Diamond: their "
        "mean. Bar through it: where a further data set lies in 95 %. Hollow diamond: the positive control. "
        "Band: the margin."
    )
    metric = claim["metric"]
    columns = {"data set": False, "studies": False, "sources": False, "people": True, "seeds": True,
               "gain": True, "95 % CI": True, "error": True, "weight": True}  # fmt: skip
    rows: list[Any] = [
        [
            s["data_set"], ", ".join(s["studies"]), ", ".join(s["sources"]), str(s["n_people"]),
            str(s["n_seeds"]), write.gain(s["difference"], metric),
            write.interval(s["ci_low"], s["ci_high"], metric),
            write.gain(s["error"], metric).lstrip("+"), write.share(s["weight"]),
        ]
        for s in pooled.shares_of(claim)
    ]  # fmt: skip
    title = f"{arm_label(claim['arm'])}: {_place(claim)}"
    picture = embedded(plot_forest(pooled, claim), f"forest-{number}", f"Forest plot of {title}. {caption}")
    return {"title": title, **picture, "caption": caption, "shares": table(columns, rows, title)}


def _methods(pooled: Pooled) -> list[str]:
    asked = pooled.compare
    return [
        f"Data sets were joined by a random-effects meta-analysis of the difference in "
        f"{metric_label(asked['metric'])} ({measure_label(asked['measure'])}) between a transfer arm and "
        f"{arm_label(asked['against'])}, people nested in data sets. The mean of a data set is that over its "
        "people, of whom each counts once: seeds are averaged inside a comparison, comparisons inside a "
        "person. Its standard error holds the luck of the seeds, which all people share (Satterthwaite 1946, "
        "doi:10.2307/3002019).",
        "The variance between data sets is that of Paule and Mandel (1982, doi:10.6028/jres.087.022); "
        "test and interval of the mean are those of Hartung and Knapp (2001, "
        "doi:10.1002/sim.791) and Sidik and Jonkman (2002, doi:10.1002/sim.1262), never narrower than with a "
        "scale of 1 (doi:10.1186/s12874-015-0091-1). Where the truth of a further data set lies follows "
        "Higgins, Thompson and Spiegelhalter (2009, doi:10.1111/j.1467-985X.2008.00552.x). The mean of these "
        "data sets alone weighs by their errors and says nothing of others (doi:10.1111/rssa.12275).",
        f"A claim is positive when it lies above the baseline and every control that all its data sets have, "
        f"with the largest p of these below {asked['alpha']:g} after Holm over the claims. All else needs a "
        f"positive control, other people of the target's own data set carried the same way, that gains "
        f"{100 * asked['margin']:g} points or more over data sets (one-sided p below {asked['alpha']:g}); "
        "without it, or where source or target of a data set is at chance for new people, the claim is not "
        f"assayable. With fewer than {FEWEST_SEEDS} seeds nothing is claimed. A claim is equivalent when "
        "both one-sided tests against the margin hold after Holm.",
    ]


def _studies(pooled: Pooled) -> Table:
    rows: list[Any] = [
        [study["name"], study["title"] or write.NOTHING, study["recipe_uid"] or write.NOTHING]
        for study in pooled.studies
    ]
    return table({"study": False, "title": False, "recipe": False}, rows, "Studies that were pooled.")
