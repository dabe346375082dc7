"""Weights are values: named arrays plus the card that says what they are.

On disk: ``NAME.safetensors`` (numbers, nothing executable) and ``NAME.json`` (the card, with a format
version). Older formats are read, too: ``UPGRADES`` says how.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BiotransferError, check
from ..files import write_atomically, write_json
from ..showing import html_table, one_line

FORMAT_VERSION = 2
Tensors = dict[str, np.ndarray]

CARD: Mapping[str, str] = {
    "network": "record of the network: name, parameters, input shape, number of classes",
    "modality": "eeg or emg",
    "dataset": "data set that it was trained on",
    "classes": "what its head tells apart, in order",
    "names": "channels or features that it takes, in order",
    "sfreq": "sampling rate in Hz; none for features",
    "preprocessing": "steps, with their parameters",
    "window": "how windows were cut",
    "features": "feature set, with its parameters; none for signals",
    "scale": "how inputs were scaled, over training rows",
    "align": "how inputs were aligned, with its parameters",
    "history": "what happened to the windows, in words",
    "source": "what it was trained on (supervised, or a control's surrogate)",
    "method": "how it was trained, with its parameters",
    "train": "epochs, learning rate, batch size, weight decay",
    "seed": "draws and order of batches",
    "n_windows": "windows that it was trained on",
    "n_subjects": "people that it was trained on",
    "metrics": "what it knows about windows that were kept out, and which those were",
    "data_uid": "hash of the windows that it was trained on",
    "recipe_uid": "hash of the study's recipe",
    "trial": "address of the training in its study",
    "direction": "direction of the study that it was trained for",
    "library": "version of biotransfer that saved it",
}


@dataclass(frozen=True, eq=False)
class Weights:
    """Named tensors of a network and where they come from.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        Every tensor of the network by name; of a checkpoint, those that fit.
    card : mapping
        What ``CARD`` lists, as far as it is known.
    """

    tensors: Mapping[str, np.ndarray]
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> Mapping[str, Any]:
        """The card, by its name in 0.1.0."""
        return self.card

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
        name = (self.card.get("network") or {}).get("name", "")
        of = f" of {name}" if name else ""
        return one_line(f"Weights{of}: {len(self.tensors)} tensors, {self.n_parameters} parameters")

    def _repr_html_(self) -> str:
        return html_table(card_lines(self))


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

    from .. import __version__

    path = _tensor_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {k: np.ascontiguousarray(v) for k, v in weights.tensors.items()}
    write_atomically(path, lambda part: save_file(tensors, part))
    card = {"format_version": FORMAT_VERSION, "digest": weights.digest(), **dict(weights.card)}
    write_json(path.with_suffix(".json"), card | {"library": __version__})
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
        check(isinstance(facts, dict), f"{str(card)!r} holds no mapping. Copy both files again.")
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise BiotransferError(f"{str(path)!r} cannot be read: {error}. Copy both files again.") from error
    version = facts.pop("format_version", None)
    check(
        version == FORMAT_VERSION or version in UPGRADES,
        f"{str(card)!r} has format_version={version}, this biotransfer reads {min(UPGRADES)} to "
        f"{FORMAT_VERSION}. Update biotransfer: pip install -U biotransfer.",
    )
    for older in range(version, FORMAT_VERSION):
        facts = UPGRADES[older](facts)
    digest = facts.pop("digest", None)
    weights = Weights(tensors, facts)
    check(
        digest == weights.digest(),
        f"{str(path)!r} holds other numbers than its card says. Copy both files again.",
    )
    return weights


def _from_1(facts: dict[str, Any]) -> dict[str, Any]:
    """Format 1 kept the windows' history as "preprocessing", and networks had no kinds of heads."""
    out = dict(facts)
    if "preprocessing" in out:
        out["history"] = out.pop("preprocessing")
    network = out.get("network")
    if network is not None and "build" not in network:
        out["network"] = {**network, "parameters": {"head": {"name": "linear"}, **network["parameters"]}}
    return out


UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1}


def card_lines(weights: Weights) -> dict[str, str]:
    """Return what the card says, for people: a short text by name.

    Parameters
    ----------
    weights : Weights
        With any facts.

    Examples
    --------
    >>> lines = card_lines(Weights({"w": np.zeros((2, 3))}, {"classes": ["rest", "task"], "sfreq": None}))
    >>> lines["size"], lines["classes"]
    ('6 parameters in 1 tensors', 'rest, task')
    """
    lines = {"size": f"{weights.n_parameters} parameters in {len(weights.tensors)} tensors"}
    facts = dict(weights.card)
    network = facts.pop("network", None)
    if network is not None:
        shape = " x ".join(map(str, network["input_shape"]))
        lines["network"] = f"{network['name']}: {shape} -> {network['n_outputs']} classes"
        lines["network parameters"] = _in_words(network["parameters"])
    ledger = facts.pop("ledger", None)
    for name, value in sorted(facts.items(), key=lambda item: list({**CARD, **facts}).index(item[0])):
        if value is not None:
            lines[name.replace("_", " ")] = _in_words(value)
    if ledger is not None:
        actions = [row["action"] for row in ledger]
        lines["ledger"] = ", ".join(f"{actions.count(a)} {a}" for a in dict.fromkeys(actions))
    return lines


def _in_words(value: Any, longest: int = 8) -> str:
    """Return a fact as text: lists by commas, of long ones the beginning; mappings as key value."""
    if isinstance(value, Mapping):
        name = value.get("name")
        rest = ", ".join(
            f"{k} {_in_words(v)}" for k, v in value.items() if k != "name" and v not in (None, {}, [])
        )
        return f"{name} ({rest})" if name and rest else str(name or rest)
    if isinstance(value, (list, tuple)):
        texts = [_in_words(v) for v in value[:longest]]
        more = f", ... ({len(value)} in all)" if len(value) > longest else ""
        return ", ".join(texts) + more
    return f"{value:.4g}" if isinstance(value, float) else str(value)


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
