"""Finished tasks on disk: a folder appears whole or not at all, so a killed study loses one task at most."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd

from ..errors import BiotransferError
from ..weights import save_weights
from .tasks import Outcome


class TaskCache:
    """Outcomes of tasks by uid, in the study's folder.

    Parameters
    ----------
    folder : Path
        The study folder; outcomes go to ``tasks/``, weights to ``weights/``.
    """

    def __init__(self, folder: Path):
        self.tasks = folder / "tasks"
        self.weights = folder / "weights"

    def __contains__(self, uid: object) -> bool:
        return (self.tasks / str(uid)).is_dir()

    def put(self, uid: str, outcome: Outcome) -> None:
        """Store ``outcome``: weights first, then its tables by one rename.

        Raises
        ------
        BiotransferError
            When the disk is full or the folder cannot be written.
        """
        for name, weights in outcome.weights.items():
            save_weights(weights, self.weights / name)
        part = self.tasks / f".{uid}.{os.getpid()}.part"
        try:
            part.mkdir(parents=True, exist_ok=True)
            for name, table in outcome.tables.items():
                table.to_parquet(part / f"{name}.parquet", index=False)
            if uid not in self:
                os.replace(part, self.tasks / uid)
        except OSError as error:
            raise BiotransferError(
                f"cannot write {str(self.tasks / uid)!r}: {error.strerror or error}. Free some space; "
                "the same command then continues where it stopped."
            ) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def forget_without(self, uid: str, weights: list[str]) -> None:
        """Forget a source task whose weights are not all there, so that it is run again."""
        if not all((self.weights / f"{name}.json").is_file() for name in weights):
            shutil.rmtree(self.tasks / uid, ignore_errors=True)

    def table(self, uids: list[str], name: str) -> pd.DataFrame:
        """Join one table of many tasks, in their order; one that cannot be read is forgotten and said."""
        parts = []
        for uid in uids:
            try:
                parts.append(pd.read_parquet(self.tasks / uid / f"{name}.parquet"))
            except (OSError, ValueError) as error:
                shutil.rmtree(self.tasks / uid, ignore_errors=True)
                raise BiotransferError(
                    f"{name}.parquet of task {uid} is damaged ({error}) and was removed. "
                    "The same command runs that task again."
                ) from error
        return pd.concat(parts, ignore_index=True)

    def sweep(self, keep: set[str]) -> None:
        """Remove what a killed run left half-written, and outcomes of other data."""
        for part in [*self.tasks.parent.glob(".*.part"), *self.weights.glob(".*.part")]:
            part.unlink(missing_ok=True)
        for path in self.tasks.glob("*"):
            if path.name not in keep:
                shutil.rmtree(path, ignore_errors=True)
