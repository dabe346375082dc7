"""A finished study run again from its stored recipe, and its tables compared with the stored ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...errors import check
from ...progress import Shown
from ...results import CORE, Results, load_results
from ...settings import number
from ...showing import html_table, one_line
from .provenance import MACHINE
from .run import run_study

OTHER_MACHINE = 0.05
"""What may differ on another machine: this share of a table's rows by more than this, as a part of the value
above 1; the words of verdicts may not."""
_WORDS = ("verdict", "role", "against", "n_subjects", "n_seeds", "obstacle")


@dataclass(frozen=True)
class Difference:
    """A column of a table that is not as it was.

    Parameters
    ----------
    table, column : str
        Which; the column is "" where the rows themselves are others.
    rows, of : int
        How many rows differ, of how many.
    largest : float
        The largest difference of a number, NaN of anything else.
    allowed : bool
        Whether the tolerance covers it.
    """

    table: str
    column: str
    rows: int
    of: int
    largest: float
    allowed: bool

    def __str__(self) -> str:
        """Say it in a sentence."""
        if not self.column:
            return f"{self.table}: {self.rows} rows, stored are {self.of}."
        by = "" if np.isnan(self.largest) else f", by {self.largest:.3g} at most"
        return f"{self.table}: {self.column} differs in {self.rows} of {self.of} rows{by}."


@dataclass(frozen=True, eq=False)
class Rerun:
    """A study beside itself.

    Parameters
    ----------
    folder : Path
        The stored study.
    tolerance : float
        What may differ; 0 where the machine and the libraries are the same.
    other : dict of str to tuple of str
        What of the machine or the libraries differs: what is stored, what is here.
    n_tables, n_rows : int
        What was compared.
    differences : tuple of Difference
        Everything that is not bit by bit the same.
    """

    folder: Path
    tolerance: float
    other: Mapping[str, tuple[str, str]]
    n_tables: int
    n_rows: int
    differences: tuple[Difference, ...]

    @property
    def holds(self) -> bool:
        """Whether the study came out again, within the tolerance."""
        return all(difference.allowed for difference in self.differences)

    def __str__(self) -> str:
        """Say what came out, line by line."""
        lines = [
            f"{name}: stored {then or 'not said'}, here {now or 'none'}"
            for name, (then, now) in self.other.items()
        ]
        lines += [f"{'allowed' if d.allowed else 'differs'}: {d}" for d in self.differences]
        how = "bit by bit" if not self.differences else f"within {self.tolerance:g}"
        said = f"the same {how}" if self.holds else "not the same"
        return "\n".join([*lines, f"{self.n_tables} tables, {self.n_rows} rows: {said}"])

    def __repr__(self) -> str:
        return one_line(f"Rerun of {str(self.folder)!r}: {str(self).splitlines()[-1]}")

    def _repr_html_(self) -> str:
        return html_table({f"{d.table} {d.column}": str(d) for d in self.differences} or {"all": repr(self)})


def rerun_study(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    workers: int = 1,
    device: str = "cpu",
    tolerance: float | None = None,
    progress: Shown = "auto",
) -> Rerun:
    """Run the recipe of a finished study again, in another folder, and compare the tables and verdicts.

    Parameters
    ----------
    folder : path
        The study; nothing in it is changed.
    out : path, optional
        Where to run it; default a temporary folder, which is removed.
    data_dir, workers, device, progress
        See :func:`run_study`.
    tolerance : float, optional
        Default: 0, every bit, where processor, libraries and device are those of the stored study; else 0.05:
        of each column 5 % of the rows may differ by more than 0.05, as a part of the value where that is
        above 1, and no verdict may be another one.

    Returns
    -------
    Rerun

    Raises
    ------
    BiotransferError
        When the folder holds no finished study, ``out`` is not empty, or the study cannot run.
    """
    folder = Path(folder)
    stored = load_results(folder)
    tolerance = None if tolerance is None else number(0, 1)("tolerance", tolerance, 0.05)
    check(
        out is None or not Path(out).exists() or not any(Path(out).iterdir()),
        f"out={str(out)!r} is not empty: what is there would not be run again. Pass another folder.",
    )
    with ExitStack() as stack:
        aside = None if out is not None else stack.enter_context(tempfile.TemporaryDirectory())
        again = run_study(
            folder / "recipe.yaml",
            Path(out) if out is not None else Path(str(aside)) / "study",
            data_dir=data_dir,
            workers=workers,
            device=device,
            progress=progress,
        ).results
    other = {
        name: (str(stored.provenance.get(name, "")), str(again.provenance.get(name, "")))
        for name in MACHINE
        if stored.provenance.get(name) != again.provenance.get(name)
    }
    allowed = tolerance if tolerance is not None else OTHER_MACHINE if other else 0.0
    tables = _tables(stored), _tables(again)
    return Rerun(
        folder,
        allowed,
        other,
        len(tables[0]),
        sum(map(len, tables[0].values())),
        tuple(compare_tables(*tables, allowed)),
    )


def _tables(results: Results) -> dict[str, pd.DataFrame]:
    core = {name: getattr(results, name) for name in CORE}
    return {**core, **results.extras, "verdicts": results.verdicts}


def compare_tables(
    stored: Mapping[str, pd.DataFrame], again: Mapping[str, pd.DataFrame], tolerance: float
) -> Iterator[Difference]:
    """Yield the columns that are not bit by bit the same.

    Parameters
    ----------
    stored, again : mapping of str to DataFrame
        By name, with rows in the same order.
    tolerance : float
        See :func:`rerun_study`.
    """
    for name in dict.fromkeys([*stored, *again]):
        ours, theirs = stored.get(name, pd.DataFrame()), again.get(name, pd.DataFrame())
        if len(ours) != len(theirs):
            yield Difference(name, "", len(theirs), len(ours), float("nan"), False)
            continue
        for column in dict.fromkeys([*ours, *theirs]):
            if column not in ours or column not in theirs:
                yield Difference(name, column, len(ours), len(ours), float("nan"), False)
                continue
            found = _compare(name, column, ours[column], theirs[column], tolerance)
            if found is not None:
                yield found


def _compare(
    table: str, column: str, ours: pd.Series, theirs: pd.Series, tolerance: float
) -> Difference | None:
    a, b = _numbers(ours), _numbers(theirs)
    n = len(ours)
    if a is None or b is None or a.shape != b.shape:
        differs = np.array([_plain(x) != _plain(y) for x, y in zip(ours, theirs, strict=True)], bool)
        if not differs.any():
            return None
        words = table == "verdicts" and column in _WORDS
        allowed = not words and tolerance > 0 and (column == "sentence" or differs.mean() <= tolerance)
        return Difference(table, column, int(differs.sum()), n, float("nan"), bool(allowed))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return None
    away = np.where(same, 0.0, np.abs(a - b))
    away = np.where(np.isnan(away), np.inf, away)
    far = (away > tolerance * np.maximum(1.0, np.nan_to_num(np.abs(a)))).reshape(n, -1).any(axis=1)
    rows = int((~same).reshape(n, -1).any(axis=1).sum())
    allowed = tolerance > 0 and far.mean() <= tolerance
    return Difference(table, column, rows, n, float(away.max()), bool(allowed))


def _numbers(values: pd.Series) -> np.ndarray | None:
    """Return numbers, of lists of one length as a matrix; None of anything else."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    try:
        return np.stack([np.asarray(value, dtype=np.float64) for value in values]) if len(values) else None
    except (TypeError, ValueError):
        return None


def _plain(value: Any) -> Any:
    """Return what can be compared: a missing value is one, whatever stands for it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return None if value is None or value is pd.NA or value != value else value
