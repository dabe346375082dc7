"""Delimited text against Python, pandas and numpy, and lines that are malformed."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets.own.readers.delimited import Columns, Layout, parse_table

NUMBERS = st.one_of(
    st.integers(-(10**15), 10**15).map(float),
    st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 4)),
    st.floats(allow_nan=False, allow_infinity=False),
)
SIGNS = {",": ",", ";": ";", "tab": "\t", "|": "|", "space": "  "}


def every_number(names, numeric):
    return Columns(tuple(i for i in range(len(names)) if numeric[i]))


def all_columns(names, numeric):
    return Columns(tuple(range(len(names))))


@st.composite
def tables(draw):
    """A table of numbers, and the text that says it in one of many ways."""
    n = draw(st.integers(2, 5))
    rows = draw(st.lists(st.tuples(*[NUMBERS] * n), min_size=2, max_size=12))
    delimiter = draw(st.sampled_from(list(SIGNS)))
    decimal = draw(st.sampled_from([".", ","])) if delimiter != "," else "."
    header, comments, skipped = draw(st.booleans()), draw(st.integers(0, 2)), draw(st.integers(0, 2))
    lines = [SIGNS[delimiter].join(repr(x).replace(".", decimal) for x in row) for row in rows]
    names = [f"c {i}".replace(" ", "") for i in range(n)]
    top = ["left out; 1,2\t3"] * skipped + ["# said"] * comments
    top += [SIGNS[delimiter].join(names)] if header else []
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    bom = draw(st.sampled_from(["", "\ufeff"]))
    text = bom + newline.join([*top, *lines]) + draw(st.sampled_from(["", newline, newline * 2]))
    layout = Layout(delimiter, decimal, None, skipped, "#")
    return np.array(rows), names if header else None, text, layout, len(top)


@settings(deadline=None, max_examples=80)
@given(tables())
def test_every_way_to_write_a_table_is_read_as_python_reads_it(table):
    rows, names, text, layout, n_top = table
    found = parse_table(text.encode(), "x", layout, every_number)
    np.testing.assert_array_equal(found.numbers, rows)
    assert found.named == (names is not None)
    assert list(found.names) == (names or [str(i + 1) for i in range(rows.shape[1])])
    assert found.lines.tolist() == list(range(n_top + 1, n_top + 1 + len(rows)))
    assert found.dropped == ()


@settings(deadline=None, max_examples=40)
@given(tables())
def test_what_is_not_said_is_found_in_the_text(table):
    """Delimiter, decimal sign and header; a table of whole numbers with a decimal sign of its own is dull."""
    rows, _, text, layout, _ = table
    known = Layout(None, None, None, layout.skip_rows, "#")
    if "|" in text and layout.decimal == ",":
        return
    found = parse_table(text.encode(), "x", known, every_number)
    np.testing.assert_array_equal(found.numbers, rows)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(NUMBERS, st.sampled_from(["rest", "", 'a "b"', "x,y", "3"]), NUMBERS), min_size=2),
    st.booleans(),
)
def test_text_beside_numbers_is_read_as_pandas_reads_it(rows, index):
    frame = pd.DataFrame(rows, columns=["a", "label", "b"])
    text = frame.to_csv(index=index, float_format="%.17g")
    expected = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    where = list(expected.columns).index

    def choose(names, numeric):
        return Columns((where("a"), where("b")), (where("label"),))

    found = parse_table(text.encode(), "x", Layout(), choose)
    np.testing.assert_array_equal(found.numbers, expected[["a", "b"]].map(float).to_numpy())
    (labels,) = found.texts
    said = [str(label) if labels.dtype.kind != "f" else f"{label:g}" for label in labels]
    assert said == expected["label"].tolist()


@settings(deadline=None)
@given(st.integers(300, 400), st.data())
def test_malformed_lines_are_named_and_the_others_kept(n, data):
    rows = np.random.default_rng(n).integers(-128, 128, (n, 3))
    lines = [",".join(map(str, row)) for row in rows]
    bad = data.draw(st.lists(st.integers(2, n - 1), min_size=1, max_size=2, unique=True))
    for i in bad:
        lines[i] = data.draw(st.sampled_from(["1,2", "1,2,3,4", "1,x,3", "1,,3", "nan,1,2", "7", "1,2,3-4"]))
    found = parse_table("\n".join(lines).encode(), "x", Layout(), every_number)
    assert [line for line, _ in found.dropped] == sorted(i + 1 for i in bad)
    np.testing.assert_array_equal(found.numbers, np.delete(rows, bad, axis=0))
    assert found.lines.tolist() == [i + 1 for i in range(n) if i not in bad]


@pytest.mark.parametrize("first", ["1,2", "1,2,3,4,5", "7"])
def test_the_first_line_can_be_the_malformed_one(first):
    text = "\n".join([first, *["1,2,3"] * 300])
    found = parse_table(text.encode(), "x", Layout(), every_number)
    assert [line for line, _ in found.dropped] == [1]
    assert found.numbers.shape == (300, 3)


@pytest.mark.parametrize(("end", "n_bad"), [(";", 0), ("", 0), (";9", 50)])
def test_rows_longer_than_their_header_by_an_empty_field(end, n_bad):
    """A delimiter at the end of every row is a habit of some programs; a further number is not."""
    text = "\n".join(["a;b", *[f"{i};2.5{end}" for i in range(50)]])
    if n_bad:
        with pytest.raises(BiotransferError, match="50 of 50 lines are malformed"):
            parse_table(text.encode(), "x", Layout(), every_number)
        return
    found = parse_table(text.encode(), "x", Layout(), every_number)
    np.testing.assert_array_equal(found.numbers, [[i, 2.5] for i in range(50)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no rows"),
        ("# only\n# comments\n", "holds no rows"),
        ("a,b\n", "ends after its header"),
        ("1,2,3\n4,5,6\n7,8,9\n" + "1,2\n" * 50, "most lines have 2 columns, the first ones more"),
        ("1,2\n" * 100 + "1\n" * 20, r"20 of 120 lines are malformed \(line 101: 1 columns for 2; line 102"),
        ("1,2\n" + "x,2\n" * 5, r"5 of 6 lines are malformed \(line 2: 'x' in column '1'"),
    ],
)
def test_tables_that_are_refused(text, message):
    with pytest.raises(BiotransferError, match=message):
        parse_table(
            text.encode(), "x", Layout(comment="#"), lambda names, numeric: Columns(tuple(range(len(names))))
        )
