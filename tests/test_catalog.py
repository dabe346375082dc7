"""A catalog answers: what there is, what an entry takes, and what was meant."""

import importlib
import inspect
import pickle
import pkgutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

import biotransfer
from biotransfer.catalog import REQUIRED, Catalog, Entry, Fact
from biotransfer.cli import catalogs, main
from biotransfer.errors import BiotransferError, a_kind, check, check_option, did_you_mean
from biotransfer.learning.networks import Network, build_network
from biotransfer.learning.networks.drawing import initial_tensors
from biotransfer.learning.training.arm import Arm
from biotransfer.learning.weights import Weights
from biotransfer.signals.features import extract_features
from biotransfer.signals.windows import Windows
from biotransfer.studies.recipe import load_recipe
from biotransfer.transfer.carry import make_arms
from biotransfer.transfer.carry.starting import carry
from tests import ROOT
from tests.builders import make_windows


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
        ("times", None, False), ("sizes", None, False), ("free", None, True),
    ],
)  # fmt: skip
def test_a_value_has_the_type_of_the_default(key: str, value: Any, good: bool) -> None:
    spec = {"name": "full", "needed": 1, key: value}
    if good:
        assert CATALOG.resolve(spec)[1][key] == value
    else:
        with pytest.raises(BiotransferError, match=f"method full: {key}=.* is {a_kind(value)}"):
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


def test_a_method_whose_package_is_absent_says_what_to_install() -> None:
    facts = {"packages": ("no_such_module",), "extra": "methods"}
    catalog = Catalog("align", [Entry("far", "Far.", _plain, facts=facts)])
    with pytest.raises(BiotransferError, match=r"no_such_module.*pip install 'biotransfer\[methods\]'"):
        catalog.resolve("far")


# what the entries of a catalog declare


FACTS = {
    "role": Fact("What it is.", options=("transfer", "control")),
    "needs": Fact("What it needs.", tuple[str, ...], ("rows", "head"), (), lambda need: f"the {need}"),
    "people": Fact("How many.", int, default=1, asks=lambda n: f"{n} people" if n > 1 else None),
    "rate": Fact("In Hz.", float | None, default=None),
    "reads": Fact("Reads it.", Callable | None, default=None),
}


def _declared(**facts: Any) -> Catalog:
    return Catalog("arm", [Entry("mine", "Mine.", _plain, facts=facts)], FACTS)


def test_an_entry_has_every_fact_of_its_catalog_in_one_order() -> None:
    catalog = _declared(rate=200, role="control")
    assert list(catalog["mine"].facts.items()) == [
        ("role", "control"), ("needs", ()), ("people", 1), ("rate", 200), ("reads", None), ("packages", ()),
        ("extra", None),
    ]  # fmt: skip
    assert catalog.asks("mine") == ""
    asking = {"role": "transfer", "needs": ("head", "rows"), "people": 2, "packages": ("ot",)}
    catalog = _declared(**asking, extra="methods")
    assert catalog.asks("mine") == "the head; the rows; 2 people; pip install 'biotransfer[methods]'"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({}, "fact 'role' is missing. Expected: What it is. Write"),
        ({"role": "control", "roll": 1}, "fact 'roll' is unknown. Did you mean 'role'"),
        ({"role": "controll"}, "fact role='controll' is unknown. Did you mean 'control'"),
        ({"role": None}, "fact role=None holds a NoneType. Expected str"),
        ({"role": "control", "needs": "rows"}, "fact needs='rows' is a str. Expected a tuple"),
        ({"role": "control", "needs": ("rows", "tail")}, "is unknown.* Use one of: rows, head"),
        ({"role": "control", "needs": (1,)}, r"needs=\(1,\) holds an int. Expected str"),
        ({"role": "control", "people": True}, "people=True holds a bool. Expected int"),
        ({"role": "control", "people": 1.0}, "people=1.0 holds a float. Expected int"),
        ({"role": "control", "rate": "fast"}, "rate='fast' holds a str"),
        ({"role": "control", "reads": 3}, "reads=3 holds an int"),
        ({"role": "control", "packages": ("ot",)}, r"packages=\('ot',\) and extra=None. Expected both"),
    ],
)
def test_a_fact_that_is_missing_unknown_or_wrong_is_refused_at_import(facts: dict, message: str) -> None:
    with pytest.raises(BiotransferError, match=f"catalog 'arm', entry 'mine': .*{message}"):
        _declared(**facts)


# properties of all catalogs


