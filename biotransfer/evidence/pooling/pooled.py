"""Finished studies in, one verdict per claim over data sets out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import a_kind, check
from ...results import Results, load_results
from ...showing import html_table, one_line, with_picture
from ..metrics import Compare
from ..reading import compared
from ..stats import Combined
from .claims import Claim, judge, make_claim
from .parts import Part, Place, leaks, parts_of, refuse_twice
from .people import counted_once, same_person
from .wording import claim_sentence

_WIDEST = 2.0
_CLAIM = ["direction", "network", "variant", "protocol", "budget", "inputs", "arm"]
POOLED = [*_CLAIM, "source", "target", "against", "metric", "n_data_sets", "n_studies", "n_people",
          "n_seeds", "difference", "ci_low", "ci_high", "p", "p_claim", "p_holm", "margin", "verdict",
          "shared", "reason", "tau", "i2", "q", "q_p", "next_low", "next_high", "here", "here_low",
          "here_high", "assay", "controls", "sentence"]  # fmt: skip
"""Of a claim: ``next_low`` to ``next_high`` is where the truth of a further data set lies in 95 %, ``here``
the mean of these data sets alone, ``assay`` what the positive control gains over the same baseline (p is
one-sided), ``controls`` by how much the arm lies above each. None where a number is not estimable."""
SHARES = [*_CLAIM, "data_set", "studies", "sources", "n_people", "n_seeds", "difference", "error", "ci_low",
          "ci_high", "weight"]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pooled:
    """What several studies say together.

    Parameters
    ----------
    claim_list : list of dict
        One per claim, keys ``POOLED``.
    share_list : list of dict
        One per claim and data set, keys ``SHARES``.
    studies : list of dict
        name, title, recipe_uid, folder of each.
    compare : dict
        What all of them compare.
    notes : list of str
        Who is counted where.
    left_out : list of str
        What was not pooled, and why.
    """

    claim_list: list[dict[str, Any]]
    share_list: list[dict[str, Any]]
    studies: list[dict[str, str]]
    compare: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def claims(self) -> pd.DataFrame:
        """The claims as a table."""
        return pd.DataFrame(self.claim_list, columns=POOLED)

    @property
    def shares(self) -> pd.DataFrame:
        """What every data set brings to every claim, as a table."""
        return pd.DataFrame(self.share_list, columns=SHARES)

    def shares_of(self, claim: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what the data sets bring to one of ``claim_list``."""
        return [row for row in self.share_list if all(row[key] == claim[key] for key in _CLAIM)]

    def plain(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "claims": self.claim_list,
            "data_sets": self.share_list,
            "studies": self.studies,
            "compare": self.compare,
            "notes": self.notes,
            "left_out": self.left_out,
        }

    def __repr__(self) -> str:
        sets = {row["data_set"] for row in self.share_list}
        return one_line(
            f"Pooled: {len(self.claim_list)} claims over {len(sets)} data sets of {len(self.studies)} studies"
        )

    def _repr_html_(self) -> str:
        names = ", ".join(study["name"] for study in self.studies)
        columns = ["direction", "network", "variant", "budget", "inputs", "arm", "n_data_sets", "n_people",
                   "difference", "ci_low", "ci_high", "p_holm", "tau", "i2", "verdict"]  # fmt: skip
        return with_picture(self, html_table({"studies": names}) + self.claims[columns].to_html(index=False))


