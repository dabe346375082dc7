"""What a recipe would run, what is wrong, how long it takes and what it could find: nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import check
from ...evidence.checks import refuse_errors, run_guards
from ...evidence.reading import data_label, direction_label, network_label, protocol_label
from ...evidence.stats import smallest_p
from ...evidence.verdicts import FEWEST_SEEDS
from ...progress import Shown, shown
from ...showing import html_rows, html_table, one_line
from ...signals.account import say_account
from ...signals.splits import ALL, budget_label
from ..recipe import Recipe, load_recipe
from .assay import say_mappings, say_proofs
from .estimate import count_trainings, estimate_seconds
from .foresight import Foresight, foresee
from .glance import worst_first
from .plan import Plan
from .processes import kept_processes
from .registering import say_registration
from .run import prepare
from .tasks import lay_out, rehearse

_FACTS = ("dataset", "n_subjects", "n_windows", "n_recordings", "classes", "preprocessing_text")
_LONG_MINUTES, _LONG_HOURS = 90, 5400


@dataclass(frozen=True, eq=False)
class Checked:
    """What is known of a study before it runs.

    Parameters
    ----------
    title, uid : str
        Of the recipe.
    sides : dict
        By side: facts of its data, ``account``, ``decisions`` and ``findings``, the most severe first.
    folds : list of dict
        For every target, split rule and network how many folds, whether they leak, and what budgets label.
    guards : list of dict
        What could stop the study, see ``evidence.checks.run_guards``.
    foresights : list of Foresight
        What each direction could find; none where an error stops the study.
    proofs, mappings : list of str
        Which control will prove each design; which designs carry a network to inputs of another meaning.
    registered : str
        When the recipe's hypotheses were fixed, and what changed since; "" where none are.
    n_trainings, n_tasks, workers : int
        How much would run, and by how many processes.
    seconds : float
        About how long.
    """

    title: str
    uid: str
    sides: Mapping[str, Mapping[str, Any]]
    folds: Sequence[Mapping[str, Any]]
    guards: Sequence[Mapping[str, Any]]
    foresights: Sequence[Foresight] = ()
    proofs: Sequence[str] = ()
    mappings: Sequence[str] = ()
    registered: str = ""
    n_trainings: int = 0
    n_tasks: int = 0
    workers: int = 1
    seconds: float = 0.0

    @property
    def stopped(self) -> bool:
        """Whether an error that the recipe does not accept stops the study."""
        return any(item["severity"] == "error" and not item["accepted"] for item in self.guards)

    @property
    def can_find(self) -> bool:
        """Whether any claim could be called positive."""
        return any(foresight.detectable.value is not None for foresight in self.foresights)

    @property
    def n_errors(self) -> int:
        """Kinds of error in the recordings."""
        return sum(f["severity"] == "error" for side in self.sides.values() for f in side["findings"])

    @property
    def outcome(self) -> str:
        """What it comes to, in a sentence."""
        if self.stopped:
            return "The study cannot run: an error said above stops it."
        if self.n_errors:
            kinds = f"{self.n_errors} kind{'s' * (self.n_errors > 1)} of error in the recordings"
            return f"The study can run, but {kinds}, said above, should be mended first."
        if not self.can_find:
            return f"Nothing stops the study, but it can find nothing: {self._too_little()}"
        warned = sum(item["severity"] in ("warning", "error") for item in self.guards)
        warned += sum(f["severity"] == "warning" for side in self.sides.values() for f in side["findings"])
        if warned:
            return f"Nothing stops the study; {warned} warning{'s' * (warned > 1)} said above."
        return "Nothing is wrong."

    def _too_little(self) -> str:
        """Say what keeps every claim from being called positive, and what would do."""
        designs = [foresight.design for foresight in self.foresights]
        if not designs:
            return "no arm claims anything. Name one that transfers, such as transferred."
        most = max(designs, key=lambda design: design.n_people)
        if most.n_seeds < FEWEST_SEEDS:
            return f"{most.n_seeds} seeds explore, a claim takes {FEWEST_SEEDS}. Raise seeds."
        least = smallest_p(most.n_people)
        allowed = int(most.alpha / least + 1e-9)
        if not allowed:
            return (
                f"with {most.n_people} people p is {least:.2g} or more, whatever is found. Six people are "
                "the least."
            )
        if most.n_claims > allowed:
            return (
                f"with {most.n_people} people p is {least:.2g} or more, which allows {allowed} "
                f"claim{'s' * (allowed > 1)}, and this study makes {most.n_claims}: every direction, "
                "network, budget and arm that transfers is one. Make fewer, such as --set "
                '"directions=[emg->eeg]" and transferred alone; controls are no claims.'
            )
        return "seeds or people are too few. Raise seeds, or record more people."

    def refuse(self) -> None:
        """Stop where an error stops the study.

        Raises
        ------
        BiotransferError
            With the check, what it found and how to mend it.
        """
        refuse_errors(self.guards)

    def lines(self) -> list[str]:
        """Return everything as text, findings ranked by weight."""
        said = [f"{self.title}  (recipe {self.uid})"]
        for name, side in self.sides.items():
            said.append(
                f"  {data_label(name)}: {side['dataset']}, {side['n_subjects']} people, {side['n_windows']} "
                f"windows, classes {', '.join(side['classes'])}"
            )
            said += [f"    {line}" for line in (side["preprocessing_text"], *side["decisions"])]
            said += [f"    {line}" for line in side["account"]]
            said += [f"    {f['severity']}: {f['kind']}: {f['message']}" for f in side["findings"]]
        for fold in self.folds:
            leaks = ", LEAKS: near copies of test windows are trained on" if fold["leaks"] else ""
            said.append(
                f"  {fold['network']} on {data_label(fold['target'])}, tested on "
                f"{protocol_label(fold['protocol'])}: {fold['folds']} folds{leaks}"
            )
            said += [f"    {line}" for line in fold["budgets"]]
        for item in worst_first([dict(item) for item in self.guards if item["severity"] != "ok"]):
            accepted = f", accepted: {item['accepted']}" if item["accepted"] else ""
            said.append(f"  {item['id']} {item['severity']}{accepted}: {item['message']}")
        if self.stopped:
            return said
        said += [f"  {line}" for line in (*self.foresights, *self.proofs, *self.mappings)]
        said += [f"  {self.registered}"] if self.registered else []
        workers = f"{self.workers} worker{'s' * (self.workers > 1)}"
        said.append(
            f"  {self.n_trainings} trainings in {self.n_tasks} tasks, about {say_duration(self.seconds)} "
            f"with {workers}"
        )
        return [*said, f"{self.outcome} Nothing was kept of the few epochs that were tried to tell the time."]

    def plain(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "title": self.title,
            "recipe_uid": self.uid,
            "sides": {name: dict(side) for name, side in self.sides.items()},
            "folds": [dict(fold) for fold in self.folds],
            "guards": [dict(item) for item in self.guards],
            "foresights": [foresight.plain() for foresight in self.foresights],
            "proofs": list(self.proofs),
            "mappings": list(self.mappings),
            "registered": self.registered,
            "n_trainings": self.n_trainings,
            "n_tasks": self.n_tasks,
            "workers": self.workers,
            "seconds": round(self.seconds, 1),
            "stopped": self.stopped,
            "can_find": self.can_find,
            "outcome": self.outcome,
        }

    def __repr__(self) -> str:
        return one_line(f"Checked {self.title!r}: {self.outcome}")

    def _repr_html_(self) -> str:
        facts: dict[str, object] = {"study": self.title}
        for name, side in self.sides.items():
            facts[data_label(name)] = f"{side['dataset']}, {side['n_subjects']} people"
        facts |= {"trainings": self.n_trainings, "time": f"about {say_duration(self.seconds)}"}
        facts["outcome"] = self.outcome
        found = [
            (data_label(name), f["severity"], f["kind"].replace("_", " "), f["message"])
            for name, side in self.sides.items()
            for f in side["findings"]
        ]
        found += [
            ("study", g["severity"], g["id"], g["message"]) for g in self.guards if g["severity"] != "ok"
        ]
        could = [
            (
                direction_label(f.direction), network_label(f.network, f.variant),
                protocol_label(f.protocol), budget_label(f.budget), f.found,
            )
            for f in self.foresights
        ]  # fmt: skip
        return (
            html_table(facts)
            + (
                html_rows(("direction", "network", "tested on", "labels", "could find"), could)
                if could
                else ""
            )
            + (html_rows(("where", "severity", "what", "message"), found) if found else "")
        )


def check_study(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    *,
    data_dir: str | Path | None = None,
    overrides: Sequence[str] = (),
    workers: int = 1,
    smoke: bool = False,
    spread: str | float | None = None,
    progress: Shown = "auto",
) -> Checked:
    """Say what a recipe would run, what is wrong, how long it takes and what it could find; keep nothing.

    Parameters
    ----------
    recipe, data_dir, overrides, workers, smoke, progress
        See :func:`run_study`; nothing is downloaded.
    spread : float or path, optional
        Standard deviation of gains between people as a share, or the folder of an earlier study.

    Returns
    -------
    Checked
        Where an error stops the study it says so, and holds no estimates.

    Raises
    ------
    BiotransferError
        When the recipe is wrong or its data are not there.
    """
    check(workers >= 1, f"workers={workers}. Expected 1 or more.")
    recipe = load_recipe(recipe, overrides, smoke=smoke)
    with shown(progress) as told, kept_processes():
        plan = prepare(recipe, data_dir, download=False, workers=workers, progress=told)
        if told is not None:
            told("trying each kind of training once", 0, 1)
        rehearse(plan)
        found = Checked(
            recipe.title, recipe.uid, _sides(plan), _folds(plan), run_guards(plan), workers=workers
        )
        if found.stopped:
            return found
        found = Checked(
            found.title, found.uid, found.sides, found.folds, found.guards, foresee(plan, spread),
            say_proofs(plan), say_mappings(plan), say_registration(recipe), count_trainings(plan),
            len(lay_out(plan)), workers, estimate_seconds(plan, workers),
        )  # fmt: skip
        if told is not None:
            told("trying each kind of training once", 1, 1)
        return found


def _sides(plan: Plan) -> dict[str, dict[str, Any]]:
    return {
        name: {
            **{key: side.about.get(key) for key in _FACTS},
            "decisions": [str(decision) for decision in side.about.get("decisions", ())],
            "account": say_account(side.account["account"], side.account["account_files"])
            if side.account
            else [],
            "findings": worst_first(list(side.about.get("findings", ()))),
        }
        for name, side in plan.sides.items()
    }


def _folds(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "target": target,
            "protocol": protocol,
            "network": network,
            "folds": len(splits),
            "leaks": bool(splits[0].leaks),
            "budgets": _budgets(plan, target, protocol, network),
        }
        for (target, protocol, network), splits in plan.splits.items()
    ]


def _budgets(plan: Plan, target: str, protocol: str, network: str) -> list[str]:
    """Say how many windows every budget labels; nothing where all are labelled."""
    lines = []
    for budget in plan.budgets if plan.budgets != [ALL] else []:
        folds = plan.labelled[target, protocol, network, budget]
        counts = [
            f"{min(sizes)} to {max(sizes)} {what}"
            for what, sizes in (
                ("labelled windows", [len(fold.train) for fold in folds]),
                ("without label", [len(fold.unlabelled) for fold in folds]),
                ("tested", [len(fold.test) for fold in folds]),
            )
        ]
        lines.append(f"{budget_label(budget)}: {', '.join(counts)} per fold")
    return lines


def say_duration(seconds: float) -> str:
    """Write about how long something takes.

    Examples
    --------
    >>> say_duration(75), say_duration(600), say_duration(9000)
    ('75 s', '10 min', '2.5 h')
    """
    if seconds < _LONG_MINUTES:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < _LONG_HOURS else f"{seconds / 3600:.1f} h"
