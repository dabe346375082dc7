"""Recipe -> plan -> tasks -> Results: cache, resume and workers. The only module that calls across."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from .. import __version__
from ..arms import ARMS
from ..checks import run_checks
from ..errors import BiotransferError, check
from ..files import read_json, write_json, write_text
from ..recipe import DESCRIPTIVE, Recipe, digest, load_recipe, recipe_yaml
from ..recording import html_table
from ..results import SOURCES, Results, save_results
from ..splits import SPLITS
from ..verdicts import compare
from ..weights import Weights, load_weights
from .cache import TaskCache
from .data import Side, load_side, return_freed_memory
from .plan import Plan, SourceTask, TargetTask, plan_study
from .provenance import describe_run
from .tasks import weights_name
from .workers import Order, end_processes, run_orders

Progress = Callable[[str, int, int], None]


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
    """

    folder: Path
    recipe: Recipe
    results: Results

    @property
    def report(self) -> Path:
        """The HTML report; written by :func:`biotransfer.write_report`."""
        return self.folder / "report.html"

    def __repr__(self) -> str:
        return f"<Study {self.recipe['title']!r} in {self.folder}>"

    def _repr_html_(self) -> str:
        return html_table({"folder": str(self.folder)}) + self.results._repr_html_()


def default_folder(recipe: Recipe) -> Path:
    """Return ``studies/<recipe>-<uid>``."""
    stem = recipe.path.stem if recipe.path else "study"
    return Path("studies") / f"{stem}-{recipe.uid[:8]}"


