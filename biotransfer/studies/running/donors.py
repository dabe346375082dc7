"""Who is kept aside of a target: the folds with their donors, and why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...errors import BiotransferError
from ...settings import Rule
from ...signals.splits import ALL, Split, budget_splits, make_splits
from ...signals.windows import Windows
from ..recipe import Recipe
from ..recipe.donors import AUTO, NOBODY, donors_asked, keeps_people, wants_proof

LEAST_DONORS, LEAST_TRAINED = 2, 2
_SMOKE_DONORS = 2


class Folds(NamedTuple):
    """The folds of one target by one rule.

    Parameters
    ----------
    splits : list of Split
        With every label.
    labelled : dict of str to list of Split
        The same, with the labels that a budget leaves, by its name.
    without : str
        Why nobody is kept aside as own donors; "" where somebody is, or nobody asked for it.
    """

    splits: list[Split]
    labelled: dict[str, list[Split]]
    without: str = ""


def make_folds(recipe: Recipe, windows: Windows, target: str, rule: Rule) -> Folds:
    """Split a target, with donors kept aside where the recipe asks for some.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    windows : Windows
        The target's.
    target : str
        Its name.
    rule : Rule
        Of splitting.

    Raises
    ------
    BiotransferError
        When the folds or the labels of a budget cannot be made.

    Notes
    -----
    Donors that nobody counted (``own_donors: auto``) give way: where the folds, or the labels of a budget,
    cannot be made without these people, they train the target, and ``without`` says so.
    """
    options, without = _options(recipe, windows, target, rule)
    try:
        return _made(recipe, windows, options, without)
    except BiotransferError as error:
        if not _is_free(recipe, target, rule):
            raise
        reason = f"with {options['donors']} people of {target} kept aside, {error}"
        return _made(recipe, windows, {**options, "donors": 0}, reason)


def _made(recipe: Recipe, windows: Windows, options: Mapping[str, Any], without: str) -> Folds:
    splits = make_splits(windows, **options)
    budget = recipe.budget
    if budget.everything:
        return Folds(splits, {ALL: splits}, without)
    made = [
        budget_splits(windows, split, budget.seconds, labels_of=budget.labels_of, others=budget.others)
        for split in splits
    ]
    return Folds(splits, {name: [fold[i] for fold in made] for i, name in enumerate(budget.names)}, without)


def _is_free(recipe: Recipe, target: str, rule: Rule) -> bool:
    """Whether the number of donors is for this module to choose."""
    free = donors_asked(recipe, target) == AUTO and wants_proof(recipe, target) and keeps_people(rule)
    return free and not rule.parameters["donors"]


def _options(recipe: Recipe, windows: Windows, target: str, rule: Rule) -> tuple[dict[str, Any], str]:
    """Return a split's parameters, with the people kept aside as donors and smoke's few folds."""
    options, asked, without = dict(rule), donors_asked(recipe, target), ""
    alone = recipe.smoke and "n" not in options and "folds" in options
    if not wants_proof(recipe, target):
        without = f"own_donors: {NOBODY}"
    if keeps_people(rule):
        if isinstance(asked, int):
            options["donors"] = asked
        elif _is_free(recipe, target, rule):
            few = {**options, "folds": None} if alone else options
            options["donors"], without = _half(recipe, windows, target, few)
    elif not without:
        without = f"split by {rule.name} tests the people that it trains on, so nobody can be kept aside"
    if recipe.smoke:
        if options.get("donors"):
            options["donors"] = min(options["donors"], _SMOKE_DONORS)
            options |= {"folds": None} if alone else {}
        if options.get("folds") and options["folds"] > 2:
            options["folds"] = 2
    return options, without


def _half(recipe: Recipe, windows: Windows, target: str, options: Mapping[str, Any]) -> tuple[int, str]:
    """Return how many people are half of those whom a fold does not test, and why none can be spared."""
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    tested = [len(np.unique(subjects[split.test])) for split in make_splits(windows, **options)]
    rest = len(np.unique(subjects)) - max(tested)
    least = 1 if recipe.smoke else LEAST_TRAINED
    donors = max(rest // 2, LEAST_DONORS)
    if rest - donors - options["validation"] >= least:
        return donors, ""
    return 0, (
        f"{target} has {rest} people besides those that a fold tests, of whom {LEAST_DONORS} donors and "
        f"{least} to train on cannot both be taken. Load more people of {target}"
    )
