"""Paths are read as their pattern says, and what does not fit is told."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets.own.pattern import GROUPS, Named, read_pattern

WORD = st.from_regex(r"[A-Za-z0-9 .+()^$]{1,8}", fullmatch=True)


@given(st.lists(st.sampled_from(GROUPS), min_size=1, unique=True), st.data())
def test_what_a_path_is_made_of_is_read_back(groups, data):
    """Values hold no separator: then there is one way to read the path."""
    values = {group: data.draw(WORD) for group in groups}
    signs = [data.draw(st.sampled_from(["/", "_", "-x_"])) for _ in groups]
    tail = data.draw(st.sampled_from([".csv", "_EMG.txt", ".tar.gz"]))
    written = "".join(f"{{{group}}}{sign}" for group, sign in zip(groups, signs, strict=True)) + tail
    path = "".join(f"{values[group]}{sign}" for group, sign in zip(groups, signs, strict=True)) + tail
    assert read_pattern(written).match(path) == Named(**values)
    assert read_pattern(written).match(path + "x") is None


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("{subject}/[positions/]{session}/R_{run}_C_{label}.csv", "S1/positions/2/R_0_C_7.csv",
         Named("S1", "2", "0", "", "7")),
        ("{subject}/[positions/]{session}/R_{run}_C_{label}.csv", "S1/day1/R_0_C_7.csv",
         Named("S1", "day1", "0", "", "7")),
        ("sub-{subject}/**/sub-{subject}_*.edf", "sub-1/a/b/sub-1_x.edf", Named("1")),
        ("sub-{subject}/**/sub-{subject}_*.edf", "sub-1/a/b/sub-2_x.edf", None),
        ("S{subject:[0-9]{2}}*.txt", "S012.txt", Named("01")),
        ("S{subject:[0-9]{2}}.txt", "S012.txt", None),
        ("*/{subject}.txt", "a/b/c.txt", None),
        (r"(?P<subject>\w)-(?P<label>rest|task)\.csv", "a-rest.csv", Named("a", label="rest")),
        ("a(b)+{subject}.csv", "a(b)+1.csv", Named("1")),
    ],
)  # fmt: skip
def test_parts_that_can_be_absent_or_repeat(pattern, path, expected):
    assert read_pattern(pattern).match(path) == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{subjct}.csv", "'subjct' is unknown. Did you mean 'subject'"),
        ("{subject.csv", "brace that stands alone"),
        ("{subject}[_{run}.csv", "bracket that it does not close"),
        ("{subject}]_{run}.csv", "bracket that it does not open"),
        ("(?P<subject>", "is no pattern"),
        ("(?P<who>.*)", "'who' is unknown"),
    ],
)
def test_patterns_that_are_none(pattern, message):
    with pytest.raises(BiotransferError, match=re.escape(message)):
        read_pattern(pattern)
