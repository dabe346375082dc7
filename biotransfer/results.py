"""What a study found: long tables and where they come from, as one value and one folder.

The folder is a public contract: other tools read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from .errors import BiotransferError, check, check_option
from .files import (
    CONTENTS,
    Contents,
    DamagedError,
    list_contents,
    make_folder,
    parse_yaml,
    read_contents,
    read_json,
    read_yaml,
    remove,
    write_atomically,
    write_json,
    write_proven,
    write_text,
)
from .shapes import check_facts, check_table, parse_table
from .showing import html_table, one_line, with_picture
from .signals.splits import budget_seconds
from .tables import with_coded_text, write_table
from .transfer.carry import known_arms

CONDITION = ["network", "variant", "protocol"]
"""What is compared under one heading."""
_PLACE = ["direction", *CONDITION]
KEYS = [*_PLACE, "budget", "arm", "split", "subject", "seed"]
CURVES = [*KEYS, "step", "epoch", "split_part", "metric", "value"]
PREDICTIONS = [*KEYS, "window_uid", "y_true", "y_pred", "probabilities"]
LEDGER = [*_PLACE, "arm", "tensor", "part", "action", "trained", "parameters", "reason"]
SOURCES = [*_PLACE, "source", "method", "seed", "trained_on", "subjects", "windows",
           "accuracy", "balanced_accuracy", "chance", "diverged"]  # fmt: skip
TRAININGS = [*_PLACE, "budget", "arm", "split", "seed", "engine",
             "path", "epochs", "best_epoch", "pseudo_labels"]  # fmt: skip
BASELINES = [*_PLACE, "split", "baseline", "permutation", "subject",
             "n_windows", "accuracy", "balanced_accuracy", "chance"]  # fmt: skip
FITS = [*_PLACE, "budget", "split", "fitted", "outside"]
NUISANCE = ["target", "protocol", "stage", "family", "split", "subject", "n_features", "n_windows",
            "accuracy", "balanced_accuracy", "chance"]  # fmt: skip
NUISANCE_TESTS = ["target", "protocol", "stage", "family", "n_subjects", "balanced_accuracy", "null_mean",
                  "null_95", "p", "n_permutations"]  # fmt: skip
SELECTION = [*_PLACE, "split", "what", "name", "score", "error", "chosen", "reason"]
SCORES = [*_PLACE, "budget", "arm", "split", "seed", "score", "value",
          "random_value", "null_mean", "null_sd", "z", "p", "larger_is_better", "n_windows",
          "note"]  # fmt: skip
CHOICES = [*_PLACE, "budget", "fold", "candidate", "values", "arm", "seed", "people", "value"]
_OF_FOLD = [*_PLACE, "budget", "split", "seed"]
LAYERS = [*_OF_FOLD, "arm", "layer", "part", "parameters", "distance", "relative_distance", "cka_initial",
          "cka_source", "cka_scratch", "reset_initial", "reset_fresh"]  # fmt: skip
BARRIERS = [*_OF_FOLD, "first", "second", "position", "loss", "balanced_accuracy"]
ATTRIBUTIONS = [*_OF_FOLD, "arm", "name", "group", "channel", "attribution", "signed", "share", "gap"]
TABLES: dict[str, list[str] | None] = {
    "curves": CURVES,
    "predictions": PREDICTIONS,
    "ledger": LEDGER,
    "sources": SOURCES,
    "trainings": TRAININGS,
    "search": None,
    "choices": CHOICES,
    "baselines": BASELINES,
    "fits": FITS,
    "nuisance": NUISANCE,
    "nuisance_tests": NUISANCE_TESTS,
    "selection": SELECTION,
    "scores": SCORES,
    "layers": LAYERS,
    "barriers": BARRIERS,
    "attributions": ATTRIBUTIONS,
    "account": None,
    "account_files": None,
}
"""Every table a task may write, by name, with its columns; None where a method chooses them itself. The first
four are fields of :class:`Results`, all others are found in ``Results.extras``."""
CORE = ("curves", "predictions", "ledger", "sources")
_LATER = ("diverged",)
"""Columns that studies did not always write."""
LONG = ("curves", "predictions")
"""Of them, those of millions of rows: text is categories in memory, probabilities are Arrow's lists."""
VERDICTS = ["direction", "source", "target", *CONDITION, "budget", "arm", "role", "against", "controls",
            "metric", "n_subjects", "n_seeds", "difference", "ci_low", "ci_high", "p", "p_claim", "p_holm",
            "margin", "verdict", "shared", "assay", "assay_gain", "assay_low", "assay_high", "assay_p",
            "obstacle", "detectable_difference", "detectable_low", "detectable_high", "spread", "seed_share",
            "subjects_needed", "subjects_low", "subjects_high", "p_people", "preregistration",
            "sentence"]  # fmt: skip
