"""Long tables: what is written is what any reader expects, what is read fits in memory, and both agree."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biotransfer import tables
from biotransfer.tables import (
    joined_names,
    list_matrix,
    number_lists,
    read_table,
    with_coded_text,
    write_table,
)


def _table(n=9, classes=3):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "arm": [("scratch", "b", "")[i % 3] for i in range(n)],
            "seed": np.arange(n),
            "probabilities": number_lists(rng.random((n, classes)).astype(np.float32)),
        }
    )


def test_a_file_holds_text_and_lists_for_every_reader(tmp_path):
    for name, table in (("text", _table()), ("coded", with_coded_text(_table()))):
        write_table(table, tmp_path / name)
        schema = pq.read_schema(tmp_path / name)
        assert pa.types.is_large_string(schema.field("arm").type) or pa.types.is_string(
            schema.field("arm").type
        )
        assert schema.field("probabilities").type.value_type == pa.float32()
        plain = pd.read_parquet(tmp_path / name)
        assert plain["arm"].tolist() == _table()["arm"].tolist()
        np.testing.assert_array_equal(np.stack(plain["probabilities"]), list_matrix(table["probabilities"]))


@pytest.mark.parametrize("rows", [1, 4, 9, 100])
def test_a_table_comes_back_whatever_is_written_at_a_time(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(tables, "_ROWS", rows)
    table = with_coded_text(_table())
    write_table(table, tmp_path / "t")
    found = read_table(tmp_path / "t")
    pd.testing.assert_frame_equal(found.drop(columns="probabilities"), table.drop(columns="probabilities"))
    np.testing.assert_array_equal(list_matrix(found["probabilities"]), list_matrix(table["probabilities"]))


def test_text_is_coded_in_its_order_and_lists_stay_side_by_side(tmp_path):
    write_table(_table(), tmp_path / "t")
    found = read_table(tmp_path / "t")
    assert found["arm"].cat.categories.tolist() == ["", "b", "scratch"]
    assert found["arm"].cat.codes.dtype == np.int8
    assert not pd.api.types.is_object_dtype(found["probabilities"].dtype)
    assert list_matrix(found["probabilities"].iloc[[2, 0]]).shape == (2, 3)


@pytest.mark.parametrize("written", ["objects", "lists"])
def test_lists_of_older_files_are_read(tmp_path, written):
    values = np.float32([[0.25, 0.75], [0.5, 0.5]])
    older = pd.DataFrame({"arm": ["a", "b"], "probabilities": list(values)})
    if written == "lists":
        older["probabilities"] = values.tolist()
    older.to_parquet(tmp_path / "t", index=False)
    np.testing.assert_array_equal(list_matrix(read_table(tmp_path / "t")["probabilities"]), values)


def test_an_empty_table_comes_back(tmp_path):
    empty = with_coded_text(_table()).iloc[:0]
    write_table(empty, tmp_path / "t")
    assert list(read_table(tmp_path / "t")) == list(empty)
    assert read_table(tmp_path / "t").empty


def test_categories_that_differ_are_joined_in_their_order():
    parts = [pd.Series(["c", "a"], dtype="category"), pd.Series(["b", "a"], dtype="category")]
    joined = joined_names(parts)
    assert joined.tolist() == ["c", "a", "b", "a"]
    assert joined.cat.categories.tolist() == ["a", "b", "c"]
