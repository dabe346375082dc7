"""Outcomes of trials on disk, by what their numbers depend on; a batch appears whole or not at all.

``trials/TASK/BATCH/`` holds the trials of one task that ran together: ``index.json`` (their uids and the
facts of their weights), one parquet file per table, and ``weights.safetensors``. Deleting any of it is safe:
it is run again when needed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import BiotransferError
from ...files import DamagedError, folder_aside, sweep_parts
from ...learning.weights import Weights, save_weights
from ..recipe import digest
from .tasks import Outcome, Ref, Trial

_INDEX = "index.json"
_WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class _Place:
    """Where a trial's outcome is: the batch's folder and its position there."""

    folder: Path
    position: int
    has_weights: bool


class TrialStore:
    """Outcomes of trials in a folder.

    Parameters
    ----------
    folder : Path
        Made when something is stored.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._known: dict[str, dict[str, _Place]] = {}

    def _task(self, task: str) -> dict[str, _Place]:
        """Return what is there of one task; read once."""
        if task not in self._known:
            self._known[task] = {}
            for index in sorted((self.folder / task).glob(f"*/{_INDEX}")):
                self._learn(task, index.parent)
        return self._known[task]

    def _learn(self, task: str, batch: Path) -> None:
        try:
            index = json.loads((batch / _INDEX).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            shutil.rmtree(batch, ignore_errors=True)
            return
        for position, uid in enumerate(index["trials"]):
            place = _Place(batch, position, str(position) in index["weights"])
            if uid not in self._known[task] or place.has_weights:
                self._known[task][uid] = place

    def has(self, ref: Ref, *, weights: bool = False) -> bool:
        """Whether the outcome of a trial is there, with its weights if ``weights``."""
        place = self._task(ref.task).get(ref.trial)
        return place is not None and (place.has_weights or not weights)

    def put(self, trials: Sequence[Trial], outcome: Outcome) -> None:
        """Store what ``trials`` of one task found, by one rename.

        Raises
        ------
        BiotransferError
            When the disk is full or the folder cannot be written.
        """
        from safetensors.numpy import save_file

        task, uids = trials[0].ref.task, [trial.ref.trial for trial in trials]
        batch = self.folder / task / digest([uids, sorted(outcome.weights)])
        try:
            with folder_aside(batch) as part:
                for name, table in outcome.tables.items():
                    table.to_parquet(part / f"{name}.parquet", index=False)
                if outcome.weights:
                    tensors = {
                        f"{i}/{name}": np.ascontiguousarray(value)
                        for i, weights in outcome.weights.items()
                        for name, value in weights.tensors.items()
                    }
                    save_file(tensors, part / _WEIGHTS)
                facts = {str(i): weights.card for i, weights in outcome.weights.items()}
                (part / _INDEX).write_text(json.dumps({"trials": uids, "weights": facts}), encoding="utf-8")
        except OSError as error:
            raise BiotransferError(
                f"cannot write {str(batch)!r}: {error.strerror or error}. Free some space; "
                "the same command then continues where it stopped."
            ) from error
        self._task(task)
        self._learn(task, batch)

    def _forget(self, place: _Place, error: Exception) -> DamagedError:
        shutil.rmtree(place.folder, ignore_errors=True)
        self._known.pop(place.folder.parent.name, None)
        return DamagedError(f"{place.folder}: {error}")

    def weights(self, refs: Iterable[Ref]) -> dict[Ref, Weights]:
        """Return the weights of trials that are there.

        Raises
        ------
        DamagedError
            When they cannot be read; they are removed.
        """
        from safetensors import SafetensorError, safe_open

        found: dict[Ref, Weights] = {}
        batches: dict[Path, list[tuple[Ref, _Place]]] = {}
        for ref in dict.fromkeys(refs):
            place = self._task(ref.task)[ref.trial]
            batches.setdefault(place.folder, []).append((ref, place))
        for folder, members in batches.items():
            try:
                facts = json.loads((folder / _INDEX).read_text(encoding="utf-8"))["weights"]
                with safe_open(folder / _WEIGHTS, "numpy") as file:
                    names: dict[str, list[str]] = {}
                    for key in file.keys():  # noqa: SIM118  (no mapping)
                        position, _, name = key.partition("/")
                        names.setdefault(position, []).append(name)
                    for ref, place in members:
                        key = str(place.position)
                        tensors = {name: file.get_tensor(f"{key}/{name}") for name in names[key]}
                        found[ref] = Weights(tensors, facts[key])
            except (OSError, ValueError, KeyError, SafetensorError) as error:
                raise self._forget(members[0][1], error) from error
        return found

    def tables(self, refs: Sequence[Ref], position: Mapping[Ref, int]) -> dict[str, list[pd.DataFrame]]:
        """Return the parts of every table that ``refs`` wrote, their column ``trial`` by ``position``.

        Raises
        ------
        DamagedError
            When one cannot be read; it is removed.
        """
        batches: dict[Path, list[tuple[Ref, _Place]]] = {}
        for ref in refs:
            place = self._task(ref.task)[ref.trial]
            batches.setdefault(place.folder, []).append((ref, place))
        parts: dict[str, list[pd.DataFrame]] = {}
        for folder, members in batches.items():
            new = np.full(1 + max(place.position for _, place in members), -1, np.int64)
            for ref, place in members:
                new[place.position] = position[ref]
            try:
                for file in sorted(folder.glob("*.parquet")):
                    table = pd.read_parquet(file)
                    old = table["trial"].to_numpy()
                    trial = np.where(old < len(new), new[np.minimum(old, len(new) - 1)], -1)
                    table["trial"] = trial
                    parts.setdefault(file.stem, []).append(table if (trial >= 0).all() else table[trial >= 0])
            except (OSError, ValueError, KeyError) as error:
                raise self._forget(members[0][1], error) from error
        return parts

    def sweep(self) -> None:
        """Remove what killed runs of this machine left half-written."""
        for task in self.folder.glob("*"):
            sweep_parts(task)


def export_weights(
    store: TrialStore, trials: Sequence[Trial], folder: Path, facts: Mapping[str, Any]
) -> None:
    """Write the named weights of ``trials`` into the study folder, where they are not there yet."""

    def stands(name: str, ref: Ref) -> bool:
        card = folder / f"{name}.json"
        whole = card.is_file() and (folder / f"{name}.safetensors").is_file()
        return whole and json.loads(card.read_text(encoding="utf-8")).get("trial") == "/".join(ref)

    wanted = {t.weights_name: t.ref for t in trials if t.weights_name}
    absent = {name: ref for name, ref in wanted.items() if not stands(name, ref)}
    found = store.weights(absent.values())
    for name, ref in absent.items():
        weights = found[ref]
        save_weights(
            Weights(weights.tensors, {**weights.card, **facts, "trial": "/".join(ref)}), folder / name
        )
    sweep_parts(folder)
