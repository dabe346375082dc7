"""Checkpoints of others: which of their tensors fit a network, and what became of each."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BiotransferError, check, did_you_mean
from ...files import exists, is_file
from ..hub import download
from ..weights import Tensors, Weights, load_weights
from .catalog import NETWORKS
from .network import Network

_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")
_USUAL = ("model.safetensors", "pytorch_model.bin")
_CONTAINERS = ("state_dict", "model_state_dict", "model", "module")
_REPOSITORY = re.compile(r"^[\w-][\w.-]*/[\w.-]+$")
_NO_PREFIX = ("", "")
_COMMIT, _SHA256 = 40, 64


def load_checkpoint(
    network: Network,
    origin: str | Path | None = None,
    *,
    file: str | None = None,
    revision: str | None = None,
    key: str | None = None,
    prefix: str | None = None,
    sha256: str | None = None,
    cache_dir: str | Path | None = None,
) -> Weights:
    """Return the tensors of a checkpoint that fit ``network``, and say of all others why they do not.

    Parameters
    ----------
    network : Network
        What is to start from the checkpoint.
    origin : str or path, optional
        A file (``.safetensors``; ``.pth``, ``.pt``, ``.bin`` or ``.ckpt``, of which only numbers are read), a
        folder with one, or a repository of the Hugging Face hub (``owner/name``). When not given, the one
        that the network's catalog entry names.
    file : str, optional
        Which file of a folder or repository; ``model.safetensors`` or ``pytorch_model.bin`` when not given.
    revision : str, optional
        Commit, tag or branch of a repository.
    key : str, optional
        Where in a ``.pth`` the tensors are, such as "state_dict"; found when not given.
    prefix : str, optional
        What the checkpoint's names begin with beyond the network's, such as "module."; found when not given.
    sha256 : str, optional
        Of the file, 64 hexadecimal digits: another file is refused before it is read.
    cache_dir : path, optional
        Where downloads are kept.

    Returns
    -------
    Weights
        With the tensors that fit, and no others: an arm draws the rest afresh. Facts: ``network``,
        ``checkpoint`` (origin, file, its sha256, prefix, and the names that nothing asked for) and
        ``ledger``, one row per tensor of the network: ``copied``, ``adapted`` (places in time beyond the
        window's are left out) or ``fresh``, with the reason; ``kept`` for constants that nothing trains.

    Raises
    ------
    BiotransferError
        When there is no such file, or nothing but the head's tensors would fit.

    Notes
    -----
    Tensors are matched by name and shape, after the renaming that braindecode declares for a model's
    published weights. The head is never taken. The prefix is the one under which most tensors fit.
    """
    origin, file = _origin_of(network.name, origin, file)
    path = _find(origin, file, revision, cache_dir)
    found_sum = _sum_of(path)
    check(
        sha256 is None or found_sum == sha256.lower(),
        f"{str(path)!r} has sha256={found_sum}, and {sha256} was asked for. Ask whoever shared it, or name "
        "the commit that has it: revision='...'.",
    )
    stored = read_tensors(path, key=key)
    renaming, constants, in_time = _library_facts(network)
    found = prefix_of(stored, network, renaming) if prefix is None else (prefix, "")
    named, unused = _under(stored, found, renaming)

    tensors: Tensors = {}
    ledger = []
    ours = network.tensor_shapes
    for name, shape in ours.items():
        value, reason = named.get(name), "same name and shape"
        action = "fresh"
        if network.tensor_parts[name] == "head":
            reason = "the head sees the target's classes"
        elif value is None:
            reason = "the checkpoint has no such tensor"
        elif value.shape == shape:
            action, tensors[name] = "copied", value
        elif _longer_in_time(value.shape, shape, in_time.get(name)):
            axis = in_time[name]
            action, tensors[name] = "adapted", value.take(range(shape[axis]), axis)
            reason = f"the first {shape[axis]} of {value.shape[axis]} places in time"
        else:
            reason = f"shape {_by(value.shape)} in the checkpoint, {_by(shape)} here"
        ledger.append(
            {"tensor": name, "part": network.tensor_parts[name], "action": action, "reason": reason}
        )
    check(
        tensors,
        f"none of the {len(stored)} tensors of {str(path)!r} fits network {network.name!r} below its head. "
        f"It has {', '.join(list(stored)[:3])}, ...; the network {', '.join(list(ours)[:3])}, ... "
        "Name the prefix that its names have beyond the network's: prefix='...'.",
    )
    for name, constant in constants.items():
        if name in named and named[name].shape == constant.shape:
            apart = float(np.abs(named[name] - constant).max(initial=0.0))
            reason = "the same" if apart == 0 else f"the checkpoint's differs by up to {apart:.3g}"
            row = {"tensor": name, "part": "constant", "action": "kept", "reason": f"constant: {reason}"}
            ledger.append(row)
    asked_for = {*ours, *constants}
    unused = [*unused, *(name for name in named if name not in asked_for)]
    checkpoint = {
        "origin": str(origin),
        "file": path.name,
        "sha256": found_sum,
        "prefix": _in_words(found),
        "unused": unused,
    }
    if path.parent.parent.name == "snapshots":
        checkpoint["revision"] = path.parent.name
    facts = {
        "network": network.describe(),
        "source": "checkpoint",
        "checkpoint": checkpoint,
        "ledger": ledger,
    }
    return Weights(tensors, facts)


def open_weights(given: str | Path | Mapping[str, Any], network: Network) -> Weights:
    """Return weights of ours, or what fits of a checkpoint of others.

    Parameters
    ----------
    given : str, path or mapping
        A file that :func:`biotransfer.save_weights` wrote (with its card beside); what
        :func:`load_checkpoint` takes as origin, or all of its arguments by name; "published" for the
        checkpoint that the network's catalog entry names.
    network : Network
        What is to start from it.

    Raises
    ------
    BiotransferError
        When it cannot be read, or nothing of it fits.
    """
    arguments = _arguments(given)
    own = None if arguments["origin"] is None else _own_file(arguments["origin"])
    return load_checkpoint(network, **arguments) if own is None else load_weights(own)


def fingerprint(given: str | Path | Mapping[str, Any], network: str) -> str:
    """Return a hash of the file that :func:`open_weights` would read.

    Parameters
    ----------
    given : str, path or mapping
        As there.
    network : str
        Catalog name of the network.
    """
    arguments = _arguments(given)
    own = None if arguments["origin"] is None else _own_file(arguments["origin"])
    if own is None:
        origin, file = _origin_of(network, arguments["origin"], arguments.get("file"))
        own = _find(origin, file, arguments.get("revision"), arguments.get("cache_dir"))
    return _sum_of(own)[:16]


def _sum_of(path: Path) -> str:
    state = path.stat()
    return _file_hash(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _file_hash(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_request(given: Any, where: str) -> None:
    """Refuse what :func:`open_weights` cannot open, and downloads of which nobody says what arrives.

    Parameters
    ----------
    given : object
        As a recipe says it.
    where : str
        Its key, for messages.

    Raises
    ------
    BiotransferError
        For keys that are not known, values that are no text, and a repository without commit and checksum.
    """
    check(
        isinstance(given, (str, Path)) or (isinstance(given, Mapping) and bool(given)),
        f"{where}={given!r} names no weights. Expected a file, or {{origin: owner/name, revision: ..., "
        "sha256: ...}}.",
    )
    arguments = _arguments(given)
    for name, value in arguments.items():
        check(
            value is None or (isinstance(value, (str, Path)) and str(value)),
            f"{where}.{name}={value!r} is no text. Put it in quotes.",
        )
    for name, digits in (("revision", _COMMIT), ("sha256", _SHA256)):
        value = arguments.get(name)
        check(
            value is None or re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", str(value)),
            f"{where}.{name}={str(value)[:80]!r}. Expected {digits} hexadecimal digits.",
        )
    origin = str(arguments["origin"] or "")
    remote = _REPOSITORY.match(origin) and not origin.endswith((*_SUFFIXES, ".json"))
    check(
        not remote or exists(Path(origin)) or (arguments.get("revision") and arguments.get("sha256")),
        f"{where}={origin!r} is a repository, and what it holds can change. Expected {{origin: {origin}, "
        f"revision: COMMIT, sha256: OF THE FILE}}. See: https://huggingface.co/{origin}/commits/main",
    )


def _arguments(given: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of :func:`load_checkpoint` that ``given`` stands for."""
    if not isinstance(given, Mapping):
        return {"origin": None if given == "published" else given}
    known = ["origin", "file", "revision", "key", "prefix", "sha256"]
    for name in given:
        if name not in known:
            raise BiotransferError(
                f"weights: unknown key {name!r}.{did_you_mean(name, known)} Expected: {', '.join(known)}."
            )
    origin = given.get("origin")
    return {**given, "origin": None if origin == "published" else origin}


def _own_file(origin: str | Path) -> Path | None:
    """Return the safetensors file of weights of ours, or None."""
    path = Path(origin)
    check(path.name, f"weights={str(origin)!r} names no file. Expected that of weights, or a repository.")
    stem = path.with_suffix("") if path.suffix in (".safetensors", ".json") else path
    files = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".safetensors", ".json")]
    return files[0] if all(is_file(file) for file in files) else None


