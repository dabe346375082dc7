"""What finished studies bring to a pool: people's values by arm, under the claim that they bear on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml

from ...errors import BiotransferError, check
from ...results import Direction, Results
from ...signals.datasets import DATASETS
from ...signals.splits import SPLITS, budget_label
from ...transfer.carry import ArmRequest, Contest, contests, known_arms
from ..divergence import count_diverged
from ..metrics import STUDY_KEYS, measure_curves
from ..reading import arm_label, chance_level, compared, data_label, network_label, protocol_label
from ..verdicts.obstacles import source_obstacles, target_obstacle


class Person(NamedTuple):
    """Who was tested: the data set that the person is from, and the name there."""

    data_set: str
    subject: str


class Place(NamedTuple):
    """Where arms are compared: what has to agree between studies, arms apart."""

    source: str
    target: str
    network: str
    variant: str
    protocol: str
    budget: str
    inputs: str

    @property
    def direction(self) -> str:
        """From which modality to which."""
        return str(Direction(self.source, self.target))

    @property
    def label(self) -> str:
        """In a few words."""
        ends = f"{data_label(self.source)} → {data_label(self.target)}"
        where = (network_label(self.network, self.variant), protocol_label(self.protocol))
        return ", ".join((ends, *where, budget_label(self.budget), self.inputs))


@dataclass(frozen=True, eq=False)
class Part:
    """One direction of one study at one place.

    Parameters
    ----------
    study, direction : str
        Which.
    place : Place
        Where its arms are compared.
    source, target : str
        Data sets.
    values : mapping of str to DataFrame
        By arm: the measure that the study compares, one row per Person, one column per seed.
    arms : mapping of str to ArmRequest
        What the arms are.
    designs : mapping of str to str
        By arm, everything of it that has to agree between studies.
    contests : mapping of str to Contest
        By transfer arm, what it is judged against.
    weak_source, weak_target : str
        That source or target is at chance for new people, which keeps it from seeing transfer; "" where not.
    diverged : mapping of str to int
        By arm, trainings whose loss exploded.
    """

    study: str
    direction: str
    place: Place
    source: str
    target: str
    values: Mapping[str, pd.DataFrame]
    arms: Mapping[str, ArmRequest]
    designs: Mapping[str, str]
    contests: Mapping[str, Contest]
    weak_source: str
    weak_target: str
    diverged: Mapping[str, int]

    @property
    def n_seeds(self) -> int:
        """Of its arms; they are trained with the same."""
        return next(iter(self.values.values())).shape[1]

    def obstacles(self, arm: str) -> list[str]:
        """Return what keeps it from seeing an arm's gain; its source, only where the arm starts from it."""
        taught = self.arms[arm].starts_from is not None
        return list(filter(None, [self.weak_source if taught else "", self.weak_target]))

    def difference(self, arm: str, other: str) -> pd.DataFrame:
        """Return arm minus other, one row per Person, one column per seed."""
        mine, theirs = self.values[arm], self.values[other]
        return (mine - theirs.reindex(index=mine.index, columns=mine.columns)).round(12)


def data_set_of(results: Results, side: str) -> str:
    """Return the data set whose people a side of a study holds.

    Parameters
    ----------
    results : Results
        A study.
    side : str
        "eeg", "emg" or a name of the recipe's ``sets``.

    Notes
    -----
    The name that tables give it. Simulated data are others with another seed; the excerpt within the package
    holds people of mental-arithmetic and myo-readings.
    """
    about = results.data[side]
    section = (results.recipe.get("sets") or {}).get(side) or results.recipe.get(side) or {}
    spec = section.get("data")
    given: Mapping[str, Any] = spec if isinstance(spec, Mapping) else {"name": spec}
    title = str(about["dataset"])
    if about.get("simulated"):
        return f"{title} {about['modality']} (seed {given.get('seed', 0)})"
    known = str(given.get("name"))
    if known == title and known in DATASETS:
        return str(DATASETS[known].facts["part_of"].get(about["modality"], title))
    return title


