"""What the inputs of given weights stand for: matched by name, and compared with the target's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import BiotransferError, check
from ...learning.networks.catalog import build_network
from ...learning.networks.drawing import initial_tensors
from ...learning.networks.forward import run_network
from ...learning.networks.network import Network
from ...learning.networks.records import network_of
from ...learning.weights import Tensors, Weights
from ...signals.windows import Windows
from ..align.catalog import ALIGN
from .catalog import ARMS

INPUTS = "inputs"
"""On the card of weights that were compared with a target: what was found, in words for the ledger."""
REORDERED = "put in the target's order of channels or features by name"
BY_POSITION = "paired by position"
OTHERWISE = "prepared otherwise"
OTHER_RATE = "at another sampling rate"
_RANKED = re.compile(r"\btop \d+ by |\bprincipal components\b")
_SHOWN = 4
_REAL: set[str | None] = {None, "supervised", "own_donors", "same_modality"}
_TOLERANCE = 1e-5


def _surrogates() -> set[str | None]:
    """Return the sources that are no recordings."""
    return {
        str(entry.facts["starts_from"]) for entry in ARMS.values() if entry.facts["starts_from"] not in _REAL
    }


def fit_inputs(source: Weights, network: Network, target: Windows | None, what: str) -> Weights:
    """Return weights whose first layer takes the target's columns, each by its name.

    Parameters
    ----------
    source : Weights
        Trained weights; their card says what their inputs were: names, sampling rate, alignment, history.
    network : Network
        The target's.
    target : Windows, optional
        The target's windows, aligned; nothing is compared without them, nor what a card does not say.
    what : str
        Whose weights they are, for the messages.

    Returns
    -------
    Weights
        The same, or with their columns in the target's order; the card's ``inputs`` says what differs, and so
        does every ledger.

    Raises
    ------
    BiotransferError
        Inside one modality, for another sampling rate, and for names that both have in places that no order
        of the weights' columns brings together.

    Notes
    -----
    Names mean something where columns are the features or channels that they are named after: not behind an
    alignment that pairs by rank or mixes columns (fact ``meaning`` of ``ALIGN``). That an order was mended is
    tested, not assumed: the network with its columns moved has to answer windows with their columns moved as
    it answered before. Source: own.
    """
    if target is None:
        return source
    card = source.card
    found = [*_other_rate(card, target, what)]
    names, here = _known(card.get("names")), _known(target.names)
    if names and here and names != here and _named(card):
        pair = f"{_some(names)} in the source, {_some(here)} here"
        if sorted(names) == sorted(here) and len(set(here)) == len(here):
            source = _reordered(source, network, names, here, what)
            found.append(f"{REORDERED} ({pair})")
        else:
            places = dict(zip(here, range(len(here)), strict=True))
            moved = [n for i, n in enumerate(names) if n in places and places[n] != i]
            check(
                not moved or card.get("modality") != target.modality or len(names) != len(here),
                f"{what}: their columns are {_some(names)}, the target's {_some(here)}: {_some(moved)} would "
                "be paired with others. Expected the same channels or features. Type "
                f"target.pick({list(names)[:_SHOWN]}...), or train the weights on what both have.",
            )
            if len(names) == len(here):
                found.append(f"{BY_POSITION}: {pair}")
    theirs, ours = _steps(card.get("history")), _steps(target.history)
    told = "history" in card and card.get("modality") in (None, target.modality)
    told = told and card.get("source") not in _surrogates()
    if told and theirs != ours:
        more, less = _differing(theirs, ours), _differing(ours, theirs)
        found.append(f"{OTHERWISE}: {more} in the source, {less} here")
    return Weights(source.tensors, {**source.card, INPUTS: "; ".join(found)}) if found else source


def _other_rate(card: Mapping[str, Any], target: Windows, what: str) -> list[str]:
    """Say that rates differ where one modality's filters meet another's; inside one they have to agree."""
    theirs, ours = card.get("sfreq"), target.sfreq
    if not theirs or not ours or abs(float(theirs) - float(ours)) <= 1e-6 * float(ours):
        return []
    check(
        card.get("modality") not in (None, target.modality),
        f"{what}: sfreq={theirs:g} Hz on their card, {ours:g} Hz for the target: filters of one network "
        f"need one sampling rate. Write preprocess: {{preset: {target.modality}, sfreq: {theirs:g}}} in "
        f"the target's data section. In Python: preprocess(..., sfreq={theirs:g}).",
    )
    return [f"{OTHER_RATE}: {theirs:g} Hz in the source, {ours:g} Hz here"]


def _known(names: Iterable[Any] | None) -> tuple[str, ...]:
    """Return names; none where every one is blank."""
    given = tuple(str(name) for name in names or ())
    return given if any(given) else ()


def _named(card: Mapping[str, Any]) -> bool:
    """Whether the weights' columns were the features or channels that they are named after."""
    align = card.get("align")
    if isinstance(align, Mapping) and align.get("name") in ALIGN:
        return bool(ALIGN[align["name"]].facts["meaning"])
    return not any(_RANKED.search(str(step)) for step in card.get("history") or ())