def _origin_of(network: str, origin: str | Path | None, file: str | None) -> tuple[str | Path, str | None]:
    """Return origin and file, from the network's catalog entry where not given."""
    if origin is not None:
        return origin, file
    facts = NETWORKS[network].facts
    check(
        facts["pretrained"] is not None,
        f"network {network!r} names no checkpoint of its own. Pass a file or owner/name. These do: "
        f"{', '.join(n for n, e in NETWORKS.items() if e.facts['pretrained'])}.",
    )
    return str(facts["pretrained"]), file or facts["pretrained_file"]


def _find(origin: str | Path, file: str | None, revision: str | None, cache_dir: str | Path | None) -> Path:
    """Return the checkpoint's file on this machine."""
    path = Path(origin)
    if is_file(path):
        return path
    if exists(path) and path.is_dir():
        here = sorted(p.name for p in path.iterdir() if p.suffix in _SUFFIXES)
        usual = [name for name in _USUAL if name in here] or here
        name = file or (usual[0] if usual[:1] == list(_USUAL[:1]) or len(usual) == 1 else None)
        check(
            name is not None and (path / name).is_file(),
            f"{str(path)!r} holds {'no ' + repr(file) if file else 'no single checkpoint'}: it has "
            f"{', '.join(here) or 'none'}. Name one: file='...'.",
        )
        assert name is not None
        return path / name
    check(
        _REPOSITORY.match(str(origin)) is not None,
        f"{str(origin)!r} is no file, folder or repository of the hub. Pass a path, or owner/name.",
    )
    return download(str(origin), file or _USUAL[0], revision=revision, cache_dir=cache_dir)


