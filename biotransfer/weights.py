"""Weights are values: named arrays plus the facts that say what they are.

On disk: ``NAME.safetensors`` (numbers, nothing executable) and ``NAME.json`` (facts, with a format version).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .errors import BiotransferError, check
from .recording import html_table

FORMAT_VERSION = 1
Tensors = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Weights:
    """Named tensors of a network and where they come from.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        Every tensor of the network by name.
    facts : mapping
        ``network`` (record as a dict), ``classes``, ``names`` (channels or features), ``sfreq``,
        ``preprocessing``, ``data_uid``, ``recipe_uid``, ``source`` (what it was trained on), ``metrics``.
    """

    tensors: Mapping[str, np.ndarray]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def n_parameters(self) -> int:
        """Number of values in all tensors."""
        return int(sum(t.size for t in self.tensors.values()))

    def digest(self) -> str:
        """Content hash of names, shapes and values."""
        state = hashlib.sha256()
        for name in sorted(self.tensors):
            value = np.ascontiguousarray(self.tensors[name])
            state.update(f"{name}{value.shape}{value.dtype}".encode() + value.tobytes())
        return state.hexdigest()[:16]

    def __repr__(self) -> str:
        return f"<Weights: {len(self.tensors)} tensors, {self.n_parameters} parameters>"

    def _repr_html_(self) -> str:
        return html_table(
            {"tensors": str(len(self.tensors)), "parameters": str(self.n_parameters)}
            | {k: str(v) for k, v in self.facts.items()}
        )


def save_weights(weights: Weights, path: str | Path) -> Path:
    """Write ``path``.safetensors and ``path``.json; the JSON comes last, so a pair with one is whole.

    Parameters
    ----------
    weights : Weights
        What to save.
    path : path
        Without suffix (or with ``.safetensors``).

    Returns
    -------
    Path
        Of the safetensors file.
    """
    from safetensors.numpy import save_file

    from .files import write_atomically, write_json

    path = _tensor_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {k: np.ascontiguousarray(v) for k, v in weights.tensors.items()}
    write_atomically(path, lambda part: save_file(tensors, part))
    write_json(
        path.with_suffix(".json"),
        {"format_version": FORMAT_VERSION, "digest": weights.digest(), **dict(weights.facts)},
    )
    return path


def load_weights(path: str | Path) -> Weights:
    """Read weights written by :func:`save_weights`.

    Raises
    ------
    BiotransferError
        When a file is missing, of a newer format, or its content is not what its card says.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = _tensor_file(path)
    card = path.with_suffix(".json")
    for file in (path, card):
        check(file.is_file(), f"{str(file)!r} does not exist. Weights are a .safetensors and a .json file.")
    try:
        tensors = load_file(path)
        facts = json.loads(card.read_text(encoding="utf-8"))
    except (SafetensorError, json.JSONDecodeError) as error:
        raise BiotransferError(f"{str(path)!r} cannot be read: {error}. Copy both files again.") from error
    version = facts.pop("format_version", None)
    check(
        version == FORMAT_VERSION,
        f"{str(card)!r} has format_version={version}, this biotransfer reads {FORMAT_VERSION}. "
        "Update biotransfer: pip install -U biotransfer.",
    )
    digest = facts.pop("digest", None)
    weights = Weights(tensors, facts)
    check(
        digest == weights.digest(),
        f"{str(path)!r} holds other numbers than its card says. Copy both files again.",
    )
    return weights


def _tensor_file(path: str | Path) -> Path:
    path = Path(path)
    if path.suffix == ".json":
        path = path.with_suffix("")
    return path if path.suffix == ".safetensors" else path.with_name(f"{path.name}.safetensors")


def is_statistic(name: str) -> bool:
    """Whether a tensor holds running statistics, which training moves without a gradient."""
    return name.endswith((".running_mean", ".running_var"))


def permute_values(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the same values in a random order: the sorted values stay, the structure goes."""
    return rng.permutation(value.ravel()).reshape(value.shape)


def redraw_values(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return normal draws with the mean and deviation of ``value``.

    Notes
    -----
    Source: Raghu et al. 2019, arXiv:1902.07208, section 5 ("Mean Var Init").
    """
    return rng.normal(value.mean(), value.std(), value.shape).astype(value.dtype)
