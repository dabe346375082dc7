"""Delimited text: columns of numbers and of text, malformed lines named and left out.

A fast way for tables of nothing but numbers, and a slow one that looks at every line.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .....errors import check
from ...csv_files import is_number, numbers_or_none

_CANDIDATES = (b"\t", b";", b"|", b" ", b",")
"""What may stand between columns, the least likely to be something else first."""
_BLANKS = re.compile(rb"[ \t]+")
_NUMERIC = b"0123456789+-.eE\n"
_COMMA_DECIMAL = re.compile(rb"[-+]?\d+,\d+([eE][-+]?\d+)?")
_ALLOWED_SHARE = 0.01
_ALLOWED_LINES = 2


@dataclass(frozen=True)
class Layout:
    """How a text is laid out; None for what is found in it.

    Parameters
    ----------
    delimiter : str or None
        A character, "tab" or "space".
    decimal : str or None
        "." or ",".
    header : bool or None
        Whether the first row names the columns.
    skip_rows : int
        Rows to leave out at the begin.
    comment : str or None
        What begins a line that is left out.
    """

    delimiter: str | None = None
    decimal: str | None = None
    header: bool | None = None
    skip_rows: int = 0
    comment: str | None = None


class Columns(NamedTuple):
    """Positions of the columns to read: of numbers, of text or numbers."""

    numbers: tuple[int, ...]
    texts: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Table:
    """What a text holds.

    Parameters
    ----------
    names : tuple of str
        Of all columns; "1", "2", ... without a header.
    numbers : ndarray, shape (n_rows, n_numbers), float64
        The columns asked for.
    texts : tuple of ndarray of str or float64, shape (n_rows,)
        Those that may be text; numbers where all of them are.
    columns : Columns
        Where these columns stand.
    lines : ndarray, shape (n_rows,), int
        The line of every row, from 1 on.
    dropped : tuple of (int, str)
        Lines left out, and what is wrong with them.
    comments : tuple of str
        The comments.
    named : bool
        Whether the names are those of a header.
    """

    names: tuple[str, ...]
    numbers: np.ndarray
    texts: tuple[np.ndarray, ...]
    columns: Columns
    lines: np.ndarray
    dropped: tuple[tuple[int, str], ...] = ()
    comments: tuple[str, ...] = ()
    named: bool = False


Choice = Callable[[tuple[str, ...], tuple[bool, ...]], Columns]


def parse_table(content: bytes, name: str, layout: Layout, choose: Choice) -> Table:
    """Parse a text.

    Parameters
    ----------
    content : bytes
        Of the file; UTF-8, or what of it is.
    name : str
        The file, for messages.
    layout : Layout
        What is known about it.
    choose : callable
        ``(names, whether the first row has a number there) -> Columns``.

    Returns
    -------
    Table
        Rows whose needed fields are all there; the others are in ``dropped``.

    Raises
    ------
    BiotransferError
        For an empty file, or one of whose lines more than 1 in 100 (and more than 2) are malformed.
    """
    body, first_line, comments = _body(content, layout)
    check(body, f"{name!r} holds no rows. Expected a table of numbers. Get the file again.")
    top = [line for line in body.split(b"\n", 3)[:3] if line.strip()]
    delimiter = _delimiter(top, layout.delimiter)
    decimal = layout.decimal or _decimal(top[-1], delimiter)
    rows = [_fields(line, delimiter, decimal) for line in top]
    header = _is_header(rows) if layout.header is None else layout.header
    width = Counter(map(len, rows)).most_common(1)[0][0]
    names = tuple(rows[0]) if header else tuple(str(i + 1) for i in range(width))
    if header:
        body = body.partition(b"\n")[2]
        first_line += 1
        check(body.strip(), f"{name!r} ends after its header. Expected rows of numbers. Leave the file out.")
    sample = rows[-1] if header else next(row for row in rows if len(row) == width)
    columns = choose(names, tuple(is_number(field) for field in sample))
    check(any(columns), f"{name!r} has no column of numbers. Say which are channels: channels.")
    values = _quickly(body, len(names), delimiter, decimal)
    if values is not None:
        lines = np.arange(first_line, first_line + len(values))
        texts = tuple(values[:, i] for i in columns.texts)
        whole = columns.numbers == tuple(range(len(names)))
        numbers = values if whole else values[:, list(columns.numbers)]
        return Table(names, numbers, texts, columns, lines, (), comments, header)
    return _slowly(
        body, name, names, columns, delimiter, decimal, first_line, layout.comment, comments, header
    )


def _body(content: bytes, layout: Layout) -> tuple[bytes, int, tuple[str, ...]]:
    """Return what is left behind skipped rows and comments, the number of its first line, the comments."""
    body = content.removeprefix(b"\xef\xbb\xbf").rstrip()
    if b"\r" in body[:4096]:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    first_line, comments = 1, []
    for _ in range(layout.skip_rows):
        body = body.partition(b"\n")[2]
        first_line += 1
    mark = None if layout.comment is None else layout.comment.encode()
    while body and ((mark and body.lstrip().startswith(mark)) or not body.partition(b"\n")[0].strip()):
        line, _, body = body.partition(b"\n")
        comments.append(line.decode("utf-8", "replace").strip())
        first_line += 1
    return body, first_line, tuple(comments)


def _delimiter(top: Sequence[bytes], given: str | None) -> bytes:
    """Return what stands between columns; a blank for any run of them."""
    if given is not None:
        return {"space": b" ", "tab": b"\t"}.get(given, given.encode())
    present = [sign for sign in _CANDIDATES if sign in top[-1].strip()]
    if len(present) < 2:
        return present[0] if present else b","
    best, most = b",", 0.0
    for sign in present:
        fields = [field.strip() for field in top[-1].split(None if sign == b" " else sign)]
        numbers = sum(
            is_number(f.decode("utf-8", "replace"))
            or (sign != b"," and _COMMA_DECIMAL.fullmatch(f) is not None)
            for f in fields
        )
        if len(fields) > 1 and numbers / len(fields) > most:
            best, most = sign, numbers / len(fields)
    return best


def _decimal(line: bytes, delimiter: bytes) -> str:
    """Return the decimal sign that a row shows."""
    fields = line.split(None if delimiter == b" " else delimiter)
    commas = delimiter != b"," and any(_COMMA_DECIMAL.fullmatch(field.strip()) for field in fields)
    return "," if commas else "."


def _fields(line: bytes, delimiter: bytes, decimal: str) -> list[str]:
    text = line.decode("utf-8", "replace")
    if delimiter == b" ":
        parts = text.split()
    elif '"' in text:
        parts = next(csv.reader([text], delimiter=delimiter.decode(), skipinitialspace=True))
    else:
        parts = text.split(delimiter.decode())
    return [part.strip().replace(",", ".") if decimal == "," else part.strip() for part in parts]


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row holds text above numbers, or no number at all."""
    above = [bool(field) and not is_number(field) for field in rows[0]]
    if len(rows) == 1 or len(rows[1]) != len(rows[0]):
        return all(above)
    return any(text and is_number(field) for text, field in zip(above, rows[1], strict=True))