def read_tensors(path: str | Path, *, key: str | None = None) -> Tensors:
    """Read a checkpoint's tensors; nothing in it is executed.

    Parameters
    ----------
    path : path
        ``.safetensors``, ``.pth``, ``.pt``, ``.bin`` or ``.ckpt``.
    key : str, optional
        Where in the file the tensors are; found when not given.

    Returns
    -------
    dict of str to ndarray, float32

    Raises
    ------
    BiotransferError
        When the file cannot be read, holds more than numbers, or no tensors where they are looked for.
    """
    import pickle

    import torch
    from safetensors.torch import load_file

    path = Path(path)
    check(
        path.suffix in _SUFFIXES, f"{str(path)!r} is no checkpoint. Expected one of: {', '.join(_SUFFIXES)}."
    )
    try:
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BiotransferError(
            f"{str(path)!r} holds more than numbers, and reading that could run its code: "
            f"{' '.join(str(error).split())[:160]} Ask for a .safetensors, or save its state_dict alone."
        ) from error
    except Exception as error:  # of a damaged file, whatever the library comes upon first
        raise BiotransferError(
            f"{str(path)!r} cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:200]}. "
            "Copy the file again."
        ) from error
    if key is None and isinstance(content, Mapping):
        key = next((k for k in _CONTAINERS if isinstance(content.get(k), Mapping)), None)
    if key is not None:
        check(
            isinstance(content, Mapping) and isinstance(content.get(key), Mapping),
            f"key={key!r}: {str(path)!r} has no tensors there. It has: "
            f"{', '.join(map(str, content)) if isinstance(content, Mapping) else type(content).__name__}.",
        )
        content = content[key]
    check(
        isinstance(content, Mapping) and any(isinstance(v, torch.Tensor) for v in content.values()),
        f"{str(path)!r} has no tensors at its top: "
        f"{', '.join(map(str, content)) if isinstance(content, Mapping) else type(content).__name__}. "
        "Name the one that has: key='...'.",
    )
    return {
        str(k): v.detach().to(torch.float32).numpy()
        for k, v in content.items()
        if isinstance(v, torch.Tensor)
    }