def parts_of(study: str, results: Results) -> list[Part]:
    """Return what one study holds, in the order of its tables.

    Parameters
    ----------
    study : str
        Its name.
    results : Results
        The study.
    """
    asked, arms = compared(results), known_arms(results.recipe["arms"])
    table = measure_curves(results.curves, against=asked.against, metric=asked.metric, each_seed=True)
    parts, weak = [], source_obstacles(results.sources)
    broken = count_diverged(results.curves, results.sources)
    for keys, group in table.groupby(STUDY_KEYS, sort=False):
        text, network, variant, protocol, budget = map(str, keys)
        direction = results.directions[text]
        begin, end = (str(results.data[side]["modality"]) for side in (direction.source, direction.target))
        target = data_set_of(results, direction.target)
        place = Place(begin, end, network, variant, protocol, budget, _inputs(results.recipe, variant))
        values = {}
        for arm, rows in group.groupby("arm", sort=False):
            wide = rows.pivot(index="subject", columns="seed", values=asked.measure).sort_index()
            check(
                not wide.isna().any(axis=None),
                f"{study}, {text} by {protocol}, arm {arm!r}: not every person has every seed. Expected the "
                "same seeds for all people. Finish the study first.",
            )
            values[str(arm)] = wide.set_axis([Person(target, str(who)) for who in wide.index])
        known = {arm: arms[arm] for arm in values if arm in arms}
        levels = [wide.to_numpy(float) for wide in values.values()]
        no_target = target_obstacle(levels, chance_level(results, text, asked.metric), asked.alpha)
        parts.append(
            Part(
                study, text, place, data_set_of(results, direction.source), target, values,
                known,
                {arm: _design(results.recipe, network, variant, request) for arm, request in known.items()},
                contests(list(known.values()), asked.against),
                weak.get((text, network, variant), ""), no_target,
                broken.get((text, network, variant, protocol, budget), {}),
            )
        )  # fmt: skip
    return parts


def leaks(place: Place) -> bool:
    """Whether training windows may be near copies of test windows."""
    return place.protocol in SPLITS and bool(SPLITS[place.protocol].facts["leaks"])


def _way(recipe: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """Return what one of the recipe's ``methods`` changes; the recipe's own keys otherwise."""
    way: Mapping[str, Any] = next(
        (item for item in recipe.get("methods") or [] if item["label"] == variant), {}
    )
    return {
        key: way.get(key, recipe.get(key)) for key in ("features", "align", "scale", "select", "pretrain")
    }


def _inputs(recipe: Mapping[str, Any], variant: str) -> str:
    """Name the features and the mapping of inputs."""
    way = _way(recipe, variant)
    align = way["align"] or {"name": "none"}
    said = ", ".join(f"{key}={value}" for key, value in align.items() if key != "name")
    return f"{_names(way['features']) or 'signals'} by {align['name']}{f' ({said})' if said else ''}"


def _design(recipe: Mapping[str, Any], network: str, variant: str, arm: ArmRequest) -> str:
    """Return, as text, all that has to agree for two studies to make one claim about an arm."""
    way = _way(recipe, variant)
    return yaml.safe_dump(
        {
            "network": next((spec for spec in recipe["network"] if spec["name"] == network), network),
            "features": _names(way["features"]),
            "align": way["align"],
            "scale": way["scale"],
            "select": _names(way["select"]),
            "pretrain": _names(way["pretrain"]),
            "arm": arm.spec,
        }
    )


def _names(spec: Any) -> str:
    if isinstance(spec, Mapping):
        return str(spec.get("name"))
    if isinstance(spec, Sequence) and not isinstance(spec, str):
        return " + ".join(map(_names, spec))
    return "" if spec is None else str(spec)


def refuse_twice(parts: Sequence[Part]) -> None:
    """Refuse the same trainings in two studies: their luck would count as two.

    Baselines may be the same: two studies of one target train scratch alike.

    Raises
    ------
    BiotransferError
        Naming both.
    """
    for i, one in enumerate(parts):
        for other in parts[i + 1 :]:
            if one.place != other.place or one.target != other.target or one.study == other.study:
                continue
            for arm in sorted(one.contests.keys() & other.contests.keys()):
                mine, theirs = one.values[arm].align(other.values[arm], join="inner")
                if len(mine) > 1 and mine.shape[1] and np.array_equal(mine, theirs) and np.ptp(mine) > 0:
                    raise BiotransferError(
                        f"{one.study} and {other.study} hold the same trainings ({one.direction}, "
                        f"{arm_label(arm)}, seeds {', '.join(map(str, mine.columns))}). Expected studies "
                        "that were run apart. Leave one of them out."
                    )
