"""A catalog answers: what there is, what an entry takes, and what was meant."""

from collections.abc import Mapping
from typing import Any

import pytest

from biotransfer.catalog import Catalog, Entry
from biotransfer.errors import BiotransferError, check, check_option, did_you_mean


def _method(
    x: float,
    *,
    needed: int,
    times: int = 2,
    rate: float = 1.5,
    kind: str = "plain",
    deep: bool = False,
    sizes: tuple[int, ...] = (1, 2),
    free: Any = None,
) -> float:
    """Do something.

    Parameters
    ----------
    x : float
        Not a parameter of the method.
    needed : int
        Has no default.
    times, rate : float
        Two with one
        description.
    kind : str
        A name.
    """
    return x * needed * times * rate


def _plain(x: float) -> float:
    return x


CATALOG = Catalog(
    "method",
    [Entry("full", "Takes everything.", _method, "somewhere"), Entry("plain", "Takes <nothing>.", _plain)],
)


def test_a_catalog_is_a_mapping_in_its_own_order() -> None:
    assert isinstance(CATALOG, Mapping)
    assert list(CATALOG) == ["full", "plain"]
    assert len(CATALOG) == 2
    assert "full" in CATALOG
    assert "other" not in CATALOG
    assert CATALOG["plain"].function is _plain
    assert repr(CATALOG) == "<method: full, plain>"
    assert "full" in CATALOG._repr_html_()


def test_parameters_are_the_keyword_only_arguments_with_their_documentation() -> None:
    parameters = {p.name: p for p in CATALOG["full"].parameters}
    assert list(parameters) == ["needed", "times", "rate", "kind", "deep", "sizes", "free"]
    assert parameters["needed"].required
    assert not parameters["free"].required
    assert parameters["needed"].doc == "(int) Has no default."
    assert parameters["times"].doc == parameters["rate"].doc == "(float) Two with one description."
    assert parameters["deep"].doc == ""
    assert CATALOG["full"].defaults == {
        "times": 2, "rate": 1.5, "kind": "plain", "deep": False, "sizes": (1, 2), "free": None
    }  # fmt: skip
    assert CATALOG["plain"].parameters == ()


def test_resolving_fills_in_defaults_and_leaves_the_request_alone() -> None:
    asked = {"name": "full", "needed": 3, "rate": 2}
    entry, parameters = CATALOG.resolve(asked)
    assert asked == {"name": "full", "needed": 3, "rate": 2}
    assert entry is CATALOG["full"]
    assert parameters == {
        "needed": 3, "times": 2, "rate": 2, "kind": "plain", "deep": False, "sizes": (1, 2), "free": None
    }  # fmt: skip
    assert CATALOG.resolve("plain") == (CATALOG["plain"], {})


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("plan", "method='plan' is unknown. Did you mean 'plain'\\? Use one of: full, plain."),
        ({"name": "ful", "needed": 1}, "Did you mean 'full'"),
        (
            {"name": "full", "needed": 1, "tmies": 3},
            "no parameter 'tmies'. Did you mean 'times'\\? It takes: needed",
        ),
        ({"name": "full", "needed": 1, "x": 3}, "no parameter 'x'"),
        ({"name": "plain", "k": 3}, "It takes: none."),
        ("full", "'full' needs needed. Type: biotransfer show full"),
        ({"needed": 3}, "neither a name nor a mapping with a name. Write method: full"),
        (7, "method=7 is neither"),
        (None, "method=None is neither"),
        (["full"], "is neither"),
    ],
)
def test_requests_that_cannot_be_met(spec: Any, message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        CATALOG.resolve(spec)


@pytest.mark.parametrize(
    ("key", "value", "good"),
    [
        ("times", 3, True), ("times", 3.0, False), ("times", "3", False), ("times", True, False),
        ("rate", 3, True), ("rate", 0.5, True), ("rate", True, False), ("rate", "fast", False),
        ("kind", "other", True), ("kind", 3, False), ("kind", ["a"], False),
        ("deep", True, True), ("deep", 1, False), ("deep", "yes", False),
        ("sizes", [3], True), ("sizes", (3,), True), ("sizes", 3, False), ("sizes", "34", False),
        ("free", "anything", True), ("free", [1], True), ("free", True, True),
        ("times", None, True), ("sizes", None, True),
    ],
)  # fmt: skip
def test_a_value_has_the_type_of_the_default(key: str, value: Any, good: bool) -> None:
    spec = {"name": "full", "needed": 1, key: value}
    if good:
        assert CATALOG.resolve(spec)[1][key] == value
    else:
        with pytest.raises(BiotransferError, match=f"method full: {key}=.* is a {type(value).__name__}"):
            CATALOG.resolve(spec)


def test_one_name_twice_is_refused() -> None:
    with pytest.raises(BiotransferError, match="names one entry twice"):
        Catalog("method", [Entry("a", "", _plain), Entry("a", "", _plain)])


def test_check_raises_only_when_it_has_to() -> None:
    check([1], "no")
    with pytest.raises(BiotransferError, match=r"^no$"):
        check([], "no")
    with pytest.raises(ValueError, match="no"):
        check(0, "no")


def test_options_are_answered_with_the_nearest_one() -> None:
    assert check_option("arm", "scratch", iter(["scratch", "permuted"])) == "scratch"
    with pytest.raises(BiotransferError) as caught:
        check_option("arm", "scrach", iter(["scratch", "permuted"]))
    assert str(caught.value) == (
        "arm='scrach' is unknown. Did you mean 'scratch'? Use one of: scratch, permuted."
    )
    with pytest.raises(BiotransferError, match=r"arm=3 is unknown\. Use one of: a\."):
        check_option("arm", 3, ["a"])
    assert did_you_mean("zzz", ["scratch"]) == ""
    assert did_you_mean(None, []) == ""
