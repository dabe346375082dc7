"""What a study found, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ..errors import check_option
from ..showing import html_table, one_line, with_picture
from ..signals.splits import budget_seconds
from .direction import Direction
from .tables import KEYS, VERDICTS


class Verdicts(pd.DataFrame):
    """The verdicts of a study, a DataFrame; Jupyter shows them as a figure and in plain words.

    What is selected or computed of it is a plain DataFrame.
    """

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        return with_picture(self, "")


@dataclass(frozen=True, eq=False)
class Results:
    """Everything a report needs; nothing in it is recomputed from signals.

    Parameters
    ----------
    recipe : dict
        The resolved recipe.
    curves : DataFrame
        One row per direction x network x variant x protocol x budget x arm x split x subject x seed x step x
        split_part x metric. ``direction`` is text, see ``directions``. ``variant`` is the label of one of the
        recipe's ``methods``, "" for the recipe itself. ``budget`` is text: "all", or the labelled seconds
        per class such as "5" or "0.5". ``step`` 0 is before any update, ``epoch`` counts passes (0 at step
        0). Rows of the training part pool all people: their subject is "*".
    predictions : DataFrame
        One row per test window after the last update; ``probabilities`` is a list, one per class (see
        ``tables.list_matrix``). Text in both long tables is categorical: group them with ``observed=True``.
    ledger : DataFrame
        For every arm and tensor: copied, adapted, fresh, permuted or redrawn, and why.
    sources : DataFrame
        What the source networks reach on people they were not trained on.
    data : dict
        By modality: facts, counts, notes and excerpts of the signals (see ``studies.running.describe``).
    verdict_list : list of dict
        The comparison of every arm, see ``verdicts.compare``.
    checks : list of dict
        Findings about the study itself: id, name, severity, message, mend.
    provenance : dict
        Versions, commit, machine, data hashes, seeds, command, times.
    extras : dict of str to DataFrame
        Further tables by name, see ``TABLES``; those that the study has.
    """

    recipe: dict[str, Any]
    curves: pd.DataFrame
    predictions: pd.DataFrame
    ledger: pd.DataFrame
    sources: pd.DataFrame
    data: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    verdict_list: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    extras: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def verdicts(self) -> Verdicts:
        """The verdicts as a table."""
        return Verdicts(self.verdict_list, columns=VERDICTS)

    @cached_property
    def directions(self) -> dict[str, Direction]:
        """The recipe's directions, by the text that stands for them in tables."""
        return {str(text): Direction.read(text) for text in self.recipe["directions"]}

    @cached_property
    def budgets(self) -> list[str]:
        """Budgets of labels that were run, from the smallest."""
        return sorted(map(str, self.curves["budget"].unique()), key=budget_seconds)

    def at_budget(self, budget: str) -> Results:
        """Return what was found with one budget of labels.

        Parameters
        ----------
        budget : str
            As the tables write it: "all", or seconds such as "5".

        Raises
        ------
        BiotransferError
            When there is no such budget.
        """
        check_option("budget", budget, self.budgets)

        def part(table: pd.DataFrame) -> pd.DataFrame:
            return table[table["budget"] == budget].reset_index(drop=True) if "budget" in table else table

        return replace(
            self,
            curves=part(self.curves),
            predictions=part(self.predictions),
            verdict_list=[row for row in self.verdict_list if row["budget"] == budget],
            extras={name: part(table) for name, table in self.extras.items()},
        )

    def at_largest_budget(self) -> Results:
        """Return what was found with the most labels; these results where there is one budget."""
        return self if len(self.budgets) < 2 else self._at_largest_budget

    @cached_property
    def _at_largest_budget(self) -> Results:
        return self.at_budget(self.budgets[-1])

    @cached_property
    def recordings(self) -> np.ndarray:
        """Of every row of ``predictions`` the recording's number, in the order of their names."""
        uids, names = pd.factorize(self.predictions["window_uid"])
        recordings = pd.Series(names).astype(str).str.rsplit("@", n=1).str[0]
        return pd.factorize(recordings, sort=True)[0][uids]

    def __repr__(self) -> str:
        return one_line(f"Results: {len(self.verdict_list)} verdicts on {self.recipe.get('title', '')!r}")

    def _repr_html_(self) -> str:
        facts = {
            "study": str(self.recipe.get("title", "")),
            "question": str(self.recipe.get("question", "")),
            "trainings": str(self.curves.groupby([*KEYS[:-2], "seed"], observed=True).ngroups),
        }
        return with_picture(self, html_table(facts))