def prepare(
    recipe: Recipe,
    data_dir: str | Path | None = None,
    *,
    download: bool = True,
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
    progress : callable, optional
        Told (what, done, total).
    """
    sections: dict[str, tuple[str, Mapping[str, Any]]] = {m: (m, recipe[m]) for m in ("eeg", "emg")}
    for modality, spec in recipe["same_modality"].items():
        if "people" not in spec:
            sections[f"same_modality {modality}"] = (modality, spec)
    sides: dict[str, Side] = {}
    for i, (name, (modality, section)) in enumerate(sections.items()):
        if progress:
            progress(f"loading {section['data']}", i, len(sections))
        sides[name] = load_side(
            modality, section, recipe["features"], data_dir, smoke=recipe["smoke"], download=download
        )
    return_freed_memory()
    if progress:
        progress("data loaded", len(sections), len(sections))
    return plan_study(recipe, sides)


def _check_folder(folder: Path, recipe: Recipe) -> None:
    """Refuse a folder that holds anything but a study of this recipe; nothing is written."""
    existing = folder / "recipe.yaml"
    if existing.is_file():
        try:
            theirs = yaml.safe_load(existing.read_text(encoding="utf-8"))
            uid = digest({k: v for k, v in theirs.items() if k not in DESCRIPTIVE})
        except (yaml.YAMLError, AttributeError) as error:
            raise BiotransferError(
                f"{str(existing)!r} cannot be read: {error}. Pass another --out; nothing was changed."
            ) from error
        check(
            uid == recipe.uid,
            f"--out {str(folder)!r} holds another study ({theirs.get('title')!r}, recipe {uid}; this one is "
            f"{recipe.uid}). Pass another --out; nothing was changed.",
        )
        return
    try:
        occupied = next(folder.iterdir(), None) if folder.exists() else None
    except OSError as error:
        raise BiotransferError(
            f"--out {str(folder)!r} cannot be read: {error.strerror or error}. Pass another --out."
        ) from error
    check(
        occupied is None,
        f"--out {str(folder)!r} is not empty and holds no study (found {getattr(occupied, 'name', '')!r}). "
        "Pass another --out; nothing was changed.",
    )


def _claim(folder: Path, plan: Plan) -> None:
    """Write into ``folder`` what is run on which data; refuse to mix it with other data or versions."""
    made_from = {"version": __version__, "data": {name: s.facts["digest"] for name, s in plan.sides.items()}}
    path = folder / "made_from.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BiotransferError(
            f"--out {str(folder)!r} cannot be made: {error.strerror or error}. Pass another --out."
        ) from error
    if path.is_file():
        theirs = read_json(path)
        differs = [k for k in made_from if theirs.get(k) != made_from[k]]
        check(
            not differs,
            f"--out {str(folder)!r} holds this recipe run with another {' and '.join(differs)}. "
            "Pass another --out; nothing was changed.",
        )
    write_text(folder / "recipe.yaml", recipe_yaml(plan.recipe))
    write_json(path, made_from)


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two processes would throw away each other's work."""
    lock = folder / ".lock"
    if lock.is_file():
        host, _, pid = lock.read_text(encoding="utf-8").partition(" ")
        alive = host == platform.node() and pid.isdigit() and int(pid) != os.getpid() and _is_alive(int(pid))
        check(
            not alive and host in ("", platform.node()),
            f"--out {str(folder)!r} is being written by process {pid} on {host}. Wait for it, "
            f"pass another --out, or delete {str(lock)!r} if it has died.",
        )
    write_text(lock, f"{platform.node()} {os.getpid()}")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def run_study(
    recipe: str | Path | Mapping[str, Any] | Recipe,
    out: str | Path | None = None,
    *,
    data_dir: str | Path | None = None,
    overrides: Sequence[str] = (),
    workers: int = 1,
    cluster: str | None = None,
    device: str = "cpu",
    smoke: bool = False,
    note: str = "",
    progress: Progress | None = None,
) -> Study:
    """Run a recipe, or continue it where it stopped.

    Parameters
    ----------
    recipe : path, name of a shipped recipe, mapping or Recipe
        What to do.
    out : path, optional
        Study folder; default ``studies/<recipe>-<uid>``.
    data_dir : path, optional
        Folder of data sets; else ``BIOTRANSFER_DATA``, the MNE data directory, or a download.
    overrides : sequence of str
        ``"key.subkey=value"``.
    workers : int
        Processes; results do not depend on it.
    cluster : str, optional
        Address of a Dask scheduler to run on instead.
    device : str
        "cpu" or "cuda".
    smoke : bool
        Three people, one seed, two epochs.
    note : str
        Goes to provenance.json and the report.
    progress : callable, optional
        Told (what, done, total).

    Returns
    -------
    Study
        Its ``results`` hold the tables and verdicts; the report is written by ``write_report``.

    Raises
    ------
    BiotransferError
        For anything wrong with the request, before training.
    """
    check(workers >= 1, f"workers={workers}. Expected 1 or more.")
    recipe = load_recipe(recipe, overrides, smoke=smoke)
    folder = Path(out) if out is not None else default_folder(recipe)
    started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
    _check_folder(folder, recipe)
    plan = prepare(recipe, data_dir, progress=progress)
    _claim(folder, plan)
    with _only_writer(folder):
        results = _run_plan(plan, folder, workers, cluster, device, progress)
        provenance = _earlier_provenance(folder) if results.provenance.get("tasks_run") == 0 else {}
        if not provenance:
            provenance = describe_run(
                plan,
                started=started,
                seconds=_earlier_provenance(folder).get("seconds", 0.0) + time.perf_counter() - clock,
                workers=workers,
                device=device,
                note=note,
                command=_command(),
            )
        results = replace(results, provenance=provenance)
        results = replace(results, checks=run_checks(results))
        save_results(results, folder)
    return Study(folder, recipe, results)


def _command() -> str:
    """Return what was typed, or "Python"."""
    name = Path(sys.argv[0]).name
    return shlex.join(["biotransfer", *sys.argv[1:]]) if name in ("biotransfer", "__main__.py") else "Python"


def _earlier_provenance(folder: Path) -> dict[str, Any]:
    """Return what an earlier, finished run wrote; empty when there is none that can be read."""
    path = folder / "provenance.json"
    try:
        return dict(read_json(path)) if path.is_file() else {}
    except BiotransferError:
        return {}


def _run_plan(
    plan: Plan, folder: Path, workers: int, cluster: str | None, device: str, progress: Progress | None
) -> Results:
    """Run what is not in the folder yet, and collect everything."""
    cache = TaskCache(folder)
    source_uids = [plan.uid(task) for task in plan.sources]
    target_uids = [plan.uid(task) for task in plan.targets]
    cache.sweep({*source_uids, *target_uids})
    for task, uid in zip(plan.sources, source_uids, strict=True):
        cache.forget_without(uid, [weights_name(task, seed) for seed in plan.recipe["seeds"]])
    n_missing = sum(uid not in cache for uid in (*source_uids, *target_uids))
    _run_stage(plan, plan.sources, source_uids, cache, workers, cluster, device, "source networks", progress)
    _run_stage(
        plan, plan.targets, target_uids, cache, workers, cluster, device, "arms on the target", progress
    )
    if workers > 1 and cluster is None:
        end_processes()
    return replace(_collect(plan, cache, source_uids, target_uids), provenance={"tasks_run": n_missing})


def _run_stage(
    plan: Plan,
    tasks: Sequence[SourceTask | TargetTask],
    uids: Sequence[str],
    cache: TaskCache,
    workers: int,
    cluster: str | None,
    device: str,
    what: str,
    progress: Progress | None,
) -> None:
    """Run what is not in the cache; only this process writes."""
    missing = [(task, uid) for task, uid in zip(tasks, uids, strict=True) if uid not in cache]
    done = len(tasks) - len(missing)
    if progress:
        progress(what, done, len(tasks))
    orders = _orders(plan, missing, cache)
    for uid, outcome in run_orders(plan, orders, workers=workers, cluster=cluster, device=device):
        cache.put(uid, outcome)
        done += 1
        if progress:
            progress(what, done, len(tasks))


def _orders(
    plan: Plan, missing: Sequence[tuple[SourceTask | TargetTask, str]], cache: TaskCache
) -> list[Order]:
    """Give every target task the source weights it starts from; the sources are trained by now."""
    orders = []
    for task, uid in missing:
        sources: dict[str, dict[int, Weights]] = {}
        if isinstance(task, TargetTask):
            for kind in plan.source_kinds:
                trained = plan.source_task(task, kind)
                names = {seed: weights_name(trained, seed) for seed in plan.recipe["seeds"]}
                sources[kind] = {seed: load_weights(cache.weights / name) for seed, name in names.items()}
        orders.append(Order(uid, task, sources))
    return orders


def _collect(plan: Plan, cache: TaskCache, source_uids: list[str], target_uids: list[str]) -> Results:
    """Join the tables of all tasks in the plan's order, and compare the arms."""
    recipe = plan.recipe
    curves = cache.table(target_uids, "curves")
    ledger = cache.table(target_uids, "ledger").drop_duplicates(ignore_index=True)
    sources = cache.table(source_uids, "sources") if source_uids else pd.DataFrame(columns=SOURCES)
    settings = recipe["compare"]
    verdicts = compare(
        curves,
        against=settings["against"],
        metric=settings["metric"],
        measure=settings["measure"],
        margin=settings["margin"],
        alpha=settings["alpha"],
        roles={arm["name"]: ARMS[arm["name"]].facts["role"] for arm in recipe["arms"]},
        leaking_protocols={rule["by"] for rule in recipe["split"] if SPLITS[rule["by"]].facts["leaks"]},
    )
    return Results(
        recipe=recipe.to_dict(),
        curves=curves,
        predictions=cache.table(target_uids, "predictions"),
        ledger=ledger,
        sources=sources,
        data={
            name: {k: v for k, v in side.facts.items() if k != "files"} for name, side in plan.sides.items()
        },
        verdict_list=verdicts,
    )
