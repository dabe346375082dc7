"""From a file, a name or a mapping to a recipe as written, with what the command line overrides."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import BiotransferError, a_kind, check, did_you_mean
from ...files import bounded, is_file, parse_yaml, read_yaml, shipped_recipes
from ...settings import Settings
from .recipe import Recipe

_DEEPEST = 16


def read_recipe(recipe: str | Path | Mapping[str, Any]) -> tuple[dict[str, Any], Path | None]:
    """Return a recipe as written, and its file.

    Parameters
    ----------
    recipe : path, name of a shipped recipe, or mapping
        What to read.

    Raises
    ------
    BiotransferError
        When there is no such file, or it is no YAML mapping within bounds; line and column are named.
    """
    if isinstance(recipe, Mapping):
        plain_ = {k: v.plain() if isinstance(v, Settings) else v for k, v in recipe.items()}
        return bounded(plain_), None
    check(
        isinstance(recipe, (str, Path)),
        f"recipe={recipe!r} is {a_kind(recipe)}. Expected a file, the name of a shipped recipe or a mapping.",
    )
    path, shipped = Path(recipe), shipped_recipes()
    if not is_file(path) and str(recipe) in shipped:
        path = shipped[str(recipe)]
    if not is_file(path):
        raise BiotransferError(
            f"recipe {str(recipe)!r} is no file.{did_you_mean(Path(recipe).stem, shipped)} "
            f"Shipped recipes: {', '.join(shipped)}. To write your own: biotransfer new my_study.yaml"
        )
    raw = read_yaml(path, f"recipe {str(path)!r}", "Compare with: biotransfer new my_study.yaml")
    check(
        isinstance(raw, dict),
        f"recipe {str(path)!r} holds no keys. Start from: biotransfer new my_study.yaml",
    )
    return raw, path


def override(raw: dict[str, Any], text: str) -> None:
    """Set ``"key.subkey=value"`` in ``raw``, the value in YAML."""
    key, sign, value = text.partition("=")
    check(sign and key, f"--set {text!r} is no key=value. Write for example: --set train.epochs=5")
    parsed = parse_yaml(value, f"--set {_short(text)!r}", f"Quote it: --set '{_short(key)}=...'")
    check(key.count(".") < _DEEPEST, f"--set {_short(text)!r}: {key.count('.')} dots. Expected a few.")
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


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:100]}..."


def _alone(key: str) -> str:
    """Return the key that a value alone stands for: that of its group, if it has one, or a method's name."""
    if key == "preprocess":
        return "preset"
    item = Recipe.declared().get(key)
    group = None if item is None else item.metadata["read"].of
    return "name" if group is None else str(group.ALONE)


def _position(node: Any, part: str, text: str) -> Any:
    """Return the key, or the index where ``node`` is a list."""
    if not isinstance(node, list):
        return part
    check(
        re.fullmatch("[0-9]{1,6}", part) and int(part) < len(node),
        f"--set {text!r}: {part!r} is no position in a list of {len(node)}. Use 0 to {len(node) - 1}.",
    )
    return int(part)
