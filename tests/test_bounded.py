"""Text of strangers: what is read, and what is refused before anything grows."""

import contextlib
import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from biotransfer.errors import BiotransferError
from biotransfer.files import bounded, is_file, parse_json, parse_yaml, read_text, read_yaml
from biotransfer.files.bounded import DEEPEST, LARGEST, LONGEST, LONGEST_NUMBER, MOST

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé ", max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(PLAIN)
def test_what_is_written_is_read_as_pyyaml_reads_it(value):
    written = yaml.safe_dump(value, allow_unicode=True)
    assert parse_yaml(written, "text", "") == value == yaml.safe_load(written)
    assert bounded(value) == value


@settings(max_examples=300, deadline=None)
@given(st.text("ab:-[]{},&*!|>'\"#\n %@`?=<.019_eE+~\\", max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(BiotransferError):
        assert bounded(read := parse_yaml(text, "text", "")) == read


def _aliases(n):
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, n)]
    return "\n".join(rows)


@pytest.mark.parametrize(
    "text",
    [
        _aliases(8), "a: &a [*a]", "a: &a {b: *a}", "[" * 5000, "{a: " * 5000, "[" * 5000 + "]" * 5000,
        "- " * 5000, "? " * 5000, "a: " + "9" * (LONGEST_NUMBER + 1), "a: " + "1:" * 500 + "1",
        "a: " + "x" * (LONGEST + 1), "x" * (LARGEST + 1), "[" + "1," * (MOST + 1) + "]", "a: 1\na: 2",
        "{a: 1, b: {c: 1, c: 1}}", "? [a]\n: 1", "? {a: 1}\n: 1", "a: .inf", "a: -.Inf", "a: [.nan]",
        "a: " + "9" * 30, "a: 0x_", 'a: "\\uD800"', 'a: "\\0"', '"\\e": 1', 'a: "\\UFFFFFFFF"', "!!int x",
        "a: !!timestamp x", "a: !!python/object/apply:os.system [x]", "!x a", "! a", "a: !!binary =",
        "a: =", "--- a\n--- b", "%YAML 9.9\n--- a", "a: *b", "\t", "a: [",
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_refused(text):
    with pytest.raises(BiotransferError, match=r"^text "):
        parse_yaml(text, "text", "Mend it.")


GROUPS = st.sampled_from(["{subject}", "{label}", "{run:[0-9]+}", "*", "/", "_", "S", ".csv", "day"])


@settings(max_examples=100, deadline=None)
@given(st.lists(GROUPS, min_size=1, max_size=6).map("".join), st.booleans())
def test_a_pattern_without_quotes_is_answered_with_the_line_to_type(pattern, flow):
    text = f"emg: {{data: folder, pattern: {pattern}}}" if flow else f"emg:\n  pattern: {pattern}\n"
    try:
        parse_yaml(text, "recipe", "Compare.")
    except BiotransferError as error:
        _, quotes, typed = str(error).partition("Such a text stands in quotes: ")
        assert not quotes or yaml.safe_load(typed) == {"pattern": pattern}
        assert quotes or not pattern.startswith("*")


def test_aliases_and_merged_keys_within_bounds_are_read():
    text = "base: &b {x: 1, y: 2}\none: *b\ntwo: {<<: *b, y: 3}\nday: 2020-99-99"
    expected = {"base": {"x": 1, "y": 2}, "one": {"x": 1, "y": 2}, "two": {"x": 1, "y": 3}}
    assert parse_yaml(text, "text", "") == {**expected, "day": "2020-99-99"}


@pytest.mark.parametrize(
    "value",
    [
        math.nan, math.inf, 2**63, 10**400, "x" * (LONGEST + 1), "\ud800", "\0", {"\0": 1}, {(1, 2): 1},
        {b"x": 1}, [1] * (MOST + 1), {math.nan: 1},
    ],
)  # fmt: skip
def test_a_value_out_of_bounds_is_refused_with_its_path(value):
    with pytest.raises(BiotransferError, match="there"):
        bounded({"there": value})


def test_what_holds_itself_is_refused():
    loop = []
    loop.append([loop, loop])
    deep = 0
    for _ in range(DEEPEST + 2):
        deep = [deep]
    for value in (loop, deep):
        with pytest.raises(BiotransferError, match="deep"):
            bounded(value)


@pytest.mark.parametrize("text", ["[" * 99999, "9" * 5000, "[NaN]", "{", "", '"\\ud800"', "1e999", "[1e400]"])
def test_json_out_of_bounds_is_refused(text):
    with pytest.raises(BiotransferError, match=r"^card "):
        parse_json(text, "card", "")


def test_a_file_is_read_no_further_than_its_bound(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\n#" + b"x" * LARGEST)
    with pytest.raises(BiotransferError, match="more than"):
        read_yaml(path, "recipe", "")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(BiotransferError, match="cannot be read"):
        read_text(path, "recipe", "")
    with pytest.raises(BiotransferError, match="cannot be read"):
        read_yaml(tmp_path, "recipe", "")
    assert not is_file(tmp_path / ("x" * 5000))
    assert not is_file(tmp_path / "a\0b")
