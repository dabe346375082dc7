"""What each transfer has to beat, and what has to show that it could have been found: its contest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import check
from .request import ArmRequest, resolve_arm
from .starting import OTHER_SOURCES

FROZEN_SHAMS = ("scratch", "permuted")
"""What a transfer that keeps still what it carries starts from, too, whatever a study names."""

PROOF = "labelled_person"
"""The positive control of every adaptation to a new person."""


@dataclass(frozen=True)
class Contest:
    """What one transfer arm is compared with.

    Parameters
    ----------
    against : str
        Label of its baseline: the same procedure on random weights where it keeps what it carries still, the
        study's baseline otherwise.
    controls : tuple of str
        Labels of the arms that must not share its gain.
    positive_control : str or None
        Label of the arm that starts from own donors and is carried in the same way; None where there is none,
        so that no verdict but "positive" can be given.
    """

    against: str
    controls: tuple[str, ...] = ()
    positive_control: str | None = None


def contests(requests: Sequence[ArmRequest], against: str) -> dict[str, Contest]:
    """Return what every transfer arm is compared with.

    Parameters
    ----------
    requests : sequence of ArmRequest
        The arms of a study.
    against : str
        Label of the study's baseline.

    Returns
    -------
    dict of str to Contest
        By the label of every arm whose role is transfer, the baseline left out.

    Notes
    -----
    Two arms are carried in the same way when they have one method and one set of parameters, ``start`` apart,
    and one method of pretraining. An arm that keeps what it carries still is judged against shams that do,
    since freezing alone costs much (frozen random weights: 15 points on EMG), whatever the source knows. All
    others have to beat the plain controls (``permuted``, ``noise_source``, ...) and shams of their own
    method. A control with its own pretraining, or with given weights, speaks for arms that share them. An arm
    that adapts to a new person has to beat its own method on the training people's windows, and is proven by
    labels of that person.
    Source: own.

    Examples
    --------
    >>> from biotransfer.transfer.carry import resolve_arms
    >>> arms = with_assay(resolve_arms(["scratch", "transferred", "frozen_body", "permuted"]))
    >>> found = contests(arms, "scratch")
    >>> found["transferred"]
    Contest(against='scratch', controls=('permuted',), positive_control='transferred_own_donors')
    >>> found["frozen_body"].against, found["frozen_body"].controls
    ('frozen_body_scratch', ('frozen_body_permuted',))
    """
    found = {}
    told = next((other.label for other in requests if other.entry.name == PROOF), None)
    for arm in requests:
        if arm.role != "transfer" or arm.label == against:
            continue
        mine = [other for other in requests if _carried_alike(other, arm)]
        alike = {other.start: other.label for other in mine}
        shams = [other.label for other in mine if other.role == "control"]
        if arm.frozen:
            baseline = alike.get("scratch", against)
            controls = [label for label in shams if label != baseline]
        else:
            baseline = against
            plain = [other.label for other in requests if _is_plain(other) and _speaks_for(other, arm)]
            plain = [] if "windows" in arm.parameters else plain
            controls = [label for label in (*plain, *shams) if label != baseline]
        proof = alike.get("own_donors") if "windows" not in arm.parameters else told
        found[arm.label] = Contest(baseline, tuple(controls), proof)
    return found


def with_assay(requests: Sequence[ArmRequest], *, donors: bool = True) -> list[ArmRequest]:
    """Return the arms with what every transfer among them is judged by.

    Parameters
    ----------
    requests : sequence of ArmRequest
        The arms that a study names.
    donors : bool
        Whether each transfer gets a positive control that starts from own donors.

    Returns
    -------
    list of ArmRequest
        The same, and behind them what was not there: for every transfer ``{label}_own_donors``, for one that
        keeps still what it carries ``{label}_scratch``, ``{label}_permuted`` and, of every source without
        knowledge that the study names (``shuffled_source``, ...), ``{label}_{source}``: a frozen body may
        help by being trained on anything.

    Raises
    ------
    BiotransferError
        When another arm bears such a label.

    Examples
    --------
    >>> from biotransfer.transfer.carry import resolve_arms
    >>> [arm.label for arm in with_assay(resolve_arms(["scratch", "transferred", "lora"]))][3:]
    ['transferred_own_donors', 'lora_scratch', 'lora_permuted', 'lora_own_donors']
    """
    found = list(requests)
    for arm in requests:
        if arm.role == "transfer" and "windows" in arm.parameters:
            found += _proof_of_adaptation(arm, found)
        if arm.role != "transfer" or "start" not in arm.parameters:
            continue
        for start in (*_frozen_shams(arm, requests), *(["own_donors"] if donors else [])):
            if not any(_carried_alike(other, arm) and other.start == start for other in found):
                found.append(_started(arm, start, found))
    return found


def _proof_of_adaptation(arm: ArmRequest, found: Sequence[ArmRequest]) -> list[ArmRequest]:
    """Return what shows that adapting to a person could be seen, and that it is the person's windows."""
    more = [] if any(other.entry.name == PROOF for other in found) else [resolve_arm(PROOF)]
    alone = any(_carried_alike(other, arm) and other.start == "training_people" for other in found)
    return more if alone else [*more, _started(arm, "training_people", found)]


def _frozen_shams(arm: ArmRequest, requests: Sequence[ArmRequest]) -> list[str]:
    """Return what an arm that keeps still what it carries is started from, too."""
    if not arm.frozen:
        return []
    sources = [other.entry.name for other in requests if _is_plain(other) and _speaks_for(other, arm)]
    return list(dict.fromkeys([*FROZEN_SHAMS, *(name for name in sources if name in OTHER_SOURCES)]))


def _started(arm: ArmRequest, start: str, others: Iterable[ArmRequest]) -> ArmRequest:
    """Return an arm that is carried in the same way and starts from something else."""
    label = f"{arm.label}_{start}"
    key = "windows" if "windows" in arm.parameters else "start"
    check(
        label not in [other.label for other in others],
        f"arms: {label!r} is what {arm.label!r} from {start} is called, and another arm bears the name. "
        f"Write it as {{name: {arm.entry.name}, {key}: {start}, label: {label}}}, or give it another label.",
    )
    spec: dict[str, Any] = {**arm.spec, key: start, "label": label}
    if start in OTHER_SOURCES:
        spec.pop("weights", None)
    return resolve_arm(spec)


def _carried_alike(other: ArmRequest, arm: ArmRequest) -> bool:
    """Whether an arm differs from a transfer in nothing but what it starts from; a sham has its weights."""
    weights = None if other.start in OTHER_SOURCES else arm.weights
    way = (arm.entry.name, _way(arm.parameters), arm.pretrain, weights)
    return (other.entry.name, _way(other.parameters), other.pretrain, other.weights) == way


def _way(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name not in ("start", "windows")}


def _is_plain(arm: ArmRequest) -> bool:
    """Whether an arm is a control by its method, not by what it starts from."""
    return bool(arm.entry.facts["role"] == "control")


def _speaks_for(control: ArmRequest, arm: ArmRequest) -> bool:
    """Whether a plain control was pretrained as an arm was, or in the study's way."""
    return control.pretrain in (None, arm.pretrain) and control.weights in (None, arm.weights)
