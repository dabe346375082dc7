"""From the outcomes of trials to the tables of Results, in one order whatever ran when and where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...results import LONG, TABLES
from ...tables import joined_names
from .store import TrialStore
from .tasks import Planned

_ONCE = ("fits", "ledger")


def collect_tables(store: TrialStore, planned: Sequence[Planned]) -> dict[str, pd.DataFrame]:
    """Join every table of ``planned`` variant by variant in its order, with the columns of task and trial.

    Parameters
    ----------
    store : TrialStore
        Holds every trial.
    planned : sequence of Planned
        The study.

    Returns
    -------
    dict of str to DataFrame
        By name; the columns of ``results.TABLES`` in their order, all columns for a table without any there.
    """
    each = []
    for variant in dict.fromkeys(entry.variant for entry in planned):
        mine = [entry for entry in planned if entry.variant == variant]
        each.append(_collect(store, mine))
    return {
        name: _concatenate(name, [tables[name] for tables in each if name in tables])
        for name in TABLES
        if any(name in tables for tables in each)
    }


def collect_finds(store: TrialStore, planned: Sequence[Planned]) -> dict[str, dict[str, pd.DataFrame]]:
    """Join tables as :func:`collect_tables` does, a set for each variant."""
    variants = dict.fromkeys(entry.variant for entry in planned)
    return {v: _collect(store, [entry for entry in planned if entry.variant == v]) for v in variants}


def _collect(store: TrialStore, planned: Sequence[Planned]) -> dict[str, pd.DataFrame]:
    trials = [(own, t) for entry in planned for own in [entry.columns] for t in entry.trials]
    position = {trial.ref: i for i, (_, trial) in enumerate(trials)}
    labels = [{**own, **trial.columns} for own, trial in trials]
    parts = store.tables([trial.ref for _, trial in trials], position)
    return {name: _join(name, parts[name], labels) for name in TABLES if name in parts}


def _join(name: str, parts: Sequence[pd.DataFrame], labels: Sequence[dict[str, Any]]) -> pd.DataFrame:
    table = _concatenate(name, parts)
    trial = table.pop("trial").to_numpy()
    order = np.argsort(trial, kind="stable")
    if not np.array_equal(order, np.arange(len(order))):
        table, trial = table.iloc[order].reset_index(drop=True), trial[order]
    columns = TABLES[name]
    used = dict.fromkeys(key for label in labels for key in label)
    added = [key for key in used if key not in table and (columns is None or key in columns)]
    present = np.unique(trial)
    for key in added:
        values = pd.Series([labels[i].get(key) for i in present])
        if name in LONG and isinstance(values.iloc[0], str):
            values = values.astype("category")
        table[key] = values.array.take(np.searchsorted(present, trial))
    if columns is None:
        table = table[[*added, *(c for c in table if c not in added)]]
    else:
        table = table[columns]
    return table.drop_duplicates(ignore_index=True) if name in _ONCE else table


def _concatenate(name: str, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join parts, whose categories differ; return text instead of categories but in long tables."""
    columns = list(dict.fromkeys(column for part in parts for column in part))
    coded = [c for c in columns if all(c in part and _is_coded(part[c]) for part in parts)]
    table = pd.concat([_plain(part.drop(columns=coded)) for part in parts], ignore_index=True)
    for column in coded:
        joined = joined_names([part[column] for part in parts])
        table[column] = joined if name in LONG else joined.astype("str")
    return table[columns]


def _is_coded(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def _plain(part: pd.DataFrame) -> pd.DataFrame:
    """Return text instead of categories."""
    return part.astype({column: "str" for column in part if _is_coded(part[column])})