FORMAT = 4
"""Of a study folder, in index.json and provenance.json. 1 (or none): a way to transfer stood packed in the
column network, ``mlp + coral``. 2: it has a column of its own, ``variant``. 3: verdicts are on transfer arms
alone, and all but "positive" need a positive control. 4: ``index.json`` lists what belongs to the study, with
a checksum of every file. Each is read; those before 4 prove nothing."""
_PROVEN = 4
_RUN_AGAIN = "Run the study again."
_OF = "study"
PAGES = ("report.html", "methods.md")
"""Of a study folder, what is written of the results."""
_BESIDE = ("made_from.json", "registration.json")
_NEEDED = ("data.json", "verdicts.json", "checks.json", "provenance.json")


@dataclass(frozen=True)
class Direction:
    """From which data to which.

    Parameters
    ----------
    source, target : str
        "eeg", "emg" or names of the recipe's ``sets``.

    Examples
    --------
    >>> str(Direction("emg", "eeg")), Direction.read("emg->eeg").target
    ('emg->eeg', 'eeg')
    """

    source: str
    target: str

    @classmethod
    def read(cls, text: str) -> Direction:
        """Return the direction that recipes and tables write as ``text``.

        Raises
        ------
        BiotransferError
            When it names no two ends.
        """
        ends = str(text).split("->")
        check(
            len(ends) == 2 and all(ends),
            f"direction={text!r} names no two ends. Expected source->target, such as emg->eeg.",
        )
        return cls(*ends)

    def __str__(self) -> str:
        return f"{self.source}->{self.target}"

    @property
    def slug(self) -> str:
        """For names of files and anchors."""
        return f"{self.source}-to-{self.target}"


class Verdicts(pd.DataFrame):
    """The verdicts of a study, a DataFrame; Jupyter shows them as a figure and in plain words.

    What is selected or computed of it is a plain DataFrame.
    """

    @property
    def _constructor(self) -> type[pd.DataFrame]:
        return pd.DataFrame

    def _repr_html_(self) -> str:
        return with_picture(self, "")


@dataclass(frozen=True, eq=False)
class Results:
    """Everything a report needs; nothing in it is recomputed from signals.

    Parameters
    ----------
    recipe : dict
        The resolved recipe.
    curves : DataFrame
        One row per direction x network x variant x protocol x budget x arm x split x subject x seed x step x
        split_part x metric. ``direction`` is text, see ``directions``. ``variant`` is the label of one of the
        recipe's ``methods``, "" for the recipe itself. ``budget`` is text: "all", or the labelled seconds
        per class such as "5" or "0.5". ``step`` 0 is before any update, ``epoch`` counts passes (0 at step
        0). Rows of the training part pool all people: their subject is "*".
    predictions : DataFrame
        One row per test window after the last update; ``probabilities`` is a list, one per class (see
        ``tables.list_matrix``). Text in both long tables is categorical: group them with ``observed=True``.
    ledger : DataFrame
        For every arm and tensor: copied, adapted, fresh, permuted or redrawn, and why.
    sources : DataFrame
        What the source networks reach on people they were not trained on.
    data : dict
        By modality: facts, counts, notes and excerpts of the signals (see ``studies.running.describe``).
    verdict_list : list of dict
        The comparison of every arm, see ``verdicts.compare``.
    checks : list of dict
        Findings about the study itself: id, name, severity, message, mend.
    provenance : dict
        Versions, commit, machine, data hashes, seeds, command, times.
    extras : dict of str to DataFrame
        Further tables by name, see ``TABLES``; those that the study has.
    """

    recipe: dict[str, Any]
    curves: pd.DataFrame
    predictions: pd.DataFrame
    ledger: pd.DataFrame
    sources: pd.DataFrame
    data: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    verdict_list: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    extras: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def verdicts(self) -> Verdicts:
        """The verdicts as a table."""
        return Verdicts(self.verdict_list, columns=VERDICTS)

    @cached_property
    def directions(self) -> dict[str, Direction]:
        """The recipe's directions, by the text that stands for them in tables."""
        return {str(text): Direction.read(text) for text in self.recipe["directions"]}

    @cached_property
    def budgets(self) -> list[str]:
        """Budgets of labels that were run, from the smallest."""
        return sorted(map(str, self.curves["budget"].unique()), key=budget_seconds)

    def at_budget(self, budget: str) -> Results:
        """Return what was found with one budget of labels.

        Parameters
        ----------
        budget : str
            As the tables write it: "all", or seconds such as "5".

        Raises
        ------
        BiotransferError
            When there is no such budget.
        """
        check_option("budget", budget, self.budgets)

        def part(table: pd.DataFrame) -> pd.DataFrame:
            return table[table["budget"] == budget].reset_index(drop=True) if "budget" in table else table

        return replace(
            self,
            curves=part(self.curves),
            predictions=part(self.predictions),
            verdict_list=[row for row in self.verdict_list if row["budget"] == budget],
            extras={name: part(table) for name, table in self.extras.items()},
        )

    def at_largest_budget(self) -> Results:
        """Return what was found with the most labels; these results where there is one budget."""
        return self if len(self.budgets) < 2 else self._at_largest_budget

    @cached_property
    def _at_largest_budget(self) -> Results:
        return self.at_budget(self.budgets[-1])

    @cached_property
    def recordings(self) -> np.ndarray:
        """Of every row of ``predictions`` the recording's number, in the order of their names."""
        uids, names = pd.factorize(self.predictions["window_uid"])
        recordings = pd.Series(names).astype(str).str.rsplit("@", n=1).str[0]
        return pd.factorize(recordings, sort=True)[0][uids]

    def __repr__(self) -> str:
        return one_line(f"Results: {len(self.verdict_list)} verdicts on {self.recipe.get('title', '')!r}")

    def _repr_html_(self) -> str:
        facts = {
            "study": str(self.recipe.get("title", "")),
            "question": str(self.recipe.get("question", "")),
            "trainings": str(self.curves.groupby([*KEYS[:-2], "seed"], observed=True).ngroups),
        }
        return with_picture(self, html_table(facts))


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
    names = ["recipe.yaml", *(f"{name}.parquet" for name in tables), *_NEEDED]
    names += [path.relative_to(folder).as_posix() for path in beside]
    batches = sorted(folder.glob(f"trials/[!.]*/[!.]*/{CONTENTS}"))
    trials = [path.parent.relative_to(folder / "trials").as_posix() for path in batches]
    list_contents(folder, names, of=_OF, facts={"format": FORMAT, "trials": trials})