KINDS = list(catalogs.CATALOGS)
ENTRIES = [(kind, name) for kind in KINDS for name in catalogs.catalog_of(kind)]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_the_command_line_knows_every_catalog() -> None:
    found = set()
    for module in pkgutil.walk_packages(biotransfer.__path__, "biotransfer."):
        if not module.name.endswith("__main__"):
            values = vars(importlib.import_module(module.name)).values()
            found |= {id(value) for value in values if isinstance(value, Catalog)}
    assert found == {id(catalogs.catalog_of(kind)) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_every_fact_has_a_meaning_and_a_default_that_it_allows(kind: str) -> None:
    for name, fact in catalogs.catalog_of(kind).facts.items():
        assert fact.doc.endswith("."), name
        assert fact.default is REQUIRED or not fact.fault(fact.default), name


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_entry_says_what_it_is_and_what_it_takes(kind: str, name: str) -> None:
    catalog = catalogs.catalog_of(kind)
    entry = catalog[name]
    assert entry.summary.endswith((".", "?"))
    assert entry.source
    assert (entry.function.__doc__ or "").strip()
    assert [p.name for p in entry.parameters if not p.doc] == []
    assert set(entry.facts) == set(catalog.facts)
    assert entry.facts["extra"] in (None, *EXTRAS)


@pytest.mark.parametrize(("kind", "name"), [each for each in ENTRIES if each[0] != "networks"])
def test_every_function_reaches_the_processes_that_share_a_study(kind: str, name: str) -> None:
    """Networks are built before a study is shared: what they declare travels, not their functions."""
    function = catalogs.catalog_of(kind)[name].function
    there = pickle.loads(pickle.dumps(function))
    assert inspect.signature(there) == inspect.signature(function)
    assert there.__doc__ == function.__doc__


# to add a method is one function and one entry


def peak(windows: Windows, *, scale: float = 1e6) -> Windows:
    """Describe windows by the largest deflection of every channel.

    Parameters
    ----------
    windows : Windows
        Signals.
    scale : float
        Multiplies what is in V.
    """
    names = [f"peak_{name}" for name in windows.names]
    return windows.with_features(abs(windows.X).max(axis=2) * scale, names, "features peak")


def eased(
    source: Weights, fresh: Mapping[str, Any], network: Network, seed: int, *, rate: float = 0.1
) -> Arm:
    """Train everything slowly.

    Parameters
    ----------
    rate : float
        Factor on the learning rate.
    """
    arm = carry("eased", source, dict(fresh), network, seed)
    return replace(arm, lr_scale=dict.fromkeys(arm.lr_scale, rate))


def _add(monkeypatch: pytest.MonkeyPatch, kind: str, entry: Entry) -> None:
    """Let a catalog hold one entry more, as long as the test runs."""
    catalog = catalogs.catalog_of(kind)
    longer = Catalog(catalog.kind, [*catalog.values(), entry], catalog.facts, refused=catalog.refused)
    monkeypatch.setattr(catalog, "_entries", dict(longer))


def test_a_feature_set_is_a_function_and_an_entry(monkeypatch, capsys) -> None:
    _add(monkeypatch, "features", Entry("peak", "Largest deflection of every channel.", peak))
    assert load_recipe("simulated_pair", ["features=peak"])["features"] == {"name": "peak", "scale": 1e6}
    with pytest.raises(BiotransferError, match="Did you mean 'peak'"):
        load_recipe("simulated_pair", ["features=peek"])
    features = extract_features(make_windows(n_times=50), {"name": "peak", "scale": 1.0})
    assert features.names[0].startswith("peak_")
    _is_browsed(capsys, "features", "peak", "Largest deflection", "scale = 1000000.0", "lag: no")


def test_an_arm_is_a_function_and_an_entry(monkeypatch, capsys) -> None:
    facts = {"role": "transfer", "starts_from": "supervised", "phrase": "Training slowly from {source}"}
    _add(monkeypatch, "arms", Entry("eased", "The source's weights; all train slowly.", eased, facts=facts))
    recipe = load_recipe("simulated_pair", ["arms=[scratch, {name: eased, rate: 0.5}]"])
    assert recipe["arms"][1] == {"name": "eased", "rate": 0.5}
    network = build_network("mlp", (8,), 3)
    weights = Weights(initial_tensors(network, 1), {"network": {"name": "mlp"}})
    (arm,) = make_arms([{"name": "eased", "rate": 0.5}], {"supervised": weights}, network, 0)
    assert set(arm.lr_scale.values()) == {0.5}
    _is_browsed(capsys, "arms", "eased", "all train slowly", "rate = 0.1", "role: transfer")
    assert main(["list", "levers"]) == 0
    assert "eased" in capsys.readouterr().out.partition("regularize:")[0]


def _is_browsed(capsys: pytest.CaptureFixture[str], kind: str, name: str, *told: str) -> None:
    assert main(["list", kind]) == 0
    assert told[0] in capsys.readouterr().out
    assert main(["show", name]) == 0
    said = capsys.readouterr().out
    assert [text for text in told if text not in said] == []
