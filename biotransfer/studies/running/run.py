"""Recipe -> plan -> trials -> Results: cache, resume and workers. The only module that calls across."""

from __future__ import annotations

import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from ...errors import check
from ...evidence.checks import refuse_errors, run_checks, run_guards, say_accepted
from ...evidence.reading import chance_of
from ...evidence.verdicts import compare
from ...files import DamagedError
from ...progress import Progress, Shown, shown
from ...results import CORE, SOURCES, Results, page_damage, save_results
from ...showing import html_table, one_line, upstairs
from ...signals.recording import Recording
from ...signals.windows import Windows
from ..recipe import Recipe, load_recipe
from .accounting import join_accounts
from .cache import sweep_cache
from .collect import collect_finds, collect_tables
from .data import Request, Side, data_sections, file_bytes, is_stored, open_request, smoke_people
from .folder import (
    check_folder,
    claim_folder,
    default_folder,
    earlier_provenance,
    finished_results,
    is_read_only,
    mark_finished,
    mark_unfinished,
    note_machine,
    outcome_uid,
    read_claim,
)
from .given import keep_given
from .lock import only_writer
from .orders import Order, portions
from .plan import Plan, plan_study
from .processes import each_in_processes, import_in_processes, import_what_follows, kept_processes
from .provenance import describe_run
from .registering import keep_registration, say_registered
from .store import TrialStore, export_weights
from .tasks import CHOOSING, STAGES, Planned, Ref, lay_out, rehearse
from .workers import Crew

_ATTEMPTS = 3
_TRAINING = (
    "biotransfer.transfer.pretrain",
    "biotransfer.learning.training.compiled",
    "biotransfer.evidence.baselines.shallow",
)


@dataclass(frozen=True, eq=False)
class Study:
    """One execution of a recipe.

    Parameters
    ----------
    folder : Path
        The study folder.
    recipe : Recipe
        What was asked.
    results : Results
        What was found.
    unchanged : bool
        Whether it was all there: same recipe, same data, same code.
    trials_run : mapping of str to int
        How many trials of each kind were run; the others were there.
    mended : tuple of str
        What was found in the folder that was not as it was written, and was made again.
    """

    folder: Path
    recipe: Recipe
    results: Results
    unchanged: bool = False
    trials_run: Mapping[str, int] = field(default_factory=dict)
    mended: tuple[str, ...] = ()

    @property
    def report(self) -> Path:
        """The HTML report; written by :func:`biotransfer.write_report`."""
        return self.folder / "report.html"

    def __repr__(self) -> str:
        return one_line(f"Study {self.recipe.title!r} in {self.folder}")

    def _repr_html_(self) -> str:
        return html_table({"folder": str(self.folder)}) + self.results._repr_html_()

    def show(self, height: int = 720) -> None:
        """Show the report below the cell of a notebook; elsewhere in the browser.

        Parameters
        ----------
        height : int
            In pixels.

        Raises
        ------
        BiotransferError
            When the report is not there and cannot be written.
        """
        if not self.report.exists() or page_damage(self.report):
            upstairs("report:write_report")(self.results, self.report)
        upstairs("notebook.inline:show_page")(self.report, height)


def prepare(
    recipe: Recipe,
    data_dir: str | Path | None = None,
    *,
    download: bool = True,
    workers: int = 1,
    progress: Progress | None = None,
) -> Plan:
    """Load the data of a recipe and lay out its trainings.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    data_dir : path, optional
        Folder of data sets.
    download : bool
        Whether missing data may be fetched.
    workers : int
        Processes that prepare what is not in the cache.
    progress : callable, optional
        Told (what, done, total).
    """
    sections = data_sections(recipe)
    where = None if data_dir is None else str(data_dir)
    tested = {direction.target for direction in recipe.directions}
    requests = {
        name: Request(
            section,
            recipe.features,
            where,
            smoke_people(recipe, name),
            download,
            recipe.nuisance if name in tested and not section.gives_windows else None,
        )
        for name, section in sections.items()
    }
    sides: dict[str, Side] = {}
    with kept_processes():
        for name, side in open_sides(requests, workers):
            if progress:
                progress(f"loading {name}: {side.about['dataset']}", len(sides), len(sections))
            sides[name] = side
    sides = {name: sides[name] for name in sections}
    if progress:
        progress("data loaded", len(sections), len(sections))
    return plan_study(recipe, sides)


