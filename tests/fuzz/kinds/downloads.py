"""What is downloaded, or lies beside downloads: checkpoints of others, archives, registries."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from pathlib import Path

import numpy as np

from ..commands import command
from ..kind import Files, Kind

_TENSORS = {"stem_0.weight": np.ones((6, 8), np.float32), "head.weight": np.zeros((3, 6), np.float32)}


def _checkpoints(place: Path) -> list[Files]:
    import torch
    from safetensors.torch import save

    tensors = {k: torch.from_numpy(v) for k, v in _TENSORS.items()}
    half = save({k: v.to(torch.bfloat16) for k, v in tensors.items()})
    out: list[Files] = [{"net.safetensors": save(tensors)}, {"net.safetensors": half}]
    for content in (tensors, {"state_dict": tensors, "epoch": 3}):
        stream = io.BytesIO()
        torch.save(content, stream)
        out.append({"net.pth": stream.getvalue()})
    header = json.dumps({"\udcff": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})
    spoiled = header.encode("utf-8", "surrogatepass")
    return [*out[:4], {"net.safetensors": save(tensors), "odd.safetensors": _framed(spoiled)}]


def _framed(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + bytes(4)


def _checkpoint(folder: Path) -> None:
    from biotransfer.learning.networks import build_network
    from biotransfer.learning.networks.checkpoints import open_weights

    network = build_network({"name": "mlp", "hidden": [6]}, (8,), 3)
    for path in sorted(folder.glob("net*")):
        open_weights(path, network)


def _archives(place: Path) -> list[Files]:
    out = []
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_LZMA):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            archive.writestr("data/a.txt", b"1,2,3\n" * 50)
            archive.writestr("data/zeros.txt", bytes(1 << 20))
        out.append({"set.zip": stream.getvalue()})
    return out


def _archive(folder: Path) -> None:
    from biotransfer.signals.datasets.archives import find_members
    from biotransfer.signals.datasets.loaded import Seen

    members = find_members(folder, re.compile(r".*\.txt"), Seen(), "odd")
    for member in members:
        member.read()


def _registries(place: Path) -> list[Files]:
    from importlib import resources

    known = sorted(resources.files("biotransfer.signals.datasets").joinpath("registries").iterdir(), key=str)
    return [{"sums.txt": one.read_bytes()[:4000].rpartition(b"\n")[0] + b"\n"} for one in known]


def _registry(folder: Path) -> None:
    from biotransfer.files import read_text
    from biotransfer.signals.datasets.checksums import parse_registry, parse_sums

    text = read_text(folder / "sums.txt", "registry", "")
    parse_sums(text)
    for _ in parse_registry(text):
        pass


KINDS = {
    "checkpoint": Kind(_checkpoints, command(_checkpoint)),
    "archive": Kind(_archives, command(_archive)),
    "registry": Kind(_registries, command(_registry)),
}
