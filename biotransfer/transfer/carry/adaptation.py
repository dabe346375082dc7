"""Adaptation to a new person: further windows of the one who is tested, without labels, are looked at.

Every penalty of the catalog that looks at such windows (fact ``person``) is an arm: random weights, plain
training on the training people, and the term beside it. With ``windows: training_people`` the same term sees
the training people's own windows again and nobody new: what it gains then, the regularizer gains.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from ...catalog import Entry
from ...learning.layers.layer import output_shape
from ...learning.networks.network import Network
from ...learning.training import PENALTIES
from ...learning.training.arm import Arm, Penalty
from ...learning.weights import Tensors, Weights
from .controls import scratch
from .validity import dense_head

LABELLED = "labelled"
WINDOWS = {"test_person": "unlabelled", "training_people": "training"}
"""Whose windows an arm looks at, and what its penalty calls them."""
_DOC = """{summary}

    Parameters
    ----------
{parameters}
    windows : {{"test_person", "training_people"}}
        Whose windows are looked at besides: the tested person's, which the split leaves without labels, or
        the training people's own again, as a control.

    Notes
    -----
{notes}
"""


def head_width(network: Network) -> int:
    """Return how many features enter the head."""
    if network.build is not None:
        names = dense_head(network)
        return int(network.tensor_shapes[names[0]][1]) if names else 0
    below = [layer for layer in network.layers if layer.part != "head"]
    return int(np.prod(output_shape(below, network.input_shape)))


def draw_learned(name: str, options: Mapping[str, Any], network: Network, seed: int) -> Tensors:
    """Return fresh tensors of what a penalty trains beside the network.

    Parameters
    ----------
    name : str
        Of ``PENALTIES``.
    options : mapping
        Its parameters, all of them.
    network : Network
        The target's.
    seed : int
        Draws them: dense layers uniformly by their number of inputs, prototypes normally.
    """
    learns = PENALTIES[name].facts["learns"]
    shapes = learns(head_width(network), network.n_outputs, options) if learns else {}
    drawn = {}
    for tensor, shape in shapes.items():
        rng = np.random.default_rng([seed, zlib.crc32(f"{name}/{tensor}".encode())])
        weight = shapes.get(f"{tensor.removesuffix('.bias')}.weight", shape)
        bound = 1 / np.sqrt(weight[-1])
        values = rng.normal(size=shape) if "." not in tensor else rng.uniform(-bound, bound, shape)
        drawn[tensor] = values.astype(np.float32)
    return drawn


def adaptation(penalty: Entry) -> Callable[..., Arm]:
    """Return the arm that adds a penalty to training from random weights.

    Parameters
    ----------
    penalty : Entry
        Of ``PENALTIES``, with the fact ``person``.
    """
    arm: Any = partial(_adapted, penalty.name)
    own = inspect.signature(penalty.function).parameters.values()
    given = [p for p in own if p.kind is inspect.Parameter.KEYWORD_ONLY]
    *first, last, _ = inspect.signature(arm).parameters.values()
    arm.__signature__ = inspect.Signature([*first, *given, last])
    arm.__name__ = arm.__qualname__ = penalty.name
    arm.__doc__ = _doc(penalty.function)
    made: Callable[..., Arm] = arm
    return made


def _adapted(
    name: str,
    source: Weights | None,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    windows: str = "test_person",
    **options: Any,
) -> Arm:
    learns = draw_learned(name, {**PENALTIES[name].defaults, **options}, network, seed)
    term = Penalty(name, options, learns=learns, others=WINDOWS[windows])
    return replace(scratch(None, fresh, network, seed), name=name, penalty=term)


def _doc(function: Callable[..., Any]) -> str:
    """Return the docstring of an arm from that of its penalty."""
    text = inspect.getdoc(function) or ""
    summary, _, rest = text.partition("\n")
    parameters, _, notes = rest.partition("Notes\n-----\n")
    own = parameters.partition("    The update.\n")[2].strip("\n")
    first, second = (
        "\n".join("    " + line if line else line for line in part.split("\n")) for part in (own, notes)
    )
    return _DOC.format(summary=summary, parameters=first, notes=second)


def labelled_person(source: Weights | None, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Train on the tested person's first windows with their labels, too: what adaptation could reach at most.

    Notes
    -----
    Source: own. The positive control of every adaptation to a new person: it makes as many updates, sees the
    same windows, and is told what they are.
    """
    term = Penalty("labelled_others", others=LABELLED)
    return replace(scratch(None, fresh, network, seed), name="labelled_person", penalty=term)
