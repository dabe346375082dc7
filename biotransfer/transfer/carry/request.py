"""What a recipe says about one arm, resolved: method, parameters, label, and the role they give it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...catalog import Entry
from ...errors import BiotransferError, a_kind, check, check_option
from ...learning.networks.checkpoints import check_request
from .catalog import ARMS
from .extra_data import TEACHERS
from .starting import OTHER_SOURCES, STARTS

_SHAMS = {
    "scratch": "random weights",
    "permuted": "{source} weights in a random order",
    "redrawn": "draws with the mean and variance of {source} weights",
}
_OTHERS = {
    "own_donors": "other people of {target}",
    "same_modality": "other people's {target}",
    "shuffled_source": "{source} with permuted labels",
    "noise_source": "surrogate noise",
    "phase_source": "{source} with random phases",
    "simulated_source": "simulated signals",
}
_WINDOWS = {"training_people": "the training people's own windows"}
_ROLES = {"own_donors": "positive_control", "same_modality": "reference"}


@dataclass(frozen=True)
class ArmRequest:
    """One arm of a recipe.

    Parameters
    ----------
    label : str
        What tables call it: the method's name unless the recipe gives another.
    entry : Entry
        The method.
    parameters : mapping
        All of its parameters.
    pretrain : mapping, optional
        How its source network is pretrained (``METHODS``); as the study says when not given.
    weights : str or mapping, optional
        What it starts from instead of a source network of the study: a file of weights, or a checkpoint (see
        :func:`.open_weights`).
    """

    label: str
    entry: Entry
    parameters: Mapping[str, Any]
    pretrain: Mapping[str, Any] | None = None
    weights: str | Mapping[str, Any] | None = None

    @property
    def start(self) -> str:
        """What it starts from, or looks at: "source", a network or windows in its place, or a sham."""
        if self.parameters.get("windows") == "training_people":
            return "training_people"
        return str(self.parameters.get("start", "source"))

    @property
    def role(self) -> str:
        """Baseline, transfer, control, positive_control or reference.

        A transfer that starts from own donors is a positive control, from other people of the target's
        modality a reference, from anything else but the source a control.
        """
        if self.start != "source":
            return _ROLES.get(self.start, "control")
        if self.parameters.get("teacher") == "scratch":
            return "reference"
        return str(self.entry.facts["role"])

    @property
    def frozen(self) -> bool:
        """Whether what it carries stays still while the target is learned."""
        return bool(self.entry.facts["frozen"] or self.parameters.get("freeze", False))

    @property
    def starts_from(self) -> str | None:
        """What the study's source network was trained on; None when the arm needs none."""
        if self.parameters.get("teacher") == "scratch" or self.weights is not None:
            return None
        return OTHER_SOURCES.get(self.start, self.entry.facts["starts_from"])

    @property
    def source(self) -> str | None:
        """Name of the source network that it asks for, its own method of pretraining included."""
        kind = self.starts_from
        if kind is None or self.pretrain is None:
            return kind
        own = ", ".join(
            [self.pretrain["name"], *(f"{k}={v}" for k, v in self.pretrain.items() if k != "name")]
        )
        return f"{kind} by {own}"

    @property
    def phrase(self) -> str:
        """Subject of the verdict's sentence, with {source} and {target} left open."""
        start, named = self.start, f" ({self.label})"
        if start in _OTHERS:
            return f"{self.entry.facts['phrase'].replace('{source}', _OTHERS[start])}{named}"
        if start in _WINDOWS:
            return f"The procedure of {self.entry.name} on {_WINDOWS[start]}{named}"
        if start in _SHAMS:
            sham = _SHAMS[start].replace("{source}", self._origin or "{source}")
            return f"The procedure of {self.entry.name} on {sham}{named}"
        given = str(self.entry.facts["phrase"]).replace("{source}", self._origin or "{source}")
        return given if self.label == self.entry.name else f"{given}{named}"

    @property
    def summary(self) -> str:
        """What the arm is, for a table."""
        start = self.start
        if start == "source":
            by = f" Pretrained by {self.pretrain['name']}." if self.pretrain else ""
            by = f" Its weights: {self._origin}." if self._origin else by
            return f"{self.entry.summary}{by}"
        if start in _WINDOWS:
            return f"{self.entry.name} on {_WINDOWS[start]} in place of the tested person's."
        what = {**_SHAMS, **_OTHERS}[start].format(source="source", target="the target")
        place = "weights" if start in _SHAMS else "network"
        return f"{self.entry.name} on {what} in place of the source's {place}."

    @property
    def spec(self) -> dict[str, Any]:
        """As a recipe says it, with every parameter."""
        label = {} if self.label == self.entry.name else {"label": self.label}
        pretrain = {} if self.pretrain is None else {"pretrain": dict(self.pretrain)}
        weights = {} if self.weights is None else {"weights": self.weights}
        return {"name": self.entry.name, **self.parameters, **pretrain, **weights, **label}

    @property
    def _origin(self) -> str:
        """Name of the given weights, without folders."""
        if self.weights is None:
            return ""
        named = self.weights.get("origin") if isinstance(self.weights, Mapping) else self.weights
        return "published weights" if named in (None, "published") else str(named).rpartition("/")[2]