def open_sides(requests: Mapping[str, Request], workers: int) -> Iterator[tuple[str, Side]]:
    """Yield sides as they are there; several that are not stored are prepared side by side, large first."""
    missing = [name for name in requests if workers > 1 and not is_stored(requests[name])]
    if len(missing) > 1:
        missing.sort(key=lambda name: -file_bytes(requests[name]))
        given = [(name, requests[name]) for name in missing]
        try:
            for i, opened in enumerate(each_in_processes(_open, given, workers)):
                if not i:
                    import_in_processes(*_TRAINING)
                yield opened
        except BaseException:
            sweep_cache()
            raise
        requests = {name: request for name, request in requests.items() if name not in missing}
    for name, request in requests.items():
        yield name, open_request(request)


def _open(name: str, request: Request) -> tuple[str, Side]:
    return name, open_request(request)


def run_study(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    out: str | Path | None = None,
    *,
    recordings: Mapping[str, Recording | Sequence[Recording]] | None = None,
    windows: Mapping[str, Windows] | None = None,
    data_dir: str | Path | None = None,
    overrides: Sequence[str] = (),
    workers: int = 1,
    cluster: str | Path | Mapping[str, Any] | None = None,
    device: str = "cpu",
    smoke: bool = False,
    note: str = "",
    progress: Shown = "auto",
) -> Study:
    """Run a recipe, or continue it where it stopped.

    Parameters
    ----------
    recipe : path, name of a shipped recipe, mapping or Recipe
        What to do.
    out : path, optional
        Study folder; default ``studies/<recipe>-<uid>``.
    recordings : mapping of str to sequence of Recording, optional
        Your own data by side, ``{"emg": [...], "eeg": [...]}``, instead of those that the recipe names: what
        from_raws, from_arrays, from_folder, from_bids, ... return. The recipe's preprocess and windows of
        that side hold.
    windows : mapping of str to Windows, optional
        Likewise, windows that are cut already; the recipe's preprocess and windows of that side do not
        count, and what should not carry the label is not measured there: it needs the unfiltered signal.
    data_dir : path, optional
        Folder of data sets; else ``BIOTRANSFER_DATA``, the MNE data directory, or a download.
    overrides : sequence of str
        ``"key.subkey=value"``.
    workers : int
        Processes; results do not depend on it.
    cluster : str, path or mapping, optional
        Dask workers to run on instead: the address of a scheduler, or a YAML file or its content, such as
        ``{"name": "slurm", "jobs": 4, "cores": 1, "memory": "8GB"}``. Default: the recipe's ``cluster``.
    device : str
        "cpu" or "cuda".
    smoke : bool
        Three people, one seed, two epochs.
    note : str
        Goes to provenance.json and the report.
    progress : "auto", callable or None
        A function is told (what, done, total). "auto" shows a bar in Jupyter and in a terminal.

    Returns
    -------
    Study
        Its ``results`` hold the tables and verdicts; the report is written by ``write_report``.

    Notes
    -----
    Data that are given in Python are kept in the cache by their content: the same recordings are the same
    study, wherever they came from. To name them in a recipe, save them with ``save_recordings``.

    Raises
    ------
    BiotransferError
        For anything wrong with the request, before training.
    """
    check(workers >= 1, f"workers={workers}. Expected 1 or more.")
    with shown(progress) as told:
        return _run_study(
            load_recipe(recipe, overrides, smoke=smoke, data=keep_given(recordings, windows)),
            out, data_dir, workers, cluster, device, note, told,
        )  # fmt: skip


def _run_study(
    recipe: Recipe,
    out: str | Path | None,
    data_dir: str | Path | None,
    workers: int,
    cluster: str | Path | Mapping[str, Any] | None,
    device: str,
    note: str,
    progress: Progress | None,
) -> Study:
    if device != "cpu":
        import_module("biotransfer.learning.training.running").check_device(device)
    folder = Path(out) if out is not None else default_folder(recipe)
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    check_folder(folder, recipe)
    held: AbstractContextManager[None] = nullcontext() if is_read_only(folder) else only_writer(folder)
    with kept_processes(), held:
        check_folder(folder, recipe)
        plan = prepare(recipe, data_dir, workers=workers, progress=progress)
        plan, claim = read_claim(folder, plan)
        uid = outcome_uid(plan)
        found, mended = finished_results(folder, uid)
        if found is not None:
            return Study(folder, recipe, found, unchanged=True)
        check(
            not is_read_only(folder),
            f"--out {str(folder)!r} cannot be written, and does not hold this study finished and whole. "
            f"Copy it: cp -r {folder} COPY, and run it with --out COPY.",
        )
        claim_folder(folder, recipe, claim)
        registered = keep_registration(folder, recipe)
        mark_unfinished(folder)
        guarded = run_guards(plan)
        refuse_errors(guarded)
        rehearse(plan)
        with Crew(workers, cluster or recipe.cluster, device) as crew:
            plan, results, trials_run, damaged = _run_plan(plan, folder, crew, progress)
        machines = note_machine(folder) if trials_run.total() else []
        provenance = {} if trials_run.total() else earlier_provenance(folder)
        if provenance.get("recipe_uid") != recipe.uid:
            provenance = describe_run(
                plan,
                results.extras["trainings"],
                started=started,
                seconds=earlier_provenance(folder).get("seconds", 0.0) + time.perf_counter() - clock,
                workers=workers,
                device=device,
                note=note,
                command=_command(),
                trials_run=trials_run,
                machines=machines,
            )
        if registered is not None:
            provenance = {**provenance, "preregistration": registered}
        verdicts = say_registered(say_accepted(results.verdict_list, guarded), registered)
        results = replace(results, provenance=provenance, verdict_list=verdicts)
        results = replace(results, checks=run_checks(results, guarded))
        save_results(results, folder)
        mark_finished(folder, uid)
    return Study(folder, recipe, results, trials_run=trials_run, mended=(*mended, *damaged))


