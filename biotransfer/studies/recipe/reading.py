"""From a file, a name or a mapping to a recipe as written, with what the command line overrides."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ...errors import BiotransferError, check, did_you_mean
from ...files import shipped_recipes
from ...settings import Settings
from .recipe import Recipe


def read_recipe(recipe: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], Path | None]:
    """Return a recipe as written, and its file.

    Parameters
    ----------
    recipe : path, name of a shipped recipe, or mapping
        What to read.

    Raises
    ------
    BiotransferError
        When there is no such file or it is no YAML mapping; line and column are named.
    """
    if isinstance(recipe, Mapping):
        return {
            k: v.plain() if isinstance(v, Settings) else copy.deepcopy(v) for k, v in recipe.items()
        }, None
    check(
        isinstance(recipe, (str, Path)),
        f"recipe={recipe!r} is a {type(recipe).__name__}. Expected a file, the name of a shipped recipe or a "
        "mapping.",
    )
    path, shipped = Path(recipe), shipped_recipes()
    if not path.is_file() and str(recipe) in shipped:
        path = shipped[str(recipe)]
    if not path.is_file():
        raise BiotransferError(
            f"recipe {str(recipe)!r} is no file.{did_you_mean(Path(recipe).stem, shipped)} "
            f"Shipped recipes: {', '.join(shipped)}. To write your own: biotransfer new my_study.yaml"
        )
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BiotransferError(
            f"recipe {str(path)!r} is no valid YAML{place}: {getattr(error, 'problem', error)}. "
            "Compare with: biotransfer new my_study.yaml"
        ) from error
    check(
        isinstance(raw, dict),
        f"recipe {str(path)!r} holds no keys. Start from: biotransfer new my_study.yaml",
    )
    return raw, path


def override(raw: dict[str, Any], text: str) -> None:
    """Set ``"key.subkey=value"`` in ``raw``, the value in YAML."""
    key, sign, value = text.partition("=")
    check(sign and key, f"--set {text!r} is no key=value. Write for example: --set train.epochs=5")
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise BiotransferError(
            f"--set {text!r}: the value is no YAML. Quote it: --set '{key}=...'"
        ) from error
    *path, last = key.split(".")
    node: Any = raw
    for depth, part in enumerate(path):
        at = _position(node, part, text)
        below = node[at] if isinstance(node, list) or at in node else None
        if below is None and depth == 0:
            below = copy.deepcopy(Recipe.defaults().get(part))
        if not isinstance(below, (dict, list)):
            alone = _alone(part)
            below = {} if below is None or not alone else {alone: below}
        node[at] = below
        node = below
    node[_position(node, last, text)] = parsed


def _alone(key: str) -> str:
    """Return the key that a value alone stands for: that of its group, if it has one, or a method's name."""
    item = Recipe.declared().get(key)
    group = None if item is None else item.metadata["read"].of
    return "name" if group is None else str(group.ALONE)


def _position(node: Any, part: str, text: str) -> Any:
    """Return the key, or the index where ``node`` is a list."""
    if not isinstance(node, list):
        return part
    check(
        part.isdigit() and int(part) < len(node),
        f"--set {text!r}: {part!r} is no position in a list of {len(node)}. Use 0 to {len(node) - 1}.",
    )
    return int(part)
