"""A study folder read, of any format."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..errors import BiotransferError
from ..files import (
    Contents,
    DamagedError,
    parse_yaml,
    read_json,
    read_yaml,
)
from ..shapes import check_facts, check_table, parse_table
from .older import with_claims, with_variants
from .results import Results
from .tables import CORE, LATER_COLUMNS, LONG, TABLES
from .written import study_contents

_RUN_AGAIN = "Run the study again."


def load_results(folder: str | Path) -> Results:
    """Read a study folder.

    Raises
    ------
    BiotransferError
        When the folder is no finished study, one of a later version, or a file is not as it was written.
    """
    folder = Path(folder)
    contents = study_contents(folder)
    results = _load_unproven(folder) if contents is None else _load_proven(folder, contents)
    _check_shapes(results, folder)
    return results


def _check_shapes(results: Results, folder: Path) -> None:
    """Refuse tables and facts of another kind than what reads them takes."""
    for name in CORE:
        needed = [column for column in TABLES[name] or () if column not in LATER_COLUMNS]
        check_table(getattr(results, name), needed, repr(str(folder / f"{name}.parquet")))
    for name, table in results.extras.items():
        check_table(table, (), repr(str(folder / f"{name}.parquet")))
    check_facts(
        results.recipe,
        results.data,
        results.verdict_list,
        results.checks,
        results.provenance,
        repr(str(folder)),
    )


def _load_proven(folder: Path, contents: Contents) -> Results:
    """Read a folder that lists what belongs to it."""

    def table(name: str) -> pd.DataFrame:
        content, where = contents.read(f"{name}.parquet"), repr(str(folder / f"{name}.parquet"))
        return parse_table(content, where, coded=name in LONG)

    try:
        provenance = contents.read_json("provenance.json")
        if not isinstance(provenance, dict):
            raise DamagedError(f"{str(folder / 'provenance.json')!r} holds no mapping")
        return Results(
            recipe=parse_yaml(
                contents.read("recipe.yaml").decode("utf-8", "replace"), "recipe.yaml", _RUN_AGAIN
            ),
            **{name: table(name) for name in CORE},
            data=contents.read_json("data.json"),
            verdict_list=contents.read_json("verdicts.json"),
            checks=contents.read_json("checks.json"),
            provenance={k: v for k, v in provenance.items() if k not in ("format", "checksum")},
            extras={
                name: table(name)
                for name in TABLES
                if name not in CORE and f"{name}.parquet" in contents.files
            },
        )
    except DamagedError as error:
        raise BiotransferError(
            f"{str(folder)!r} is not as it was written: {error}. All that differs: biotransfer verify "
            f"{folder}; to make it again: biotransfer run RECIPE --out {folder}"
        ) from error


def _load_unproven(folder: Path) -> Results:
    """Read a folder of formats 1 to 3."""
    provenance = read_json(folder / "provenance.json")
    number = provenance.pop("format", 1)

    def table(name: str) -> pd.DataFrame:
        path = folder / f"{name}.parquet"
        return parse_table(path.read_bytes(), repr(str(path)), coded=name in LONG)

    try:
        results = Results(
            recipe=read_yaml(folder / "recipe.yaml", repr(str(folder / "recipe.yaml")), _RUN_AGAIN),
            **{name: table(name) for name in CORE},
            data=read_json(folder / "data.json"),
            verdict_list=read_json(folder / "verdicts.json"),
            checks=read_json(folder / "checks.json"),
            provenance=provenance,
            extras={
                name: table(name)
                for name in TABLES
                if name not in CORE and (folder / f"{name}.parquet").is_file()
            },
        )
        results = with_variants(results) if number == 1 else results
        return with_claims(results) if number < 3 else results
    except BiotransferError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BiotransferError(
            f"{str(folder)!r} of format {number} cannot be read: {error}. "
            f"Type: biotransfer run RECIPE --out {folder}"
        ) from error