def _command() -> str:
    """Return what was typed, or "Python"."""
    name = Path(sys.argv[0]).name
    return shlex.join(["biotransfer", *sys.argv[1:]]) if name in ("biotransfer", "__main__.py") else "Python"


def _run_plan(
    plan: Plan, folder: Path, crew: Crew, progress: Progress | None
) -> tuple[Plan, Results, Counter[str], list[str]]:
    """Run what is not there yet, and collect everything; what turns out damaged is run again, and told.

    The plan that is returned has what was chosen.
    """
    store = TrialStore(folder / "trials")
    store.sweep()
    plan = replace(plan, scratch=store.folder.resolve())
    ran: Counter[str] = Counter()
    for attempt in range(_ATTEMPTS):
        try:
            planned: list[Planned] = []
            for stage in STAGES:
                entries = lay_out(plan, (stage,))
                ran += _run_missing(plan, entries, store, crew, progress)
                planned += entries
                if stage in CHOOSING:
                    made = [entry for entry in planned if entry.kind.stage in CHOOSING]
                    plan = replace(plan, finds=collect_finds(store, made)) if entries else plan
            import_what_follows()
            export_weights(
                store,
                [trial for entry in planned for trial in entry.trials],
                folder / "weights",
                {"recipe_uid": plan.recipe.uid},
            )
            results = _results(plan, collect_tables(store, planned))
            break
        except DamagedError as error:
            check(
                attempt < _ATTEMPTS - 1,
                f"{error}, though it was written a moment ago. Check the disk, or pass another --out.",
            )
    return plan, results, ran, store.damaged


def _run_missing(
    plan: Plan, planned: Sequence[Planned], store: TrialStore, crew: Crew, progress: Progress | None
) -> Counter[str]:
    """Run the trials that are not stored, portion by portion, and count them; only this process writes."""
    needed: set[Ref] = {ref for entry in planned for trial in entry.trials for ref in trial.needs.values()}
    orders, seen = [], set[Ref]()
    for entry in portions(planned):
        own = [trial for trial in entry.trials if trial.ref not in seen]
        seen |= {trial.ref for trial in own}
        missing = [t for t in own if not store.has(t.ref, weights=bool(t.weights_name) or t.keeps_weights)]
        if missing:
            refs = {ref for trial in missing for ref in trial.needs.values()}
            orders.append(Order(entry.kind, entry.task, missing, store.weights(refs & needed), entry.variant))
    total = len(seen)
    n_missing = sum(len(order.trials) for order in orders)
    done, what = total - n_missing, planned[0].kind.summary if planned else ""
    if progress and planned:
        progress(what, done, total)
    for trials, outcome in crew.run(plan, orders):
        store.put(trials, outcome)
        done += len(trials)
        if progress:
            progress(what, done, total)
    return sum((Counter({order.kind.name: len(order.trials)}) for order in orders), Counter())


def _results(plan: Plan, tables: Mapping[str, pd.DataFrame]) -> Results:
    """Compare the arms, and put everything together."""
    recipe = plan.recipe
    verdicts = compare(
        tables["curves"],
        **recipe.compare.plain(),
        arms=recipe.arms,
        chance={name: chance_of(side.about, recipe.compare.metric) for name, side in plan.sides.items()},
        sources=tables.get("sources"),
    )
    return Results(
        recipe=recipe.to_dict(),
        curves=tables["curves"],
        predictions=tables["predictions"],
        ledger=tables["ledger"],
        sources=tables.get("sources", pd.DataFrame(columns=SOURCES)),
        data={
            name: {k: v for k, v in side.about.items() if k != "files"} for name, side in plan.sides.items()
        },
        verdict_list=verdicts,
        extras={
            **{name: table for name, table in tables.items() if name not in CORE},
            **join_accounts({name: side.account for name, side in plan.sides.items()}),
        },
    )