def prefix_of(
    stored: Mapping[str, np.ndarray], network: Network, renaming: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Find what the checkpoint's names have beyond the network's, or lack.

    Parameters
    ----------
    stored : mapping of str to ndarray
        The checkpoint's tensors.
    network : Network
        What they are to fit.
    renaming : mapping, optional
        From published names to the network's.

    Returns
    -------
    extra, lacking : str
        What to take off the checkpoint's names, and what to put before them: the pair under which most
        tensors fit by name and shape; of equals, the shortest.
    """
    shapes = network.tensor_shapes
    pairs = [_NO_PREFIX, *((p, "") for p in _prefixes(stored)), *(("", p) for p in _prefixes(shapes))]

    def fitting(pair: tuple[str, str]) -> int:
        return sum(shapes.get(k) == v.shape for k, v in _under(stored, pair, renaming or {})[0].items())

    return max(pairs, key=lambda pair: (fitting(pair), -len(pair[0]) - len(pair[1])))


def _prefixes(names: Iterable[str]) -> list[str]:
    """Return everything that ends in a dot and begins a name."""
    found: dict[str, None] = {}
    for name in names:
        parts = name.split(".")
        found.update(dict.fromkeys(".".join(parts[:i]) + "." for i in range(1, len(parts))))
    return list(found)


def _under(
    stored: Mapping[str, np.ndarray], pair: tuple[str, str], renaming: Mapping[str, str]
) -> tuple[Tensors, list[str]]:
    """Return the tensors under the network's names, and the names that do not begin with the prefix."""
    extra, lacking = pair
    named = {lacking + k.removeprefix(extra): v for k, v in stored.items() if k.startswith(extra)}
    unused = [k for k in stored if not k.startswith(extra)]
    return {renaming.get(k, k): v for k, v in named.items()}, unused


def _library_facts(network: Network) -> tuple[Mapping[str, str], Tensors, dict[str, int]]:
    """Return a library model's renaming of published names, its constants, and its axes of time."""
    if network.build is None:
        return {}, {}, {}
    from .foreign_modules import published_facts

    return published_facts(network)


def _longer_in_time(theirs: tuple[int, ...], ours: tuple[int, ...], axis: int | None) -> bool:
    """Whether only the axis of time differs, and the checkpoint's is the longer."""
    if axis is None or len(theirs) != len(ours):
        return False
    rest = [i for i in range(len(ours)) if i != axis]
    return theirs[axis] > ours[axis] and all(theirs[i] == ours[i] for i in rest)


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a number"


def _in_words(pair: tuple[str, str]) -> str:
    extra, lacking = pair
    return f"-{extra}" if extra else f"+{lacking}" if lacking else ""
