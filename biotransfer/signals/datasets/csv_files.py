"""Strict reading of numbers from CSV: a fast path, and a slow one that names what is wrong."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...errors import BiotransferError, check

_NUMBER_CHARACTERS = b"0123456789+-.eE \t\r\n"
_WHOLE_CHARACTERS = b"0123456789- \t\r\n"
_EXACT = 2**53
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_NEWLINE = ord("\n")


def read_numbers(path: Path, columns: Sequence[str], *, header: bool) -> np.ndarray:
    """Read a table of finite numbers.

    Parameters
    ----------
    path : Path
        A CSV file.
    columns : sequence of str
        What the columns hold, in order.
    header : bool
        Whether the first line names the columns.

    Returns
    -------
    ndarray, shape (n_rows, n_columns), float64
        The numbers; no rows when the file ends after its header.

    Raises
    ------
    BiotransferError
        When the file cannot be read, is empty, has another header or number of columns, or holds text, an
        empty field, NaN or infinity: the line and column are named.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read: {error.strerror}. Expected a CSV file with the columns "
            f"{', '.join(columns)}. Type: biotransfer list datasets"
        ) from error
    return parse_numbers(content, str(path), columns, header=header)


def parse_numbers(content: bytes, name: str, columns: Sequence[str], *, header: bool) -> np.ndarray:
    """Parse the bytes of a CSV file called ``name``; see :func:`read_numbers`."""
    content = content.removeprefix(b"\xef\xbb\xbf").rstrip()
    check(content, f"{name!r} is empty. Expected the columns {', '.join(columns)}. Get the file again.")
    first_line = 1
    if header:
        title, _, content = content.partition(b"\n")
        _check_header(title, name, columns)
        first_line = 2
        if not content:
            return np.empty((0, len(columns)))
    values = numbers_or_none(content, len(columns))
    return _parse_slowly(content, name, columns, first_line) if values is None else values


def _check_header(title: bytes, name: str, columns: Sequence[str]) -> None:
    found = [part.strip() for part in title.decode("utf-8", "replace").split(",")]
    check(
        found == list(columns),
        f"{name!r} begins with {','.join(found)[:80]!r}. Expected the header {','.join(columns)!r}. "
        "Check that this is the file you mean.",
    )


def is_number(text: str) -> bool:
    """Whether a field is a finite number, as people write it.

    Examples
    --------
    >>> is_number("-1.5e3"), is_number("1_0"), is_number("nan")
    (True, False, False)
    """
    return _NUMBER.fullmatch(text) is not None and bool(np.isfinite(float(text)))


def numbers_or_none(content: bytes, n_columns: int, delimiter: bytes = b",") -> np.ndarray | None:
    """Return a table of nothing but finite numbers, or None when anything looks unusual.

    Parameters
    ----------
    content : bytes
        Rows without a header, no newline at the end; "." is the decimal sign.
    n_columns : int
        How many numbers every row has to have.
    delimiter : bytes
        One character between two of them.

    Returns
    -------
    ndarray, shape (n_rows, n_columns), float64, or None
        As Python reads the numbers.
    """
    if content.translate(None, _NUMBER_CHARACTERS + delimiter):
        return None
    codes = np.frombuffer(content, np.uint8)
    separators = np.append(codes[(codes == ord(delimiter)) | (codes == _NEWLINE)], _NEWLINE)
    if len(separators) % n_columns:
        return None
    layout = separators.reshape(-1, n_columns) == _NEWLINE
    if layout[:, :-1].any() or not layout[:, -1].all():
        return None
    joined = content.replace(b"\n", delimiter)
    if delimiter != b",":
        joined = joined.replace(delimiter, b",")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            values = _whole(joined) if not content.translate(None, _WHOLE_CHARACTERS + delimiter) else None
            if values is None:
                values = np.fromstring(joined, dtype=np.float64, sep=",")
        except (ValueError, DeprecationWarning):
            return None
    if len(values) != len(separators) or not np.isfinite(values).all():
        return None
    return values.reshape(-1, n_columns)


def _whole(joined: bytes) -> np.ndarray | None:
    """Return whole numbers, read four times as fast; None where a float would not hold one exactly."""
    values = np.fromstring(joined, dtype=np.int64, sep=",")
    exact = len(values) and np.abs(values).max() < _EXACT and values.min() > -_EXACT
    return values.astype(np.float64) if exact else None


def _parse_slowly(content: bytes, name: str, columns: Sequence[str], first_line: int) -> np.ndarray:
    rows = []
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), start=first_line):
        fields = [field.strip() for field in line.split(",")]
        check(
            len(fields) == len(columns),
            f"{name!r} has {len(fields)} columns in line {number}. Expected {len(columns)}: "
            f"{', '.join(columns)}. Check that this is the file you mean.",
        )
        for column, text in zip(columns, fields, strict=True):
            check(
                is_number(text),
                f"{name!r} holds {text[:40]!r} in line {number}, column {column!r}. "
                "Expected a finite number. Repair the line or get the file again.",
            )
        rows.append([float(text) for text in fields])
    return np.array(rows)
