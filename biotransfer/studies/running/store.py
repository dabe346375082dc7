"""Outcomes of trials on disk, by what their numbers depend on; a batch appears whole or not at all.

``trials/TASK/BATCH/`` holds the trials of one task that ran together: one parquet file per table,
``weights.safetensors``, and ``index.json`` (their uids, the facts of their weights, and the checksum of every
file). Deleting or damaging any of it is safe: it is run again when needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import BiotransferError
from ...files import (
    Contents,
    DamagedError,
    folder_aside,
    list_contents,
    make_folder,
    read_contents,
    remove,
    sweep_parts,
)
from ...learning.weights import Weights, load_weights, save_weights
from ...tables import write_table
from ..recipe import digest
from .tasks import Outcome, Ref, Trial

_WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class _Place:
    """Where a trial's outcome is: the batch and its position there."""

    batch: Contents
    position: int
    has_weights: bool


class TrialStore:
    """Outcomes of trials in a folder.

    Parameters
    ----------
    folder : Path
        Made when something is stored.

    Attributes
    ----------
    damaged : list of str
        What was found that is not as it was written, and was removed.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.damaged: list[str] = []
        self._known: dict[str, dict[str, _Place]] = {}

    def _task(self, task: str) -> dict[str, _Place]:
        """Return what is there of one task; read once. What is not a whole batch is removed."""
        if task not in self._known:
            self._known[task] = {}
            place = self.folder / task
            if place.exists() and not place.is_dir():
                self._drop(place, f"{str(place)!r} is no folder")
            for path in sorted(place.glob("[!.]*")):
                if path.is_dir():
                    self._learn(task, path)
                elif not path.suffix:
                    self._drop(path, f"{str(path)!r} is no folder")
        return self._known[task]

    def _learn(self, task: str, folder: Path) -> None:
        try:
            batch = read_contents(folder, of=f"{task}/{folder.name}")
        except DamagedError as error:
            self._drop(folder, str(error))
            return
        if batch.incomplete:
            name = min(batch.incomplete)
            self._drop(folder, f"{str(folder / name)!r} {batch.incomplete[name]}")
            return
        for position, uid in enumerate(batch.facts["trials"]):
            place = _Place(batch, position, str(position) in batch.facts["weights"])
            if uid not in self._known[task] or place.has_weights:
                self._known[task][uid] = place

    def _drop(self, path: Path, why: str) -> None:
        self.damaged.append(why)
        remove(path)

    def _drop_damaged(self) -> None:
        """Read every batch that is known, and remove those that are not as they were written."""
        batches = {
            place.batch.folder: place.batch for known in self._known.values() for place in known.values()
        }
        for folder, batch in batches.items():
            wrong = batch.damage()
            if wrong:
                name = min(wrong)
                self._drop(folder, f"{str(folder / name)!r} {wrong[name]}")
        self._known.clear()

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
        self._task(task)
        batch = self.folder / task / digest([uids, sorted(outcome.weights)])
        try:
            with folder_aside(batch) as part:
                for name, table in outcome.tables.items():
                    write_table(table, part / f"{name}.parquet")
                if outcome.weights:
                    tensors = {
                        f"{i}/{name}": np.ascontiguousarray(value)
                        for i, weights in outcome.weights.items()
                        for name, value in weights.tensors.items()
                    }
                    save_file(tensors, part / _WEIGHTS)
                facts = {str(i): dict(weights.card) for i, weights in outcome.weights.items()}
                about = {"trials": uids, "weights": facts}
                list_contents(part, of=f"{task}/{batch.name}", facts=about)
        except OSError as error:
            raise BiotransferError(
                f"cannot write {str(batch)!r}: {error.strerror or error}. Free some space; "
                "the same command then continues where it stopped."
            ) from error
        self._learn(task, batch)

    def _places(self, refs: Iterable[Ref]) -> list[tuple[Contents, list[tuple[Ref, _Place]]]]:
        """Return the batches that hold ``refs``, each with the members that are asked for.

        Raises
        ------
        DamagedError
            When one is not there any more.
        """
        batches: dict[Path, list[tuple[Ref, _Place]]] = {}
        for ref in dict.fromkeys(refs):
            place = self._task(ref.task).get(ref.trial)
            if place is None:
                raise DamagedError(f"trial {ref.trial} of {str(self.folder / ref.task)!r} is missing")
            batches.setdefault(place.batch.folder, []).append((ref, place))
        return [(members[0][1].batch, members) for members in batches.values()]

    def _lost(self, batch: Contents, error: Exception) -> DamagedError:
        """Remove whatever is damaged, and a batch that cannot be read though it is as it was written."""
        found = len(self.damaged)
        self._drop_damaged()
        if len(self.damaged) == found:
            self._drop(batch.folder, f"{str(batch.folder)!r}: {error}")
        return DamagedError(str(error))

    def weights(self, refs: Iterable[Ref]) -> dict[Ref, Weights]:
        """Return the weights of trials that are there.

        Raises
        ------
        DamagedError
            When they are not as they were written; all that is damaged is removed.
        """
        from safetensors import SafetensorError, safe_open

        found: dict[Ref, Weights] = {}
        for batch, members in self._places(refs):
            try:
                (path,) = batch.proven(_WEIGHTS)
                with safe_open(path, "numpy") as file:
                    names: dict[str, list[str]] = {}
                    for key in file.keys():  # noqa: SIM118  (no mapping)
                        position, _, name = key.partition("/")
                        names.setdefault(position, []).append(name)
                    for ref, place in members:
                        key = str(place.position)
                        tensors = {name: file.get_tensor(f"{key}/{name}") for name in names[key]}
                        found[ref] = Weights(tensors, batch.facts["weights"][key])
            except (DamagedError, OSError, ValueError, KeyError, SafetensorError) as error:
                raise self._lost(batch, error) from error
        return found

    def tables(self, refs: Sequence[Ref], position: Mapping[Ref, int]) -> dict[str, list[pd.DataFrame]]:
        """Return the parts of every table that ``refs`` wrote, their column ``trial`` by ``position``.

        Raises
        ------
        DamagedError
            When one is not as it was written; all that is damaged is removed.
        """
        parts: dict[str, list[pd.DataFrame]] = {}
        for batch, members in self._places(refs):
            new = np.full(1 + max(place.position for _, place in members), -1, np.int64)
            for ref, place in members:
                new[place.position] = position[ref]
            try:
                for file in sorted(name for name in batch.files if name.endswith(".parquet")):
                    table = batch.read_table(file)
                    old = table["trial"].to_numpy()
                    trial = np.where(old < len(new), new[np.minimum(old, len(new) - 1)], -1)
                    table["trial"] = trial
                    kept = table if (trial >= 0).all() else table[trial >= 0]
                    parts.setdefault(file.removesuffix(".parquet"), []).append(kept)
            except (DamagedError, OSError, ValueError, KeyError) as error:
                raise self._lost(batch, error) from error
        return parts

    def sweep(self) -> None:
        """Remove what killed runs of this machine left half-written.

        Raises
        ------
        BiotransferError
            When a file stands where the folder belongs.
        """
        if self.folder.exists():
            make_folder(self.folder)
        for task in self.folder.glob("*"):
            sweep_parts(task)


def export_weights(
    store: TrialStore, trials: Sequence[Trial], folder: Path, facts: Mapping[str, Any]
) -> None:
    """Write the named weights of ``trials`` into the study folder, where they are not there yet."""

    def stands(name: str, ref: Ref) -> bool:
        try:
            return load_weights(folder / name).card.get("trial") == "/".join(ref)
        except BiotransferError:
            return False

    wanted = {t.weights_name: t.ref for t in trials if t.weights_name}
    if wanted:
        make_folder(folder)
    absent = {name: ref for name, ref in wanted.items() if not stands(name, ref)}
    found = store.weights(absent.values())
    for name, ref in absent.items():
        weights = found[ref]
        save_weights(
            Weights(weights.tensors, {**weights.card, **facts, "trial": "/".join(ref)}), folder / name
        )
    sweep_parts(folder)
