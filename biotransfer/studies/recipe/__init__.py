"""YAML <-> Recipe: what a study is, validated before anything loads, with a uid.

No torch and no mne here: a recipe is checked in a moment.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ...showing import html_table, one_line
from .clusters import check_cluster
from .keys import DEFAULTS, DESCRIPTIVE, KEYS, SECTION_KEYS
from .reading import override, read_recipe, shipped_recipes
from .resolving import resolve

__all__ = [
    "DEFAULTS", "DESCRIPTIVE", "KEYS", "SECTION_KEYS", "Recipe", "check_cluster", "digest", "load_recipe",
    "read_recipe", "recipe_yaml", "shipped_recipes",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Recipe:
    """A validated study.

    Parameters
    ----------
    resolved : dict
        Every key with its value, defaults filled in.
    path : Path, optional
        The file it came from.
    """

    resolved: Mapping[str, Any]
    path: Path | None = None

    @property
    def uid(self) -> str:
        """Hash of everything that can change a number: the canonical form without its descriptive keys."""
        return digest({k: v for k, v in self.resolved.items() if k not in DESCRIPTIVE})

    def __getitem__(self, key: str) -> Any:
        return self.resolved[key]

    @property
    def variants(self) -> dict[str, Recipe]:
        """The ways to transfer that are compared, by label: the recipe itself (""), and all ``methods``."""
        found = {"": self}
        for item in self["methods"]:
            own = {k: v for k, v in item.items() if k != "label"}
            if "arms" in own:
                own["arms"] = [arm for arm in self["arms"] if arm.get("label", arm["name"]) in own["arms"]]
            found[item["label"]] = Recipe({**self.resolved, **own, "methods": []}, self.path)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return a plain copy."""
        return copy.deepcopy(dict(self.resolved))

    def __repr__(self) -> str:
        return one_line(f"Recipe {self.uid}: {self.resolved['title']!r}")

    def _repr_html_(self) -> str:
        return html_table({k: json.dumps(v, ensure_ascii=False) for k, v in self.resolved.items()})


def digest(value: Any) -> str:
    """Short hash of the canonical JSON form of ``value``."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_recipe(
    recipe: str | Path | Mapping[str, Any] | Recipe, overrides: Sequence[str] = (), *, smoke: bool = False
) -> Recipe:
    """Read and validate a recipe.

    Parameters
    ----------
    recipe : path, name of a shipped recipe, mapping or Recipe
        What to run.
    overrides : sequence of str
        ``"key.subkey=value"``, the value in YAML.
    smoke : bool
        Three people, one seed, two epochs: to see whether it runs.

    Raises
    ------
    BiotransferError
        For unknown keys and names (with the nearest known one) and values of the wrong kind.

    Examples
    --------
    >>> load_recipe("quickstart", ["seeds=2"])["seeds"]
    [0, 1]
    """
    if isinstance(recipe, Recipe):
        raw, path = recipe.to_dict(), recipe.path
    else:
        raw, path = read_recipe(recipe)
    for text in overrides:
        override(raw, text)
    if smoke:
        raw |= {"smoke": True, "seeds": 1}
        train = raw.get("train") or {}
        raw["train"] = {**train, "epochs": 2} if isinstance(train, Mapping) else train
    return Recipe(resolve(raw), path)


def recipe_yaml(recipe: Recipe | Mapping[str, Any]) -> str:
    """Return the resolved recipe as YAML."""
    value = recipe.to_dict() if isinstance(recipe, Recipe) else dict(recipe)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=110)