def resolve_arm(spec: str | Mapping[str, Any] | ArmRequest) -> ArmRequest:
    """Return what one element of a recipe's ``arms`` asks for.

    Parameters
    ----------
    spec : str, mapping or ArmRequest
        A name, or ``{"name": ..., parameter: value, "pretrain": method, "weights": file, "label": ...}``.

    Raises
    ------
    BiotransferError
        On unknown names and parameters, and for methods that cannot join two tasks.

    Examples
    --------
    >>> resolve_arm({"name": "l2_sp", "start": "scratch", "label": "l2_alone"}).role
    'control'
    """
    if isinstance(spec, ArmRequest):
        return spec
    given = {"name": spec} if isinstance(spec, str) else spec
    label, pretrain, weights = None, None, None
    if isinstance(given, Mapping):
        label, pretrain, weights = (given.get(key) for key in ("label", "pretrain", "weights"))
        given = {k: v for k, v in given.items() if k not in ("label", "pretrain", "weights")}
    entry, parameters = ARMS.resolve(given)
    _check_start(entry, parameters, weights)
    pretrain = {"name": pretrain} if isinstance(pretrain, str) else pretrain
    check(
        pretrain is None or (isinstance(pretrain, Mapping) and "name" in pretrain),
        f"arm {entry.name!r}: pretrain={pretrain!r} is neither a name nor a mapping with a name. "
        "See: biotransfer list pretrain",
    )
    check(
        label is None or (isinstance(label, str) and label.strip()),
        f"arm {entry.name!r}: label={label!r} is no text. Write label: {entry.name}_2.",
    )
    check(
        label is None or label == entry.name or label not in ARMS,
        f"arm {entry.name!r}: label={label!r} is another arm's name. Write label: {entry.name}_2.",
    )
    check(
        weights is None
        or (isinstance(weights, (str, Mapping)) and entry.facts["starts_from"] == "supervised"),
        f"arm {entry.name!r}: weights={weights!r} cannot be given. Name a file or a checkpoint, to an "
        "arm that starts from the source's weights, such as transferred or permuted.",
    )
    if weights is not None:
        check_request(weights, f"arm {entry.name!r}: weights")
    check(
        weights is None or pretrain is None,
        f"arm {entry.name!r}: pretrain and weights are both given. Leave one out: given weights are trained.",
    )
    request = ArmRequest(label or entry.name, entry, parameters, pretrain, weights)
    usual = ArmRequest(entry.name, entry, entry.defaults).role
    check(
        request.role == usual or request.label != entry.name,
        f"arm {entry.name!r} is a {request.role} with these parameters, and its name means a {usual}. Give "
        f"it a name of its own, such as label: {entry.name}_{request.role}.",
    )
    check(
        pretrain is None or request.starts_from is not None,
        f"arm {entry.name!r} starts from no source network, so pretrain changes nothing. Leave pretrain out.",
    )
    return request


def _check_start(entry: Entry, parameters: Mapping[str, Any], weights: Any) -> None:
    """Refuse a start that is none, or that would change nothing."""
    if "teacher" in parameters:
        check_option(f"arm {entry.name!r}: teacher", parameters["teacher"], TEACHERS)
    start = parameters.get("start", "source")
    if entry.facts["role"] != "transfer" or start == "source":
        return
    check_option(f"arm {entry.name!r}: start", start, STARTS)
    check(
        parameters.get("teacher") != "scratch",
        f"arm {entry.name!r}: start={start!r} changes nothing where the teacher starts from scratch. Write "
        "teacher: transferred, or leave start out.",
    )
    check(
        weights is None or start not in OTHER_SOURCES,
        f"arm {entry.name!r}: weights and start={start!r} both say what it starts from. Leave one out.",
    )


def read_label(label: str) -> ArmRequest | None:
    """Return the arm that a label alone stands for, None where it stands for none.

    Parameters
    ----------
    label : str
        A name of the catalog, or that of a transfer with what it starts from, such as "lora_own_donors".

    Examples
    --------
    >>> read_label("frozen_body_permuted").role, read_label("mine") is None
    ('control', True)
    """
    if label in ARMS:
        return resolve_arm(label)
    for start in (*STARTS, *_WINDOWS):
        name, key = label.removesuffix(f"_{start}"), "windows" if start in _WINDOWS else "start"
        if name != label and name in ARMS and key in ARMS[name].defaults:
            return resolve_arm({"name": name, key: start, "label": label})
    return None


def resolve_arms(specs: Iterable[str | Mapping[str, Any] | ArmRequest]) -> list[ArmRequest]:
    """Return what a recipe's ``arms`` ask for, every label once.

    Raises
    ------
    BiotransferError
        When two arms bear one label.
    """
    requests = [resolve_arm(spec) for spec in _listed(specs)]
    labels = [request.label for request in requests]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    check(
        twice is None,
        f"arms: {twice!r} is named twice. Give one a label, such as {{name: {twice}, label: {twice}_2}}.",
    )
    return requests


def _listed(specs: Any) -> list[Any]:
    """Return the requests; one alone is a list of one."""
    if isinstance(specs, (str, Mapping, ArmRequest)):
        return [specs]
    listed = isinstance(specs, Iterable) and getattr(specs, "ndim", 1) == 1 and not isinstance(specs, bytes)
    check(listed, f"arms is {a_kind(specs)}. Expected names. Write ['scratch', 'transferred'].")
    return list(specs)


def known_arms(specs: Iterable[str | Mapping[str, Any]]) -> dict[str, ArmRequest]:
    """Return, by label, the arms of a finished study that this version's catalog knows.

    Parameters
    ----------
    specs : iterable of str or mapping
        ``arms`` of a resolved recipe, perhaps of another version.
    """
    found = {}
    for spec in specs:
        try:
            request = resolve_arm(spec)
        except BiotransferError:
            continue
        found[request.label] = request
    return found