def _steps(history: Sequence[str] | None) -> list[str]:
    return [str(step) for step in history or () if str(step).strip()]


def _differing(steps: list[str], others: list[str]) -> str:
    return ", ".join(step for step in steps if step not in others) or "nothing more"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _reordered(
    source: Weights, network: Network, names: tuple[str, ...], here: tuple[str, ...], what: str
) -> Weights:
    """Return the weights with what their first layer holds per column in the order of ``here``."""
    order = np.array([names.index(name) for name in here])
    record = network_of(source) if "network" in source.card else network
    axes = _column_axes(record, len(names))
    tensors: Tensors = {
        name: np.take(value, order, axis=axes[name]) if name in axes else np.asarray(value)
        for name, value in source.tensors.items()
    }
    check(
        _answers_alike(record, source.tensors, tensors, order),
        f"{what}: their columns are {_some(names)}, the target's the same in another order, {_some(here)}, "
        f"and network {record.name!r} does not take columns one by one. Expected their order. Type "
        "target.pick(weights.card['names']), or give the study's channels in that order.",
    )
    return Weights(tensors, {**source.card, "names": list(here)})


def _column_axes(record: Network, n: int) -> dict[str, int]:
    """Return the tensors that grow by one along an axis where the windows have one column more."""
    sfreq = None if record.build is None else record.build["sfreq"]
    wider = (record.input_shape[0] + 1, *record.input_shape[1:])
    try:
        other = build_network(
            {"name": record.name, **record.parameters}, wider, record.n_outputs, sfreq=sfreq
        )
    except BiotransferError:
        return {}
    axes = {}
    for name, shape in record.tensor_shapes.items():
        grown = other.tensor_shapes.get(name, shape)
        if len(grown) != len(shape):
            continue
        more = [i for i, (a, b) in enumerate(zip(shape, grown, strict=True)) if a != b]
        if len(more) == 1 and shape[more[0]] == n and grown[more[0]] == n + 1:
            axes[name] = more[0]
    return axes


def _answers_alike(
    record: Network, before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray], order: np.ndarray
) -> bool:
    """Whether moved columns of windows and weights leave a network's answers as they were."""
    fresh = initial_tensors(record, 0, stream="columns")
    X = np.random.default_rng(0).standard_normal((8, *record.input_shape)).astype(np.float32)
    first = run_network(record, {**fresh, **before}, X).logits
    axes = _column_axes(record, len(order))
    moved = {k: np.take(v, order, axis=axes[k]) if k in axes else v for k, v in fresh.items()}
    second = run_network(record, {**moved, **after}, np.ascontiguousarray(X[:, order])).logits
    return bool(
        np.allclose(first, second, rtol=_TOLERANCE, atol=_TOLERANCE * max(1.0, float(np.abs(first).max())))
    )
