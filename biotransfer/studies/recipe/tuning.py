"""What a recipe lets inner validation choose: a few values of a few keys."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ...errors import check, check_option
from .sides import known_keys, plain

if TYPE_CHECKING:
    import pandas as pd

_SETTINGS: dict[str, Any] = {"folds": 3, "seed": 0}
_HEADS = ("align", "network", "train")
_MOST = 48


def resolve_tune(
    given: Any,
    raw: Mapping[str, Any],
    out: Mapping[str, Any],
    resolve: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> dict[str, Any] | None:
    """Return what is to be chosen with every default filled in, None where nothing is.

    Parameters
    ----------
    given : mapping or None
        Lists of values by path, such as ``{"align.k": [64, 128]}``, beside ``folds`` and ``seed``.
    raw : mapping
        The recipe as written.
    out : mapping
        The recipe resolved so far.
    resolve : callable
        Validates a recipe; every candidate is one.

    Raises
    ------
    BiotransferError
        For anything that cannot be chosen, or not together with the rest of the recipe.
    """
    if given is None:
        return None
    check(
        isinstance(given, Mapping),
        f"tune={given!r} is no mapping. Write for example tune: {{align.k: [64, 128]}}.",
    )
    inside = given.get("values", {})
    values = {**inside, **{key: value for key, value in given.items() if "." in key}}
    rest = {key: value for key, value in given.items() if "." not in key and key != "values"}
    settings = {**_SETTINGS, **known_keys("tune", rest, list(_SETTINGS))}
    for key, least in (("folds", 2), ("seed", 0)):
        check(
            type(settings[key]) is int and settings[key] >= least,
            f"tune.{key}={settings[key]!r}. Expected a whole number of {least} or more.",
        )
    check(values, "tune names nothing to choose. Write for example tune: {align.k: [64, 128]}.")
    for path, options in values.items():
        head, _, last = path.partition(".")
        check_option("tune", head, _HEADS)
        check(
            head != "network" or len(out["network"]) == 1,
            f"tune: {path} with {len(out['network'])} networks. Name one network.",
        )
        check(
            bool(last) and isinstance(options, list) and len(options) >= 2,
            f"tune: {path}={options!r}. Expected a list of two values or more.",
        )
    tune = {"values": plain(values), **settings}
    n = len(candidates(tune))
    check(n <= _MOST, f"tune: {n} combinations. Expected {_MOST} or less; name fewer values.")
    for what, free in (
        ("budget", out["budget"] == "all"),
        ("search", out["search"] is None),
        ("methods", not raw.get("methods")),
        ("select", out["select"]["name"] == "all"),
        ("train.patience", not out["train"]["patience"]),
    ):
        check(free, f"tune does not go with {what}. Leave one of them out.")
    others = {key: value for key, value in raw.items() if key != "tune"}
    base = {**others, **{key: out[key][0] if key == "network" else out[key] for key in _HEADS}}
    for values_of_one in candidates(tune):
        resolve(with_values(base, values_of_one))
    return tune


def candidates(tune: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every combination of values, by path.

    Examples
    --------
    >>> candidates({"values": {"align.k": [8, 16], "train.epochs": [5]}})
    [{'align.k': 8, 'train.epochs': 5}, {'align.k': 16, 'train.epochs': 5}]
    """
    values = tune["values"]
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*values.values())]


def with_values(recipe: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe with some values set by path.

    Examples
    --------
    >>> with_values({"align": {"name": "pca", "k": 64}}, {"align.k": 8})
    {'align': {'name': 'pca', 'k': 8}}
    """
    out = copy.deepcopy(dict(recipe))
    for path, value in values.items():
        head, _, last = path.partition(".")
        node = out[head][0] if isinstance(out[head], list) else out[head]
        node[last] = value
    return out


def best_candidate(table: pd.DataFrame) -> dict[str, Any]:
    """Return the values with the best inner validation, every arm counting once.

    Parameters
    ----------
    table : DataFrame
        Rows of the table ``choices`` of one fold: candidate, values, arm, value. Of equals the first.
    """
    means = table.groupby(["candidate", "arm"], sort=True)["value"].mean().groupby("candidate").mean()
    best = int(means.index[int(means.to_numpy().argmax())])
    return dict(json.loads(table.loc[table["candidate"] == best, "values"].iloc[0]))
