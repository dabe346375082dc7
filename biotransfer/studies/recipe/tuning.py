"""What a recipe lets inner validation choose: a few values of a few keys."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import check, check_option
from ...settings import Reader, Settings, key, option, plain, whole

if TYPE_CHECKING:
    import pandas as pd

TUNED = ("align", "network", "train")
PER = ("fold", "arm")
_MOST = 48


def _values(where: str, given: Any) -> dict[str, list[Any]]:
    check(
        isinstance(given, Mapping) and given,
        f"{where}={given!r} names nothing to choose. Write for example tune: {{align.k: [64, 128]}}.",
    )
    for path, options in given.items():
        head, _, last = str(path).partition(".")
        check_option("tune", head, TUNED)
        check(
            last and isinstance(options, list) and len(options) >= 2,
            f"tune: {path}={options!r}. Expected a list of two values or more.",
        )
    return plain(given)


@dataclass(frozen=True)
class Tune(Settings):
    """Values that inner validation chooses for every fold: the same for all arms, or for each arm its own."""

    SECTION = "tune"

    values: Mapping[str, list[Any]] = key(
        "Lists of values by path, such as align.k: [64, 128] or train.epochs: [10, 20]; they may stand "
        "beside the other keys.",
        Reader("lists of values by path", _values),
        {},
    )
    per: str = key(
        "fold: one choice for all arms; arm: each arm gets what is best for it, the same candidates for all.",
        option(PER),
        PER[0],
    )
    seeds: int = key(
        "per arm: how many of the study's seeds, from the first, try every candidate; the choice holds for "
        "all.",
        whole(1),
        1,
    )
    folds: int = key("Inner folds.", whole(2), 3)
    seed: int = key("Draws them.", whole(0), 0)

    def agree(self) -> None:
        """Refuse more combinations than anybody waits for."""
        n = len(self.candidates)
        check(n <= _MOST, f"tune: {n} combinations. Expected {_MOST} or less; name fewer values.")
        check(
            self.by_arm or self.seeds == 1,
            f"tune.seeds={self.seeds} goes with per: arm; one choice for all arms is made with the "
            "first seed. Leave it out, or write per: arm.",
        )
        other = [path for path in self.values if self.by_arm and not path.startswith("train.")]
        check(
            not other,
            f"tune: {', '.join(other)} is more than a schedule, and with per: arm all arms share inputs, "
            "network and sources. Name keys of train, such as train.learning_rate, or write per: fold.",
        )

    @classmethod
    def read(cls, given: Any, inside: str = "") -> Tune:
        """Return what a mapping of lists by path, ``folds`` and ``seed`` asks for."""
        if isinstance(given, cls):
            return given
        check(
            isinstance(given, Mapping),
            f"tune={given!r} is no mapping. Write for example tune: {{align.k: [64, 128]}}.",
        )
        inside_values = given.get("values", {})
        check(isinstance(inside_values, Mapping), f"tune.values={inside_values!r} is no mapping by path.")
        values = {**inside_values, **{k: v for k, v in given.items() if "." in str(k)}}
        rest = {k: v for k, v in given.items() if "." not in str(k) and k != "values"}
        return super().read({"values": values, **rest}, inside)

    @property
    def by_arm(self) -> bool:
        """Whether every arm gets its own choice."""
        return self.per == "arm"

    @property
    def candidates(self) -> list[dict[str, Any]]:
        """Every combination of values, by path.

        Examples
        --------
        >>> Tune({"align.k": [8, 16], "train.epochs": [5, 6]}).candidates[1]
        {'align.k': 8, 'train.epochs': 6}
        """
        chosen = itertools.product(*self.values.values())
        return [dict(zip(self.values, values, strict=True)) for values in chosen]


def best_candidate(table: pd.DataFrame) -> dict[str, Any]:
    """Return the values with the best inner validation, every arm and seed counting once.

    Parameters
    ----------
    table : DataFrame
        Rows of the table ``choices`` of one fold, or of one arm of it: candidate, values, arm, value. Of
        equals the first.
    """
    means = table.groupby(["candidate", "arm"], sort=True)["value"].mean().groupby("candidate").mean()
    best = int(means.index[int(means.to_numpy().argmax())])
    return dict(json.loads(table.loc[table["candidate"] == best, "values"].iloc[0]))
