"""How inputs are spoiled: bits, blocks and lengths of any file; values of text, JSON, tables and headers."""

from __future__ import annotations

import json
import random
import re
import struct
from collections.abc import Callable, Sequence
from typing import Any

Files = dict[str, bytes]
_WHOLE = (0, 1, -1, 2, 7, 127, 128, 255, 256, 32767, 32768, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1)
_WORDS = (
    "0",
    "-1",
    "1",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e-320",
    "99999999999999999999",
    "",
    " ",
    "n/a",
    "null",
    "true",
    "0x10",
    "1_000",
    "1,5",
    "é",
    "\u202e",
    "\ud800",
    "'",
    '"',
    "[",
    "{",
    "../../../etc/passwd",
    "/dev/zero",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n",
    "A" * 5000,
    "\x00",
    "1" * 5000,
    "-0",
    "٣",
    ".",
    "..",
    "NaN",
    "!!python/object",
    "2999-99-99",
    "uV",
    "V",
    "EEG",
    "Fp1",
)
_NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_JSON: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    2**70,
    1e308,
    float("nan"),
    "",
    "x",
    [],
    {},
    [[]],
    {"a": 1},
    [None],
    "A" * 3000,
    "<script>alert(1)</script>",
    "../../x",
    0.5,
    -0.0,
)
LONGEST = 4 << 20
"""Bytes that a file grows to: what is larger takes memory for its size alone."""
_TEXT = (".json", ".tsv", ".csv", ".txt", ".vhdr", ".vmrk", ".yaml", ".yml", ".md", ".asc", ".tab")


def mutate_files(rng: random.Random, files: Files, seeds: Sequence[Files]) -> Files:
    """Return files of which one or two are spoiled, swapped, emptied, doubled or taken away."""
    out = dict(files)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not out:
            return out
        name = rng.choice(sorted(out))
        if len(files) > 1 and rng.random() < 0.1:
            _move(rng, out, name, seeds)
        else:
            longest = max(LONGEST, len(out[name]))
            out[name] = mutate_content(rng, name, out[name], seeds)[:longest]
    return out


def _move(rng: random.Random, out: Files, name: str, seeds: Sequence[Files]) -> None:
    content = out.pop(name)
    what = rng.randrange(4)
    if what == 0 and out:
        other = rng.choice(sorted(out))
        out[name], out[other] = out[other], content
    elif what == 1:
        stem, dot, ending = name.rpartition(".")
        out[f"{stem}{rng.choice(('-1', '_1', ' ', 'é', '.x', 'A' * 60))}{dot}{ending}"] = content
    elif what == 2:
        donor = rng.choice(list(seeds))
        out[name] = donor[rng.choice(sorted(donor))]


def mutate_content(rng: random.Random, name: str, content: bytes, seeds: Sequence[Files]) -> bytes:
    """Return the content of one file, spoiled as its ending suggests, or as any bytes."""
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    if ending == ".json" and rng.random() < 0.7:
        return mutate_json(rng, content)
    if ending in _TEXT and rng.random() < 0.7:
        return mutate_text(rng, content)
    if ending in (".edf", ".bdf") and rng.random() < 0.6:
        return mutate_edf(rng, content)
    if ending in (".fif",) and rng.random() < 0.6:
        return mutate_fif(rng, content)
    return mutate_bytes(rng, content, seeds)


def mutate_bytes(rng: random.Random, content: bytes, seeds: Sequence[Files] = ()) -> bytes:
    """Flip bits, overwrite numbers, cut, repeat, insert, or splice with another seed."""
    if not content:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(64)))
    data = bytearray(content)
    reach = len(data) if rng.random() < 0.5 else min(len(data), 512)  # headers matter most
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        n = len(data)
        if not n:
            break
        at = rng.randrange(min(reach, n))
        what = rng.randrange(9)
        if what <= 1:
            data[at] ^= 1 << rng.randrange(8)
        elif what == 2:
            data[at] = rng.randrange(256)
        elif what == 3:
            form = rng.choice(("<h", "<i", "<q", ">h", ">i", ">q", "<f", "<d", ">f", ">d"))
            value: Any = rng.choice((*_WHOLE, float("nan"), float("inf"), 1e30))
            data[at : at + struct.calcsize(form)] = _packed(form, value)
        elif what == 4:
            del data[rng.randrange(n) :]
        elif what == 5:
            del data[at : at + rng.choice((1, 2, 4, 16, 256))]
        elif what == 6:
            block = bytes(data[at : at + rng.choice((1, 4, 16, 256))])
            data[at:at] = block * rng.choice((1, 2, 50))
        elif what == 7:
            data[at:at] = rng.choice(_WORDS).encode("utf-8", "surrogatepass")[:200]
        elif seeds:
            donor = rng.choice(list(seeds))
            other = donor[rng.choice(sorted(donor))]
            data[at:] = other[rng.randrange(len(other) or 1) :]
    return bytes(data)


