"""Tables and facts of a study folder are refused by name where they are of another kind."""

import copy
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.results import CORE, TABLES
from biotransfer.shapes import NUMBERS, TEXTS, check_facts, check_table, parse_table

from .factories import make_results

MADE = make_results(
    directions=["emg->eeg"],
    arms=["scratch", "transferred"],
    protocols=["subject"],
    n_subjects=2,
    n_seeds=1,
    n_epochs=1,
)
FACTS = {
    "recipe": MADE.recipe, "data": MADE.data, "verdicts": MADE.verdict_list, "checks": MADE.checks,
    "provenance": MADE.provenance,
}  # fmt: skip
COLUMNS = [(name, column) for name in CORE for column in getattr(MADE, name)]


@pytest.mark.parametrize(("name", "column"), COLUMNS)
def test_a_column_that_is_gone_or_of_another_kind_is_refused(name: str, column: str) -> None:
    table, needed = getattr(MADE, name), list(getattr(MADE, name))
    check_table(table, needed, name)
    with pytest.raises(BiotransferError, match=f"{name} has the columns"):
        check_table(table.drop(columns=column), needed, name)
    if column in TEXTS | NUMBERS:
        other = 1.0 if column in TEXTS else "x"
        with pytest.raises(BiotransferError, match=f"{name} holds .* in its column {column}"):
            check_table(table.assign(**{column: other}), needed, name)
    check_table(table.iloc[:0], needed, name)


def test_every_column_of_the_first_tables_has_a_kind() -> None:
    free = {"reason", "trained", "probabilities", "subjects", "windows", "trained_on", "diverged"}
    known = TEXTS | NUMBERS | free
    assert {column for name in CORE for column in TABLES[name] or ()} <= known


@pytest.mark.parametrize("what", FACTS)
@pytest.mark.parametrize("instead", [None, 3, "x", [3], [[]]])
def test_facts_of_another_kind_are_refused(what: str, instead: object) -> None:
    check_facts(**FACTS, where="folder")
    with pytest.raises(BiotransferError, match="folder"):
        check_facts(**{**FACTS, what: instead}, where="folder")


@pytest.mark.parametrize(
    ("what", "key"),
    [
        ("recipe", "network"),
        ("recipe", "train"),
        ("verdicts", "arm"),
        ("verdicts", "difference"),
        ("checks", "message"),
    ],
)
def test_a_fact_that_the_page_needs_is_asked_for(what: str, key: str) -> None:
    facts = copy.deepcopy(FACTS)
    (facts[what][0] if isinstance(facts[what], list) else facts[what])[key] = (
        {"a": 1} if key != "train" else "x"
    )
    with pytest.raises(BiotransferError, match=key):
        check_facts(**facts, where="folder")


def test_a_table_that_announces_more_than_its_file_can_hold_is_not_read() -> None:
    out = io.BytesIO()
    column = pa.DictionaryArray.from_arrays(np.zeros(6_000_000, np.int32), ["x"])
    pq.write_table(pa.table({"a": column, "b": column}), out, compression="gzip")
    assert len(out.getvalue()) < 50_000
    with pytest.raises(BiotransferError, match="12000000 values in"):
        parse_table(out.getvalue(), "curves.parquet")


def test_what_is_no_table_is_refused() -> None:
    out = io.BytesIO()
    pd.DataFrame({"a": [1.0, 2.0]}).to_parquet(out)
    whole = out.getvalue()
    assert parse_table(whole, "curves.parquet")["a"].tolist() == [1.0, 2.0]
    for spoiled in (b"", b"PAR1", whole[:-20], whole[20:], whole.replace(b"PAR1", b"PAR2")):
        with pytest.raises(BiotransferError, match=r"curves\.parquet is no table"):
            parse_table(spoiled, "curves.parquet")