def _quickly(body: bytes, n_columns: int, delimiter: bytes, decimal: str) -> np.ndarray | None:
    """Return the table when it holds nothing but numbers and no line is malformed, else None."""
    if delimiter == b" ":
        body = _BLANKS.sub(b" ", body)
        if body.startswith(b" ") or b"\n " in body or b" \n" in body:
            body = b"\n".join(line.strip() for line in body.split(b"\n"))
    if decimal == ",":
        body = body.replace(b",", b".")
    return numbers_or_none(body, n_columns, delimiter)


def _slowly(
    body: bytes,
    name: str,
    names: tuple[str, ...],
    columns: Columns,
    delimiter: bytes,
    decimal: str,
    first_line: int,
    comment: str | None,
    comments: tuple[str, ...],
    header: bool,
) -> Table:
    mark = None if comment is None else comment.encode()
    raw = body.split(b"\n")
    kept = [i for i, line in enumerate(raw) if line.strip() and not (mark and line.lstrip().startswith(mark))]
    rows = [_fields(raw[i], delimiter, decimal) for i in kept]
    usual = len(names) if header else Counter(map(len, rows)).most_common(1)[0][0]
    padded = [row for row in rows if len(row) == len(names) + 1]
    if header and len(padded) > len(rows) / 2 and not any(row[-1] for row in padded):
        usual = len(names) + 1  # every row ends with a delimiter
    check(
        usual > max((*columns.numbers, *columns.texts)),
        f"{name!r}: most lines have {usual} columns, the first ones more. Expected one number. Say how the "
        "file is laid out: delimiter, decimal, header, skip_rows, comment, channels.",
    )
    dropped: list[tuple[int, str]] = []
    good: list[int] = []
    for i, row in enumerate(rows):
        if len(row) == usual:
            good.append(i)
        else:
            dropped.append((first_line + kept[i], f"{len(row)} columns for {usual}"))
    numbers = np.empty((len(good), len(columns.numbers)))
    fine = np.ones(len(good), bool)
    for k, column in enumerate(columns.numbers):
        fields = [rows[i][column] for i in good]
        values, wrong = _as_numbers(fields)
        numbers[:, k] = values
        for j in wrong:
            if fine[j]:
                dropped.append(
                    (first_line + kept[good[j]], f"{fields[j][:20]!r} in column {names[column]!r}")
                )
        fine[wrong] = False
    texts = []
    for column in columns.texts:
        fields = [rows[i][column] for i in good]
        values, wrong = _as_numbers(fields)
        chosen = np.array(fields) if len(wrong) else values
        texts.append(chosen[fine])
    _check_share(name, dropped, len(rows))
    lines = np.array([first_line + kept[i] for i in good], dtype=np.int64)
    found = tuple(sorted(dropped))
    return Table(names, numbers[fine], tuple(texts), columns, lines[fine], found, comments, header)


def _as_numbers(fields: Sequence[str]) -> tuple[np.ndarray, list[int]]:
    """Return fields as numbers, and which of them are none that is finite."""
    plain = not "\n".join(fields).encode().translate(None, _NUMERIC)
    if plain:
        try:
            values = np.array(fields, dtype=np.str_).astype(np.float64)
        except ValueError:
            pass
        else:
            if np.isfinite(values).all():
                return values, []
    values = np.zeros(len(fields))
    wrong = []
    for i, field in enumerate(fields):
        if is_number(field):
            values[i] = float(field)
        else:
            wrong.append(i)
    return values, wrong


def _check_share(name: str, dropped: Sequence[tuple[int, str]], n_lines: int) -> None:
    share = len(dropped) / n_lines if n_lines else 0.0
    shown = "; ".join(f"line {line}: {what}" for line, what in sorted(dropped)[:3])
    check(
        len(dropped) <= _ALLOWED_LINES or share <= _ALLOWED_SHARE,
        f"{name!r}: {len(dropped)} of {n_lines} lines are malformed ({shown}). Expected at most "
        f"{_ALLOWED_SHARE:.0%}. Say how the file is laid out: delimiter, decimal, header, skip_rows, "
        "comment, channels.",
    )
