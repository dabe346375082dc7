"""Arms: what a training starts from, paired by construction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import BiotransferError, check, check_is
from ...learning.networks.drawing import initial_tensors
from ...learning.networks.network import Network
from ...learning.training.arm import Arm, LedgerRow, Penalty, carried_share
from ...learning.weights import Tensors, Weights
from ...settings import whole
from ...signals.windows import Windows
from .catalog import ARMS, ROLES
from .contests import Contest, contests, with_assay
from .controls import scratch
from .given import given_source
from .inputs import fit_inputs
from .request import ArmRequest, known_arms, read_label, resolve_arm, resolve_arms
from .starting import source_network
from .validity import why_not

__all__ = [
    "ARMS", "ROLES", "Arm", "ArmRequest", "Contest", "LedgerRow", "Penalty", "carried_share", "contests",
    "known_arms", "make_arms", "read_label", "resolve_arm", "resolve_arms", "why_not", "with_assay",
]  # fmt: skip


def make_arms(
    specs: Sequence[str | Mapping[str, Any] | ArmRequest],
    sources: Weights | Mapping[str, Weights | None],
    network: Network,
    seed: int,
    *,
    stream: str = "target",
    target: Windows | None = None,
) -> list[Arm]:
    """Return the arms of one seed: same fresh tensors, same head, other starting weights.

    Parameters
    ----------
    specs : sequence of str or mapping
        Catalog names, with parameters and a ``label`` where an arm has some.
    sources : Weights or mapping of str to Weights
        Trained weights by what they were trained on: "supervised" (the source itself: ``transferred``,
        ``permuted``, ``redrawn`` and every other way to carry it), "shuffled_labels" (``shuffled_source``),
        "noise" (``noise_source``), "phase" (``phase_source``), "simulated" (``simulated_source``),
        "same_modality" (``same_modality``), "own_donors" (``start: own_donors``); "supervised by masked" for
        an arm with ``pretrain: masked``.
        Weights alone stand for ``{"supervised": weights}``. None where nothing is worth transferring: the
        arm then starts where scratch starts, and its ledger says so.
    network : Network
        The target's network.
    seed : int
        Shared by all arms: draws heads and fresh layers, orders the batches.
    stream : str
        See :func:`.initial_tensors`.
    target : Windows, optional
        The target's labelled training windows, aligned: for arms that look at them before they train, and to
        match the weights' inputs by name (see :func:`.fit_inputs`).

    Raises
    ------
    BiotransferError
        When an arm's source or the target's windows are not there, a method does not fit (see
        :func:`why_not`), or weights stand for other inputs.

    Examples
    --------
    >>> from biotransfer.learning.networks import build_network
    >>> [arm.name for arm in make_arms(["scratch"], {}, build_network("mlp", (8,), 3), seed=0)]
    ['scratch']
    """
    check_is("network", network, Network, "Type build_network(...).")
    seed = whole(0)("seed", seed, 0)
    if target is not None:
        check_is("target", target, Windows, "Type windows.take(split.train).")
    sources = {"supervised": sources} if isinstance(sources, Weights) else sources
    check(
        isinstance(sources, Mapping) and all(w is None or isinstance(w, Weights) for w in sources.values()),
        f"sources={sources!r} are neither weights nor weights by name. What pretrain gives holds them: pass "
        "sources=pretrain(...)[0].weights, or {'supervised': ...}.",
    )
    requests = resolve_arms(specs)
    wanted_by: dict[str, list[str]] = {}
    for request in requests:
        if request.source is not None:
            wanted_by.setdefault(request.source, []).append(request.label)
    absent = next((name for name in wanted_by if name not in sources), None)
    if absent is not None:
        asked = "; ".join(f"{name!r} for {', '.join(labels)}" for name, labels in wanted_by.items())
        raise BiotransferError(
            f"sources={list(sources)} lacks {absent!r}, where arm {wanted_by[absent][0]!r} starts from. "
            f"These arms start from {asked}. Pass sources={{{absent!r}: weights}}."
        )
    fresh = initial_tensors(network, seed, stream=stream)
    for value in fresh.values():
        value.setflags(write=False)
    arms = []
    for request in requests:
        entry, wanted = request.entry, request.source
        source = sources[wanted] if wanted else given_source(request, network)
        if wanted is not None and source is None:
            arms.append(_untransferred(request, fresh, network, seed))
            continue
        if source is not None:
            source = fit_inputs(source, network, target, f"arm {request.label!r}")
        needs = entry.facts["needs"]
        record = source_network(source) if source is not None and _RUNS_SOURCE.intersection(needs) else None
        reason = why_not(entry, network=network, source=record)
        if reason is not None:
            raise BiotransferError(reason)
        extra: tuple[Windows, ...] = ()
        if "target_rows" in needs:
            check(
                target is not None,
                f"arm {request.label!r} looks at the target's training windows. "
                "Pass target=windows.take(split.train).",
            )
            assert target is not None
            extra = (target,)
        arm = entry.function(source, dict(fresh), network, seed, *extra, **request.parameters)
        arms.append(replace(arm, name=request.label))
    return arms


def _untransferred(request: ArmRequest, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Return an arm whose source was found not worth transferring."""
    teacher = {"teacher": "scratch"} if "teacher" in request.parameters else None
    arm = scratch(None, dict(fresh), network, seed)
    if teacher:
        arm = request.entry.function(None, dict(fresh), network, seed, **{**request.parameters, **teacher})
    ledger = tuple(replace(row, reason=f"nothing is transferred: {row.reason}") for row in arm.ledger)
    return replace(arm, name=request.label, ledger=ledger)


_RUNS_SOURCE = frozenset({"source_features", "source_logits"})
