"""YAML <-> Recipe: what a study is, validated before anything loads, with a uid.

No torch here: a recipe is checked in a moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ...files import bounded, shipped_recipes
from ...signals.splits import ALL
from .clusters import ClusterAsked, OwnCluster, own_cluster
from .keys import DESCRIPTIVE, KEYS
from .paths import resolve_paths
from .reading import override, read_recipe
from .recipe import Recipe, digest
from .sides import put_data

__all__ = [
    "DESCRIPTIVE", "KEYS", "ClusterAsked", "OwnCluster", "Recipe", "digest", "load_recipe", "own_cluster",
    "read_recipe", "recipe_yaml", "shipped_recipes",
]  # fmt: skip


def load_recipe(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    overrides: Sequence[str] = (),
    *,
    smoke: bool = False,
    data: Mapping[str, Mapping[str, Any]] | None = None,
) -> Recipe:
    """Read and validate a recipe.

    Parameters
    ----------
    recipe : path, name of a shipped recipe, mapping or Recipe
        What to run. Relative paths in a file are relative to the folder it lies in.
    overrides : sequence of str
        ``"key.subkey=value"``, the value in YAML.
    smoke : bool
        Three people, one seed, two epochs: to see whether it runs.
    data : mapping of str to mapping, optional
        By the name of a side, the data that it has instead of those that the recipe names: the keys of a data
        section. What else the section says (preprocess, windows, citation, ...) stays.

    Raises
    ------
    BiotransferError
        For unknown keys and names (with the nearest known one) and values of the wrong kind.

    Examples
    --------
    >>> load_recipe("quickstart", ["seeds=2"]).seeds
    (0, 1)
    """
    if isinstance(recipe, Recipe):
        raw, path = recipe.to_dict(), recipe.path
    else:
        raw, path = read_recipe(recipe)
    for text in overrides:
        override(raw, text)
    raw = bounded(raw) if overrides else raw
    if data:
        put_data(raw, data)
    if path is not None:
        resolve_paths(raw, path.parent.resolve())
    if smoke:
        raw |= {"smoke": True, "seeds": 1}
        train = raw.get("train") or {}
        raw["train"] = {**train, "epochs": 2} if isinstance(train, Mapping) else train
        raw["budget"] = _smallest(raw.get("budget", ALL))
    return Recipe.read(raw, path=path)


def _smallest(budget: Any) -> Any:
    """Return a budget with its two smallest numbers of seconds, which three people have."""
    given = budget.get("seconds") if isinstance(budget, Mapping) else budget
    if not isinstance(given, list) or not all(isinstance(s, (int, float)) for s in given):
        return budget
    fewest = sorted(given)[:2]
    return {**budget, "seconds": fewest} if isinstance(budget, Mapping) else fewest


def recipe_yaml(recipe: Recipe | Mapping[str, Any]) -> str:
    """Return the resolved recipe as YAML."""
    value = recipe.to_dict() if isinstance(recipe, Recipe) else dict(recipe)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
