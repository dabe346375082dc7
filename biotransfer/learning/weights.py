"""Weights are values: named arrays plus the card that says what they are.

On disk: ``NAME.safetensors`` (numbers, nothing executable) and ``NAME.json`` (the card, with a format
version, the digest of the numbers and its own checksum). Older formats are read, too: ``UPGRADES`` says how.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BiotransferError, check
from ..files import DamagedError, parse_json, read_proven, read_text, write_atomically, write_proven
from ..showing import html_table, one_line

FORMAT_VERSION = 3
_LARGEST_CARD = 8 << 20
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
        """Content hash of names, shapes and values, short."""
        return self.checksum()[:16]

    def checksum(self) -> str:
        """SHA-256 of names, shapes and values, 64 hexadecimal digits."""
        state = hashlib.sha256()
        for name in sorted(self.tensors):
            value = np.ascontiguousarray(self.tensors[name])
            state.update(f"{name}{value.shape}{value.dtype}".encode() + value.tobytes())
        return state.hexdigest()

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
    card = {"format_version": FORMAT_VERSION, "digest": weights.checksum(), **dict(weights.card)}
    write_proven(path.with_suffix(".json"), card | {"library": __version__})
    return path


def load_weights(path: str | Path) -> Weights:
    """Read weights written by :func:`save_weights`.

    Raises
    ------
    BiotransferError
        When a file is missing, of a newer format, its content is not what its card says, or the card is not
        what was written.
    """
    path = _tensor_file(path)
    card = path.with_suffix(".json")
    for file in (path, card):
        check(file.is_file(), f"{str(file)!r} does not exist. Weights are a .safetensors and a .json file.")
    again = "Copy both files again."
    facts = parse_json(read_text(card, repr(str(card)), again, largest=_LARGEST_CARD), repr(str(card)), again)
    check(isinstance(facts, dict), f"{str(card)!r} holds no facts. {again}")
    version = facts.pop("format_version", None)
    check(
        version == FORMAT_VERSION or (type(version) is int and version in UPGRADES),
        f"{str(card)!r} has format_version={version!r}, this biotransfer reads {min(UPGRADES)} to "
        f"{FORMAT_VERSION}. Update biotransfer: pip install -U biotransfer.",
    )
    if version == FORMAT_VERSION:
        try:
            facts = {k: v for k, v in read_proven(card).items() if k != "format_version"}
        except DamagedError as error:
            raise BiotransferError(f"{error}. {again}") from error
    check_card(facts, repr(str(card)))
    tensors = _read_numbers(path)
    for older in range(version, FORMAT_VERSION):
        facts = UPGRADES[older](facts)
    digest = facts.pop("digest", None)
    weights = Weights(tensors, facts)
    check(
        digest == (weights.checksum() if version == FORMAT_VERSION else weights.digest()),
        f"{str(path)!r} holds other numbers than its card says. Copy both files again.",
    )
    return weights


def _read_numbers(path: Path) -> Tensors:
    """Return the tensors of a file of ours.

    Raises
    ------
    BiotransferError
        When it is damaged, or holds numbers that this format never does.
    """
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except Exception as error:  # of a damaged header, whatever the library comes upon first
        raise BiotransferError(
            f"{str(path)!r} cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:200]}. "
            "Copy both files again."
        ) from error


def check_card(card: Mapping[str, Any], where: str) -> None:
    """Refuse a card of which what others read is of another kind than ``CARD`` says.

    Parameters
    ----------
    card : mapping
        As written by this or an older format.
    where : str
        Its file, for the message.

    Raises
    ------
    BiotransferError
        With the first such fact.
    """
    kinds: Mapping[str, tuple[type, ...]] = {
        "network": (dict,), "modality": (str,), "classes": (list,), "names": (list,), "sfreq": (int, float),
        "ledger": (list,), "digest": (str,), "trial": (str,), "train": (dict,), "align": (dict, str),
    }  # fmt: skip
    for name, kind in kinds.items():
        value = card.get(name)
        fits = value is None or (isinstance(value, kind) and not isinstance(value, bool))
        check(
            fits,
            f"{where} says {name}={str(value)[:80]!r}. Expected {CARD.get(name, kind[0].__name__)}. "
            "Copy both files again.",
        )
    for name in ("classes", "names"):
        texts = all(isinstance(item, (str, int, float)) for item in card.get(name) or [])
        check(texts, f"{where}: {name} holds more than names. Expected {CARD[name]}. Copy both files again.")
    rows = all(
        isinstance(row, dict) and isinstance(row.get("action"), str) for row in card.get("ledger") or []
    )
    check(rows, f"{where}: ledger holds more than rows with an action. Copy both files again.")
    network = card.get("network")
    if network is None:
        return
    shape, n = network.get("input_shape"), network.get("n_outputs")
    whole = isinstance(shape, list) and 0 < len(shape) <= 3 and all(type(i) is int and i > 0 for i in shape)
    check(
        whole
        and isinstance(network.get("name"), str)
        and isinstance(network.get("parameters"), dict)
        and type(n) is int
        and n > 0
        and isinstance(network.get("build") or {}, dict),
        f"{where} describes no network: {str(dict(network))[:200]}. Expected {CARD['network']}. "
        "Copy both files again.",
    )


def _from_1(facts: dict[str, Any]) -> dict[str, Any]:
    """Format 1 kept the windows' history as "preprocessing", and networks had no kinds of heads."""
    out = dict(facts)
    if "preprocessing" in out:
        out["history"] = out.pop("preprocessing")
    network = out.get("network")
    if network is not None and "build" not in network:
        out["network"] = {**network, "parameters": {"head": {"name": "linear"}, **network["parameters"]}}
    return out


def _from_2(facts: dict[str, Any]) -> dict[str, Any]:
    """Format 2 had no checksum of the card."""
    return facts


UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2}


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
