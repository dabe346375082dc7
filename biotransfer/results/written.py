"""A study folder as it is written, and the list of what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ..errors import check, check_option
from ..files import (
    CONTENTS,
    Contents,
    DamagedError,
    list_contents,
    make_folder,
    read_contents,
    read_json,
    remove,
    write_atomically,
    write_json,
    write_proven,
    write_text,
)
from ..tables import write_table
from .results import Results
from .tables import CORE, LONG, TABLES

FORMAT = 4
"""Of a study folder, in index.json and provenance.json. 1 (or none): a way to transfer stood packed in the
column network, ``mlp + coral``. 2: it has a column of its own, ``variant``. 3: verdicts are on transfer arms
alone, and all but "positive" need a positive control. 4: ``index.json`` lists what belongs to the study, with
a checksum of every file. Each is read; those before 4 prove nothing."""


_PROVEN = 4


_OF = "study"


_BESIDE = ("made_from.json", "registration.json")


NEEDED = ("data.json", "verdicts.json", "checks.json", "provenance.json")


def save_results(results: Results, folder: str | Path) -> None:
    """Write the study folder's tables, and list what belongs to it: weights and trials that lie there, too.

    Raises
    ------
    BiotransferError
        For a table that ``TABLES`` does not know; when a file cannot be written.
    """
    folder = Path(folder)
    make_folder(folder)
    remove(folder / CONTENTS)
    recipe_text = yaml.safe_dump(results.recipe, sort_keys=False, allow_unicode=True, width=110)
    write_text(folder / "recipe.yaml", recipe_text)
    tables: Mapping[str, pd.DataFrame] = {
        **{name: getattr(results, name) for name in CORE},
        **results.extras,
    }
    for name, table in tables.items():
        check_option("table", name, TABLES)
        write = partial(write_table, table) if name in LONG else partial(table.to_parquet, index=False)
        write_atomically(folder / f"{name}.parquet", write)
    write_json(folder / "data.json", results.data)
    write_json(folder / "verdicts.json", results.verdict_list)
    write_json(folder / "checks.json", results.checks)
    write_proven(folder / "provenance.json", {**results.provenance, "format": FORMAT})
    beside = [
        *folder.glob("weights/[!.]*"),
        *(path for name in _BESIDE if (path := folder / name).is_file()),
    ]
    names = ["recipe.yaml", *(f"{name}.parquet" for name in tables), *NEEDED]
    names += [path.relative_to(folder).as_posix() for path in beside]
    batches = sorted(folder.glob(f"trials/[!.]*/[!.]*/{CONTENTS}"))
    trials = [path.parent.relative_to(folder / "trials").as_posix() for path in batches]
    list_contents(folder, names, of=_OF, facts={"format": FORMAT, "trials": trials})


def study_contents(folder: Path) -> Contents | None:
    """Return the list of a finished study; None for one of a format before checksums.

    Raises
    ------
    BiotransferError
        When it is no finished study, one of a later version, or its list is not as it was written.
    """
    again = f"Type: biotransfer run RECIPE --out {folder}"
    contents, why = None, ""
    number: Any
    try:
        contents = read_contents(folder, of=_OF)
        number = contents.facts.get("format")
    except DamagedError as error:
        needed = ["recipe.yaml", *(f"{name}.parquet" for name in CORE), *NEEDED]
        absent = [name for name in needed if not (folder / name).exists()]
        check(not absent, f"{str(folder)!r} is no finished study: {', '.join(absent)} missing. {again}")
        said, why = read_json(folder / "provenance.json"), str(error)
        check(isinstance(said, dict), f"{str(folder / 'provenance.json')!r} holds no mapping. {again}")
        number = said.get("format", 1)
    check(
        number in range(1, FORMAT + 1),
        f"{str(folder)!r} has format {number!r}. This version reads formats 1 to {FORMAT}. "
        "Type: pip install --upgrade biotransfer",
    )
    older = number < _PROVEN and not (folder / CONTENTS).exists()
    check(contents is not None or older, f"{str(folder)!r} is not as it was written: {why}. {again}")
    return contents
