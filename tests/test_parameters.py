"""Parameters of every method: typed, in a stated range, and held against both when a recipe is read."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pytest

from biotransfer.catalog import Catalog, Entry
from biotransfer.cli.catalogs import CATALOGS, catalog_of
from biotransfer.errors import BiotransferError
from biotransfer.parameters import REQUIRED, Parameter, parameters_of

EVERY = [
    pytest.param(parameter, id=f"{kind}-{name}-{parameter.name}")
    for kind in CATALOGS
    for name in catalog_of(kind).own
    for parameter in catalog_of(kind)[name].parameters
    if parameter.kind is not REQUIRED
]


@pytest.mark.parametrize("one", EVERY)
def test_a_parameter_says_its_type_and_range_and_takes_its_default(one):
    assert one.required or not one.fault(one.default)
    words = str(one.kind)
    low, high, _, _ = one.bounds
    assert ("int" not in words and "float" not in words) or (low, high) != (-math.inf, math.inf)
    if one.kind is not Any:
        assert one.fault(object()), "anything is taken"
    if "None" not in words and one.kind is not Any:
        assert one.fault(None), "nothing is taken"
    if "int" in words or "float" in words:
        for wrong in (
            math.nan,
            math.inf,
            -math.inf,
            True,
            low - 1,
            high + 1 if high < math.inf else math.inf,
        ):
            assert one.fault(wrong), wrong


@pytest.mark.parametrize("one", [e for e in EVERY if e.values[0].options])
def test_options_are_those_of_the_docstring(one):
    assert "Did you mean" in one.fault(f"{one.options[0]}x") or one.fault("neither of them")
    assert "None" in str(one.kind) or not isinstance(one.default, str) or one.default in one.options


def _method(x, *, n: int = 1, share: float = 0.5, names: Sequence[str] | None = None,
            by: str = "a", bands: Mapping[str, Sequence[float]] | None = None, kind: Literal[1, 2] = 1,
            odd: "Unknown" = 3, free=(1, 2)):  # fmt: skip  # noqa: F821
    """Do nothing.

    Parameters
    ----------
    n : int, 1 to 9
        A number.
    share : float, above 0, below 1
        A share.
    names : sequence of str
        Names.
    by : {"a", "b"}
        One of two.
    bands : mapping of str to [low, high], 0 or more
        Bands.
    """


PARAMETERS = {one.name: one for one in parameters_of(_method)}


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("n", 9, True), ("n", 10, False), ("n", 0, False), ("n", 1.0, False), ("n", "1", False),
        ("n", True, False), ("n", None, False), ("share", 0, False), ("share", 0.1, True),
        ("share", 1, False), ("share", math.nan, False), ("names", None, True), ("names", "a", False),
        ("names", ["a", 1], False), ("names", ("a",), True), ("by", "b", True), ("by", "c", False),
        ("by", ["a"], False), ("bands", {"x": [0, 1]}, True), ("bands", {"x": [0, -1]}, False),
        ("bands", {"x": 1}, False), ("bands", [1], False), ("kind", 2, True), ("kind", 3, False),
        ("odd", 4, True), ("odd", None, False), ("odd", "x", False), ("free", [1], True),
        ("free", ["x"], False), ("free", None, False),
    ],
)  # fmt: skip
def test_a_value_is_held_against_type_range_and_options(name, value, fits):
    assert bool(PARAMETERS[name].fault(value)) is not fits


def test_a_catalog_refuses_it_by_name():
    catalog = Catalog("method", [Entry("m", "", _method)])
    with pytest.raises(BiotransferError, match=r"method m: n=0 is out of range. Expected: int, 1 to 9, such"):
        catalog.resolve({"name": "m", "n": 0})
    assert Parameter("x", None, "").fault([object()]) == ""
