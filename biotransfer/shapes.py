"""What the tables and facts of a study folder must look like before anything is made of them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .errors import BiotransferError, a_kind, check

if TYPE_CHECKING:
    import pandas as pd

_MEND = "Get the folder again, or run its recipe."
TEXTS = frozenset({
    "direction", "network", "variant", "protocol", "budget", "arm", "split", "subject", "split_part",
    "metric",
    "window_uid", "tensor", "part", "action", "source", "method", "baseline", "target", "stage", "family",
})  # fmt: skip
"""Columns of any table that hold text."""
NUMBERS = frozenset({
    "value", "step", "epoch", "seed", "accuracy", "balanced_accuracy", "chance", "y_true", "y_pred",
    "parameters", "n_windows", "n_features", "null_mean", "null_95", "fitted", "outside", "permutation",
})  # fmt: skip
"""Columns of any table that hold numbers, or none."""
VALUES, VALUES_PER_BYTE = 4_000_000, 100
"""How many values a table may announce, in all its columns, for the size of its file."""
_FACTS: Mapping[str, tuple[type, ...]] = {
    "directions": (list,), "network": (list,), "arms": (list,), "seeds": (list,), "split": (list,),
    "train": (dict,), "compare": (dict,),
}  # fmt: skip
_VERDICT_TEXTS = ("direction", "network", "protocol", "budget", "arm", "against", "metric")
_VERDICT_NUMBERS = ("difference", "ci_low", "ci_high", "p", "p_holm", "margin", "n_subjects", "n_seeds")
_CHECK_TEXTS = ("id", "name", "severity", "message")


def parse_table(content: bytes, where: str, *, coded: bool = False) -> pd.DataFrame:
    """Return the table of a parquet file, whose announced values fit its size.

    Parameters
    ----------
    content : bytes
        Of the file.
    where : str
        Its name, for the message.
    coded : bool
        Whether it is read as a long table, see :func:`.read_table`.

    Raises
    ------
    BiotransferError
        When it is no such file.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    from .tables import read_table

    try:
        facts = pq.ParquetFile(io.BytesIO(content)).metadata
        groups = [facts.row_group(i) for i in range(facts.num_row_groups)]
        announced = sum(g.column(i).num_values for g in groups for i in range(g.num_columns))
        most = VALUES + VALUES_PER_BYTE * len(content)
        check(
            max(announced, facts.num_rows * max(1, facts.num_columns)) <= most,
            f"{announced} values in {len(content)} bytes, more than {most}",
        )
        return read_table(io.BytesIO(content)) if coded else pd.read_parquet(io.BytesIO(content))
    except Exception as error:  # whatever the library comes upon first
        raise BiotransferError(
            f"{where} is no table that a study wrote ({' '.join(str(error).split())[:200]}). {_MEND}"
        ) from error


def check_table(table: pd.DataFrame, columns: Sequence[str], where: str) -> None:
    """Refuse a table that lacks a column, or in which one holds another kind of values.

    Parameters
    ----------
    table : DataFrame
        Of a study folder.
    columns : sequence of str
        What it must have.
    where : str
        Its name, for the message.

    Raises
    ------
    BiotransferError
        With the first such column.
    """
    import pandas as pd

    absent = [name for name in columns if name not in table]
    check(
        not absent and table.columns.is_unique,
        f"{where} has the columns {', '.join(map(str, table.columns))}. Expected {', '.join(columns)}, once "
        f"each. {_MEND}",
    )
    for name in table.columns.intersection([*TEXTS, *NUMBERS]) if len(table) else ():
        kind = pd.api.types.infer_dtype(table[name], skipna=True)
        text = kind in ("string", "empty", "categorical")
        number = kind in ("integer", "floating", "mixed-integer-float", "boolean", "empty")
        check(
            text if name in TEXTS else number if name in NUMBERS else True,
            f"{where} holds {kind} in its column {name}. Expected {'text' if name in TEXTS else 'numbers'}. "
            f"{_MEND}",
        )


def check_facts(recipe: Any, data: Any, verdicts: Any, checks: Any, provenance: Any, where: str) -> None:
    """Refuse facts of a study of which what others read is of another kind.

    Parameters
    ----------
    recipe, data, verdicts, checks, provenance : object
        As the files say.
    where : str
        The folder, for the message.

    Raises
    ------
    BiotransferError
        With the first such fact.
    """
    _is(recipe, dict, f"{where}: its recipe")
    _is(data, dict, f"{where}: data.json")
    _is(provenance, dict, f"{where}: provenance.json")
    for name, kinds in _FACTS.items():
        _is(recipe.get(name), kinds, f"{where}: {name} of its recipe")
    for item in recipe["network"]:
        _is(item, dict, f"{where}: a network of its recipe")
        _is(item.get("name"), str, f"{where}: the name of a network of its recipe")
    for name, facts in data.items():
        _is(facts, dict, f"{where}: {name} of data.json")
    for file, rows, texts, numbers in (
        ("verdicts.json", verdicts, _VERDICT_TEXTS, _VERDICT_NUMBERS),
        ("checks.json", checks, _CHECK_TEXTS, ()),
    ):
        _is(rows, list, f"{where}: {file}")
        for row in rows:
            _is(row, dict, f"{where}: a row of {file}")
            for name in texts:
                _is(row.get(name), str, f"{where}: {name} of a row of {file}")
            for name in numbers:
                _is(row.get(name), (int, float, type(None)), f"{where}: {name} of a row of {file}")


def _is(value: Any, kinds: type | tuple[type, ...], what: str) -> None:
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    wanted = " or ".join({"NoneType": "nothing"}.get(kind.__name__, kind.__name__) for kind in kinds)
    check(
        isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds),
        f"{what} is {str(value)[:60]!r}, {a_kind(value)}. Expected {wanted}. {_MEND}",
    )