def note_page(path: Path) -> None:
    """Note the checksum of a page that was written into a study folder."""
    if (path.parent / CONTENTS).exists():
        list_contents(path.parent, [path.name], of=path.name, name=_sum_beside(path).name)


def page_damage(path: Path) -> str:
    """Return what is wrong with a page of a study folder; "" where it is as it was written."""
    try:
        contents = read_contents(path.parent, of=path.name, name=_sum_beside(path).name)
        contents.proven(path.name)
    except DamagedError as error:
        return str(error)
    return ""


def forget_page(path: Path) -> None:
    """Remove a page and its checksum."""
    remove(path)
    remove(_sum_beside(path))


def _sum_beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.json")


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
        needed = ["recipe.yaml", *(f"{name}.parquet" for name in CORE), *_NEEDED]
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
        needed = [column for column in TABLES[name] or () if column not in _LATER]
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
        results = _with_variants(results) if number == 1 else results
        return _with_claims(results) if number < 3 else results
    except BiotransferError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BiotransferError(
            f"{str(folder)!r} of format {number} cannot be read: {error}. "
            f"Type: biotransfer run RECIPE --out {folder}"
        ) from error


_OLDER = "judged by an older rule, without a positive control; biotransfer run on its recipe judges it again"


def _with_claims(results: Results) -> Results:
    """Upgrade formats 1 and 2: what was said without a positive control is not assayable."""
    roles = {label: arm.role for label, arm in known_arms(results.recipe["arms"]).items()}

    def upgraded(old: dict[str, Any]) -> dict[str, Any]:
        new = {**dict.fromkeys(VERDICTS), "controls": [], **old, "role": roles.get(old["arm"], "transfer")}
        if new["role"] != "transfer":
            return {**new, "verdict": None, "p_holm": None}
        if old["verdict"] == "positive":
            return new
        told = old["sentence"].rpartition(":")[0] or old["sentence"]
        sentence = f"{told}: not assayable; {_OLDER}."
        return {**new, "verdict": "not_assayable", "obstacle": _OLDER, "sentence": sentence}

    return replace(results, verdict_list=[upgraded(row) for row in results.verdict_list])


def _with_variants(results: Results) -> Results:
    """Upgrade format 1: give the way to transfer, packed as "network + label", a column of its own."""
    methods = results.recipe.get("methods") or []
    names = [spec["name"] for spec in results.recipe["network"]]
    unpacked = {f"{name} + {item['label']}": (name, item["label"]) for name in names for item in methods}

    def table(name: str, old: pd.DataFrame) -> pd.DataFrame:
        if "network" not in old:
            return old
        pairs = [unpacked.get(text, (text, "")) for text in old["network"]]
        new = old.assign(network=[name for name, _ in pairs])
        new.insert(list(new).index("network") + 1, "variant", [label for _, label in pairs])
        later = [column for column in TABLES.get(name) or [] if column not in new]
        if name in ("trainings", "sources"):
            new = new.assign(**dict.fromkeys(later, ""))
        return with_coded_text(new) if name in LONG else new

    def verdict(old: dict[str, Any]) -> dict[str, Any]:
        network, variant = unpacked.get(old["network"], (old["network"], ""))
        return {**old, "network": network, "variant": variant}

    return replace(
        results,
        **{name: table(name, getattr(results, name)) for name in CORE},
        verdict_list=[verdict(row) for row in results.verdict_list],
        extras={name: table(name, old) for name, old in results.extras.items()},
    )
