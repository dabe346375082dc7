"""Long tables, in memory and on disk: names as codes, lists of numbers side by side.

A file holds text and lists as any reader of parquet expects them; in memory a name costs a byte or two per
row (pandas' category) and a list of numbers its numbers (``list<float>`` of Arrow): millions of rows fit.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 1 << 20
"""Written at a time."""


def number_lists(values: np.ndarray) -> pd.Series:
    """Return one list per row, all of them in one array.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n), float32
        Its rows are the lists.

    Examples
    --------
    >>> number_lists(np.float32([[0.25, 0.75], [0.5, 0.5]])).tolist()
    [[0.25, 0.75], [0.5, 0.5]]
    """
    import pyarrow as pa

    n_rows, n = values.shape
    begins = np.arange(0, n * (n_rows + 1), n or 1, dtype=np.int32)[: n_rows + 1]
    lists = pa.ListArray.from_arrays(begins, pa.array(np.ascontiguousarray(values, np.float32).ravel()))
    return pd.Series(lists, dtype=pd.ArrowDtype(lists.type))


def list_matrix(lists: pd.Series) -> np.ndarray:
    """Return lists of one length as rows.

    Parameters
    ----------
    lists : Series
        Lists of numbers, as :func:`number_lists` makes them or one Python object each.

    Returns
    -------
    ndarray, shape (n_rows, n), float32
    """
    if isinstance(lists.dtype, pd.ArrowDtype):
        return lists.list.flatten().to_numpy(np.float32).reshape(len(lists), -1)
    return np.stack(lists.to_numpy()).astype(np.float32)


def joined_names(parts: list[pd.Series]) -> pd.Series:
    """Join columns of categories that differ; theirs are together in their order as text."""
    return pd.Series(pd.api.types.union_categoricals(parts, sort_categories=True))


def with_coded_text(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose text is categories in their order as text."""
    text = [name for name in table if pd.api.types.infer_dtype(table[name].iloc[:1]) == "string"]
    return table.astype(dict.fromkeys(text, "category"))


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a long table as parquet: text and lists, whatever they are in memory.

    Raises
    ------
    OSError
        When the disk is full or the folder cannot be written.
    """
    import pyarrow.parquet as pq

    first = _plain(table.iloc[:_ROWS])
    with pq.ParquetWriter(path, first.schema) as file:
        file.write_table(first)
        for begin in range(_ROWS, len(table), _ROWS):
            file.write_table(_plain(table.iloc[begin : begin + _ROWS]).cast(first.schema))


def _plain(table: pd.DataFrame) -> pa.Table:
    """Return text instead of codes, and nothing that only pandas reads."""
    import pyarrow as pa

    whole = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata()
    for i, field in enumerate(whole.schema):
        if pa.types.is_dictionary(field.type):
            whole = whole.set_column(i, field.name, whole[i].cast(field.type.value_type))
    return whole


def read_table(file: Path | BytesIO) -> pd.DataFrame:
    """Read a long table, text as categories in their order as text, lists as Arrow's.

    Raises
    ------
    OSError, ValueError
        For a file that is no such table.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(file) as seen:
        names = [field.name for field in seen.schema_arrow if _is_text(field.type)]
    with pq.ParquetFile(file, read_dictionary=names, metadata=seen.metadata) as stored:
        whole = stored.read().replace_schema_metadata()
    table = whole.to_pandas(types_mapper=_list_type, split_blocks=True, self_destruct=True)
    del whole
    for name in names:
        known = table[name].cat.categories
        if not known.is_monotonic_increasing:
            table[name] = table[name].cat.reorder_categories(known.sort_values())
    return table


def _is_text(of: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_dictionary(of)


def _list_type(of: pa.DataType) -> Any:
    import pyarrow as pa

    return pd.ArrowDtype(pa.list_(of.value_type)) if pa.types.is_list(of) else None
