"""What studies leave: weights with their cards, and study folders."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from biotransfer.errors import BiotransferError
from biotransfer.files import CONTENTS, DamagedError, list_contents, read_contents, write_proven

from ..commands import command
from ..kind import Files, Kind, read_files, write_files
from ..mutators import mutate_files, mutate_json


def _weights_seeds(place: Path) -> list[Files]:
    from biotransfer.learning.weights import Weights, save_weights

    card = {
        "network": {"name": "mlp", "parameters": {"hidden": [2]}, "input_shape": [3], "n_outputs": 2},
        "modality": "eeg",
        "classes": ["rest", "task"],
        "names": ["a", "b", "c"],
        "sfreq": None,
        "seed": 3,
        "train": {"epochs": 2, "learning_rate": 1e-3},
        "metrics": {"accuracy": 0.5},
        "ledger": [{"tensor": "stem.weight", "part": "stem", "action": "copied", "reason": "same name"}],
    }
    tensors = {"stem.weight": np.ones((2, 3), np.float32), "head.weight": np.zeros((2, 2), np.float32)}
    save_weights(Weights(tensors, card), place / "w")
    return [read_files(place)]


def _study_seeds(place: Path) -> list[Files]:
    from biotransfer.results import save_results
    from tests.factories import make_results

    made = make_results(
        directions=["emg->eeg"],
        arms=["scratch", "transferred"],
        protocols=["subject"],
        n_subjects=3,
        n_seeds=1,
        n_epochs=2,
    )
    data = {m: {**f, "excerpts": {}, "psd": {}, "notes": [], "history": []} for m, f in made.data.items()}
    save_results(replace(made, data=data), place)
    return [read_files(place)]


def _spoil_study(rng: random.Random, files: Files, seeds: Sequence[Files]) -> Files:
    """Spoil bytes, or a table: its columns, types, rows and values; or what its JSON says."""
    if rng.random() < 0.8:
        return _proven(_spoil_file(rng, files, seeds))
    return mutate_files(rng, files, seeds)


def _proven(files: Files) -> Files:
    """List files with their checksums as they are now: a stranger can."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_files(files, folder)
        try:
            facts = dict(read_contents(folder, of="study").facts)
            said = json.loads(files["provenance.json"])
            if isinstance(said, dict):
                said.pop("checksum", None)
                write_proven(folder / "provenance.json", said)
            list_contents(folder, [name for name in files if name != CONTENTS], of="study", facts=facts)
        except (BiotransferError, DamagedError, ValueError, KeyError, RecursionError):
            return files
        return read_files(folder)


def _spoil_file(rng: random.Random, files: Files, seeds: Sequence[Files]) -> Files:
    name = rng.choice(sorted(files))
    if name.endswith(".parquet") and rng.random() < 0.7:
        return {**files, name: _spoil_table(rng, files[name])}
    if name.endswith(".yaml") and rng.random() < 0.6:
        import yaml

        return {**files, name: mutate_json(rng, json.dumps(yaml.safe_load(files[name])).encode())}
    return mutate_files(rng, files, seeds)


def _spoil_table(rng: random.Random, content: bytes) -> bytes:
    import io

    import pandas as pd

    table = pd.read_parquet(io.BytesIO(content))
    column = rng.choice(list(table.columns))
    values: tuple[Any, ...] = (
        None,
        float("nan"),
        float("inf"),
        -1,
        0,
        10**18,
        "",
        "x",
        "<script>alert(1)</script>",
        "emg->eeg->x",
        True,
        "A" * 10_000,
        b"bytes",
        [1, 2],
        {"a": 1},
    )
    what = rng.randrange(8)
    if what == 0:
        table = table.drop(columns=column)
    elif what == 1:
        table = table.rename(columns={column: rng.choice(("x", "", "value", "subject"))})
    elif what == 2:
        table = table.iloc[: rng.choice((0, 1, 2))]
    elif what == 3:
        table[column] = [rng.choice(values[:6])] * len(table)
    elif what == 4:
        table[column] = pd.Series([rng.choice(values)] * len(table), index=table.index, dtype=object)
    elif what == 5:
        table = pd.concat([table] * 3)
    elif what == 6:
        table[column] = table[column].sample(frac=1, random_state=rng.randrange(1000)).to_numpy()
    else:
        table[column] = table[column].astype(str)
    out = io.BytesIO()
    try:
        table.to_parquet(out)
    except Exception:
        return content[: rng.randrange(len(content))]
    return out.getvalue()


def _load(folder: Path) -> None:
    from biotransfer.results import load_results

    results = load_results(folder)
    repr(results)
    results.verdicts  # noqa: B018


KINDS = {
    "weights": Kind(_weights_seeds, command(("show", "{folder}/w.safetensors"), ("show", "{folder}/w.json"))),
    "study": Kind(
        _study_seeds, command(_load, ("report", "{folder}"), ("verify", "{folder}")), _spoil_study, over=True
    ),
}