def pool_studies(studies: Iterable[str | Path | Results]) -> Pooled:
    """Join finished studies by a random-effects meta-analysis over data sets, people nested in them.

    Parameters
    ----------
    studies : iterable of path or Results
        Study folders, or what :func:`.load_results` gives; their order does not matter.

    Returns
    -------
    Pooled
        One claim per direction between modalities, network, way to transfer, protocol, budget, mapping of
        inputs and transfer arm that two data sets or more have in common.

    Raises
    ------
    BiotransferError
        For a single study of one data set, one that is not finished, is of a later format, is a smoke run, or
        compares something else than the others; for the same trainings twice; where no claim is in common.

    Notes
    -----
    The unit of the analysis is the data set that is tested, not the study: people who were tested in several
    comparisons (same data set and name, or declared in ``same_people``) count once, with the mean of their
    differences. See :func:`.combine_means` for the statistics and :func:`.judge` for the verdict. Data sets
    share the luck of a source where one study tests several with the same source networks; that is not
    modelled.
    """
    read, folders = _named(studies)
    asked = _one_comparison(read)
    parts = [part for name, results in read.items() for part in parts_of(name, results)]
    refuse_twice(parts)
    left_out = sorted({f"{part.place.label}: the evaluation leaks" for part in parts if leaks(part.place)})
    parts = [part for part in parts if not leaks(part.place)]
    same = same_person(read)
    notes: dict[str, None] = {}
    claims: list[Claim] = []
    for place in sorted({part.place for part in parts}):
        mine, said = counted_once([part for part in parts if part.place == place], same)
        made, alone = _claims(place, mine)
        claims += made
        left_out += alone
        if made:
            notes.update(dict.fromkeys(said))
    check(claims, _nothing_in_common(read, parts))
    rows, shares = _rows(claims, asked)
    return Pooled(
        rows,
        shares,
        [
            {"name": name, "title": str(results.recipe.get("title") or ""), "folder": folders[name],
             "recipe_uid": str(results.provenance.get("recipe_uid") or "")}
            for name, results in read.items()
        ],
        {name: getattr(asked, name) for name in ("against", "metric", "measure", "margin", "alpha")},
        list(notes),
        left_out,
    )  # fmt: skip


def _named(studies: Iterable[str | Path | Results]) -> tuple[dict[str, Results], dict[str, str]]:
    """Return the studies and their folders by name, in the order of their names."""
    check(
        isinstance(studies, Iterable) and not isinstance(studies, (str, Path)),
        f"studies={studies!r} is one study. Expected several. Pass a list of folders.",
    )
    found: dict[str, Results] = {}
    folders: dict[str, str] = {}
    for given in studies:
        check(
            isinstance(given, (str, Path, Results)),
            f"studies hold {a_kind(given)}. Expected folders or Results. Type load_results(FOLDER).",
        )
        results = given if isinstance(given, Results) else load_results(given)
        folder = "" if isinstance(given, Results) else str(Path(given).resolve())
        name = Path(folder).name if folder else str(results.recipe.get("title") or "study")
        check(
            not folder or folder not in folders.values(),
            f"studies: {folder!r} is named twice. Expected other folders. Leave one of them out.",
        )
        if name in found:
            uid = str(results.provenance.get("recipe_uid") or len(found))
            name = f"{name} ({Path(folder).parent.name or uid})" if folder else f"{name} ({uid})"
            check(
                name not in found,
                f"studies: two are called {name!r}. Expected names that tell them apart. Rename a folder.",
            )
        check(
            not results.recipe.get("smoke"),
            f"{name} is a smoke run: three people, one seed. Expected a whole study. Run it without --smoke.",
        )
        found[name], folders[name] = results, folder
    check(found, "studies=[] is empty. Expected study folders. Type: biotransfer pool STUDY STUDY")
    return dict(sorted(found.items())), folders


def _one_comparison(studies: Mapping[str, Results]) -> Compare:
    """Return what all studies compare."""
    first, *others = studies
    asked = compared(studies[first])
    for name in others:
        theirs = compared(studies[name])
        differ = [
            f"{key} {getattr(asked, key)!r} and {getattr(theirs, key)!r}"
            for key in ("against", "metric", "measure", "margin", "alpha")
            if getattr(asked, key) != getattr(theirs, key)
        ]
        check(
            not differ,
            f"{first} and {name} compare different things: {'; '.join(differ)}. Expected one comparison in "
            "all studies. Run one of them again with --set compare.KEY=VALUE.",
        )
    return asked


def _claims(place: Place, parts: Sequence[Part]) -> tuple[list[Claim], list[str]]:
    """Return the claims made at one place, and what stands alone there."""
    made, alone = [], []
    arms = {name for part in parts for name in part.contests}
    for arm in sorted(arms):
        having = [part for part in parts if arm in part.contests]
        designs = {(part.designs[arm], part.contests[arm].against) for part in having}
        for design in sorted(designs):
            mine = [part for part in having if (part.designs[arm], part.contests[arm].against) == design]
            claim = make_claim(mine, arm)
            if claim is not None:
                made.append(claim)
                continue
            sets = ", ".join(sorted({part.target for part in mine}))
            why = f"only on {sets}"
            if len(designs) > 1:
                why += (
                    f" (of {', '.join(sorted({part.study for part in mine}))}), set up differently elsewhere"
                )
            alone.append(f"{place.label}, {arm}: {why}")
    return made, alone


