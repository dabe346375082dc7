"""What can happen to a stored file, by name: ``(path, another file, seed)``."""

from __future__ import annotations

import io
import json
import random
import shutil

import numpy as np
import pandas as pd


def _missing(path, other, seed):
    path.unlink()


def _emptied(path, other, seed):
    path.write_bytes(b"")


def _truncated(path, other, seed):
    content = path.read_bytes()
    path.write_bytes(content[: random.Random(seed).randrange(len(content))])


def _one_bit(path, other, seed):
    draw, content = random.Random(seed), bytearray(path.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    path.write_bytes(bytes(content))


def _swapped(path, other, seed):
    shutil.copy(other, path)


def _bytes(path, other, seed):
    path.write_bytes(random.Random(seed).randbytes(200))


def _structure(path, other, seed):
    path.write_text(random.Random(seed).choice(["{}", "[]", "null", "3", '"text"', '[{"a": 1}]']))


def _types(path, other, seed):
    """The same syntax, other types or values."""
    content = path.read_bytes()
    if path.suffix == ".json":
        said = json.loads(content)
        if isinstance(said, dict) and said:
            key = random.Random(seed).choice(sorted(said))
            said = {**said, key: random.Random(seed).choice([None, 17, "words", [], {}, [[]]])}
        else:
            said = {"a": said}
        path.write_text(json.dumps(said))
    elif path.suffix == ".parquet":
        table = pd.read_parquet(io.BytesIO(content))
        column = random.Random(seed).choice(list(table.columns))
        table[column] = "words"
        table.to_parquet(path, index=False)
    elif path.suffix == ".npy":
        values = np.load(io.BytesIO(content))
        np.save(path, values.astype("float16" if seed % 2 else "complex64"))
    else:
        path.write_bytes(content + b"\n# more\n")


def _edited(path, other, seed):
    """The same syntax and types, other values or order: what only a checksum finds."""
    content = path.read_bytes()
    if path.suffix == ".json":
        text = content.decode()
        digits = [i for i, letter in enumerate(text) if letter in "0123456789"]
        at = random.Random(seed).choice(digits)
        digit = "7" if text[at] != "7" else "3"
        path.write_text(text[:at] + digit + text[at + 1 :])
    elif path.suffix == ".parquet":
        table = pd.read_parquet(io.BytesIO(content)).iloc[::-1].reset_index(drop=True)
        numbers = table.select_dtypes("number").columns
        if len(numbers):
            table[numbers[-1]] = table[numbers[-1]] + 1
        table.to_parquet(path, index=False)
    elif path.suffix == ".npy":
        values = np.load(io.BytesIO(content))
        np.save(path, values + values.dtype.type(1))
    else:
        path.write_bytes(bytes([*content[:-1], content[-1] ^ 1]) if content else b"1")


def _folder(path, other, seed):
    path.unlink()
    path.mkdir()
    (path / "something").write_text("else")


DAMAGES = {
    "missing": _missing,
    "emptied": _emptied,
    "truncated": _truncated,
    "one bit": _one_bit,
    "swapped": _swapped,
    "random bytes": _bytes,
    "wrong structure": _structure,
    "wrong types": _types,
    "edited": _edited,
    "a folder in its place": _folder,
}


def _no_folder(path):
    shutil.rmtree(path)
    path.write_text("something else")


FOLDER_DAMAGES = {
    "folder missing": lambda path: shutil.rmtree(path),
    "a file in the folder's place": _no_folder,
}
"""What can happen to a stored folder, by name: ``(path)``."""