def _packed(form: str, value: Any) -> bytes:
    if form[1] in "fd":
        try:
            return struct.pack(form, float(value))
        except OverflowError:
            return struct.pack(form, float("inf"))
    whole = int(value) if value == value and abs(value) < 2**200 else 0
    bits = 8 * struct.calcsize(form)
    return (whole % (1 << bits)).to_bytes(bits // 8, "little" if form[0] == "<" else "big")


def mutate_text(rng: random.Random, content: bytes) -> bytes:
    """Replace a number, a word or a line; double, swap or drop lines; change what stands between columns."""
    what = rng.randrange(8)
    numbers = list(_NUMBER.finditer(content))
    lines = content.split(b"\n")
    word = rng.choice(_WORDS).encode("utf-8", "surrogatepass")
    if what <= 1 and numbers:
        hit = rng.choice(numbers)
        return content[: hit.start()] + word + content[hit.end() :]
    if what == 2:
        lines[rng.randrange(len(lines))] = word
    elif what == 3:
        at = rng.randrange(len(lines))
        lines[at : at + 1] = [lines[at]] * rng.choice((2, 3, 400))
    elif what == 4:
        del lines[rng.randrange(len(lines))]
    elif what == 5:
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[at], lines[other] = lines[other], lines[at]
    elif what == 6:
        signs = (b",", b"\t", b";", b" ", b"=", b":", b"\r\n", b"\n")
        old, new = rng.sample(signs, 2)
        return content.replace(old, new, rng.choice((1, 5, -1)))
    else:
        at = rng.randrange(len(lines))
        fields = re.split(rb"([,\t;=: ])", lines[at])
        fields[rng.randrange(len(fields))] = word
        lines[at] = b"".join(fields)
    return b"\n".join(lines)


def mutate_json(rng: random.Random, content: bytes) -> bytes:
    """Change one value or key somewhere in a tree, or nest it deeply."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return mutate_text(rng, content)
    if rng.random() < 0.03:
        return b"[" * 15_000
    for _ in range(rng.choice((1, 1, 2))):
        tree = mutate_tree(rng, tree)
    return json.dumps(tree).encode()


def mutate_tree(rng: random.Random, tree: Any) -> Any:
    """Return a tree of mappings, lists and values in which one thing is changed."""
    places = list(_places(tree))
    if not places or rng.random() < 0.05:
        return rng.choice(_JSON)
    above, key = rng.choice(places)
    what = rng.randrange(6)
    if what == 0:
        del above[key]
    elif what == 1 and isinstance(above, dict):
        above[rng.choice((*_WORDS, str(key) + "x"))] = above.pop(key)
    elif what == 2 and isinstance(above, list):
        above += [above[key]] * rng.choice((1, 2, 300))
    elif what == 3 and isinstance(above[key], (int, float)) and not isinstance(above[key], bool):
        above[key] = rng.choice(
            (*_WHOLE, -above[key], above[key] * 1000, above[key] + 0.5, float("nan"), 1e300)
        )
    elif what == 4:
        above[key] = rng.choice(_WORDS)
    else:
        above[key] = rng.choice(_JSON)
    return tree


def _places(tree: Any) -> Any:
    """Yield every container with every key of it."""
    todo = [tree]
    while todo:
        here = todo.pop()
        if isinstance(here, (dict, list)):
            for key in list(here) if isinstance(here, dict) else range(len(here)):
                yield here, key
                todo.append(here[key])


def mutate_edf(rng: random.Random, content: bytes) -> bytes:
    """Overwrite one field of an EDF or BDF header."""
    if len(content) < 257:
        return mutate_bytes(rng, content)
    try:
        n = int(content[252:256])
    except ValueError:
        n = 1
    fixed = ((0, 8), (8, 80), (88, 80), (168, 8), (176, 8), (184, 8), (192, 44), (236, 8), (244, 8), (252, 4))
    widths = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
    fields, at = list(fixed), 256
    for width in widths:
        fields += [(at + i * width, width) for i in range(max(0, min(n, 64)))]
        at += width * max(0, n)
    begin, width = rng.choice(fields)
    words = [
        *_WORDS,
        *map(str, _WHOLE),
        "0.0001",
        "EDF+D",
        "BDF+C",
        "EDF Annotations",
        "EEG Fp1",
        "mV",
        "1e5",
    ]
    said = rng.choice(words).encode("utf-8", "surrogatepass")[:width].ljust(width)
    return content[:begin] + said + content[begin + width :]


def mutate_fif(rng: random.Random, content: bytes) -> bytes:
    """Change kind, type, size or next of one tag, or take tags away or double them."""
    tags, at = [], 0
    while at + 16 <= len(content) and len(tags) < 5000:
        size = struct.unpack(">i", content[at + 8 : at + 12])[0]
        if size < 0:
            break
        tags.append((at, 16 + size))
        at += 16 + size
    if not tags:
        return mutate_bytes(rng, content)
    begin, length = rng.choice(tags)
    what = rng.randrange(7)
    if what <= 3:
        place = begin + 4 * what
        values = (*_WHOLE, begin, length, rng.randrange(len(content)), rng.randrange(4000), 16 + length)
        return content[:place] + _packed(">i", rng.choice(values)) + content[place + 4 :]
    if what == 4 and length > 16:
        inside = mutate_bytes(rng, content[begin + 16 : begin + length])[: length - 16].ljust(
            length - 16, b"\0"
        )
        return content[: begin + 16] + inside + content[begin + length :]
    tag = content[begin : begin + length]
    if what == 5:
        return content[:begin] + tag * 2 + content[begin + length :]
    return content[:begin] + content[begin + length :]


MUTATORS: dict[str, Callable[..., bytes]] = {
    "bytes": mutate_bytes,
    "text": mutate_text,
    "json": mutate_json,
    "edf": mutate_edf,
    "fif": mutate_fif,
}
"""By what they understand; each takes a random.Random and content."""