def _nothing_in_common(studies: Mapping[str, Results], parts: Sequence[Part]) -> str:
    """Say in what the studies differ."""
    sets = sorted({part.target for part in parts})
    tested = ", ".join(sets) or "nothing that can be pooled"
    if len(studies) == 1:
        return (
            f"{next(iter(studies))} alone, tested on {tested}: pooling takes two data sets of one "
            "modality or more. Name further studies: biotransfer pool STUDY STUDY"
        )
    kinds = {field: i for i, field in enumerate(Place._fields)}
    differ = []
    for kind, i in kinds.items():
        by_set = {name: {part.place[i] for part in parts if part.target == name} for name in sets}
        if len(by_set) > 1 and not set.intersection(*by_set.values()):
            said = "; ".join(
                f"{name}: {', '.join(sorted(values)) or 'none'}" for name, values in by_set.items()
            )
            differ.append(f"{kind} ({said})")
    why = f"they differ in {' and in '.join(differ)}" if differ else "no arm is set up alike on two data sets"
    if len(sets) < 2:
        why = f"all were tested on {tested}"
    return (
        f"{', '.join(studies)} have no claim in common: {why}. Expected a direction, network, protocol, "
        "budget, mapping of inputs and transfer arm on two data sets. Run them with the same keys."
    )


def _brief(found: Combined, alternative: str = "two-sided") -> dict[str, float | None]:
    low, high = _interval(found)
    return {"difference": found.mean, "ci_low": low, "ci_high": high, "p": found.p(alternative)}


def _interval(found: Combined) -> tuple[float | None, float | None]:
    """Return the interval; nothing where it is wider than differences of shares can be."""
    return (found.low, found.high) if found.high - found.low <= _WIDEST else (None, None)


def _rows(claims: Sequence[Claim], asked: Compare) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows, shares = [], []
    for claim, judged in zip(claims, judge(claims, asked), strict=True):
        place, pooled = claim.place, claim.pooled
        where = {"direction": place.direction, "network": place.network, "variant": place.variant,
                 "protocol": place.protocol, "budget": place.budget, "inputs": place.inputs,
                 "arm": claim.arm}  # fmt: skip
        low, high = _interval(pooled)
        row = {
            **where,
            "source": place.source,
            "target": place.target,
            "against": claim.against,
            "metric": asked.metric,
            "n_data_sets": len(claim.shares),
            "n_studies": len({study for share in claim.shares for study in share.studies}),
            "n_people": claim.n_people,
            "n_seeds": claim.n_seeds,
            "difference": pooled.mean,
            "ci_low": low,
            "ci_high": high,
            "p": pooled.p(),
            "p_claim": claim.p,
            "p_holm": judged.p_holm,
            "margin": asked.margin,
            "verdict": judged.verdict,
            "shared": claim.shared if judged.verdict == "negative" and claim.rivals(asked.alpha) else None,
            "reason": judged.reason,
            **{key: getattr(pooled, key) for key in ("tau", "i2", "q", "q_p", "next_low", "next_high")},
            **{key: getattr(pooled, key) for key in ("here", "here_low", "here_high")},
            "assay": None if claim.assay is None else _brief(claim.assay, "greater"),
            "controls": {name: _brief(control) for name, control in claim.controls.items()},
        }
        row["sentence"] = claim_sentence(row, claim, judged, asked)
        rows.append({key: row[key] for key in POOLED})
        for share, weight in zip(claim.shares, pooled.weights, strict=True):
            found = share.found
            shares.append(
                {**where, "data_set": share.data_set, "studies": list(share.studies),
                 "sources": list(share.sources), "n_people": found.n_people, "n_seeds": found.n_seeds,
                 "difference": found.mean, "error": found.error, "ci_low": found.low,
                 "ci_high": found.high, "weight": weight}
            )  # fmt: skip
    return rows, shares
