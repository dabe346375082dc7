"""Chaos: kill -9 at random moments, two writers at once, workers that keep dying, thousands of studies.

Every part prints a line of its table and ends with exit code 1 when it does not hold: nothing lost, nothing
doubled, the same tables bit by bit, nothing left behind, memory that does not grow.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from chaos import RECIPES, Place, begin, finish, kill, say, until_empty, warm_up

Cell = tuple[str, str, int, str]
"""Recipe, engine, workers, cache (cold or warm)."""
ENGINES = ("stacked", "loop")
_WRONG = (
    "trials lost", "trials doubled", "trials run again", "other tables", "processes left", "files left",
)  # fmt: skip
_WORKERS = (1, 2, 1, 1)
_GROWTH, _DRIFT = 0.02, 0.002
"""Shares of the memory held by which it may grow in all, and in the second half."""


def cells() -> Iterator[Cell]:
    """Yield recipe x engine x workers x cache, over and over; one worker three times as often as two."""
    every = [
        (recipe, engine, workers, cache)
        for workers in _WORKERS
        for cache in ("cold", "warm")
        for engine in ENGINES
        for recipe in RECIPES
    ]
    return itertools.cycle(every)


def recipe_of(name: str, engine: str) -> dict[str, Any]:
    """Return one of the recipes for one of the engines."""
    return {"title": "chaos", **RECIPES[name], "engine": engine}


def kills(n: int, root: Path, seed: int = 0) -> bool:
    """Kill ``n`` studies at random moments, and let each be continued by the same command."""
    rng = np.random.default_rng(seed)
    whole: dict[tuple[str, str], tuple[dict[str, str], list[Any]]] = {}
    seconds: dict[tuple[str, str, int], float] = {}
    wrong = dict.fromkeys(_WRONG, 0)
    done, stored, moments = 0, 0, []
    for cell in cells():
        if done == n:
            break
        recipe = recipe_of(*cell[:2])
        if cell[:2] not in whole:
            place = Place(root / f"whole {cell[0]} {cell[1]}")
            finish(recipe, place, 1)
            whole[cell[:2]] = place.tables(), place.trials()
        tables, trials = whole[cell[:2]]
        place = Place(root / f"kill {done}")
        if cell[3] == "warm":
            shutil.copytree(root / f"whole {cell[0]} {cell[1]}" / "cache", place.cache, dirs_exist_ok=True)
        if cell[:3] not in seconds:
            clock = time.monotonic()
            finish(recipe, place, cell[2])
            seconds[cell[:3]] = time.monotonic() - clock
            wrong["other tables"] += place.tables() != tables
        else:
            process = begin(recipe, place, cell[2])
            process.join(float(rng.uniform(0.0, seconds[cell[:3]])))
            if process.exitcode is None:
                kill(int(process.pid or 0))
                process.join()
                left = until_empty(place.processes)
                wrong["processes left"] += len(left)
                before = place.trials()
                ran = finish(recipe, place, 1 if cell[2] == 1 or done % 4 else 2)
                after = place.trials()
                wrong["trials lost"] += len(set(trials) - set(after))
                wrong["trials doubled"] += len(after) - len(set(after))
                wrong["trials run again"] += sum(ran.values()) + len(before) - len(trials)
                wrong["other tables"] += place.tables() != tables
                files = place.files_left()
                wrong["files left"] += len(files)
                done, stored = done + 1, stored + len(before)
                moments.append(len(before) / len(trials))
                faults = {k: v for k, v in wrong.items() if v}
                say(f"kill {done}: {cell}, {len(before)} of {len(trials)} stored; wrong {faults} {files}")
        shutil.rmtree(place.root)
    some = sum(0 < share < 1 for share in moments)
    say(f"| kills | {done} ({some} amid trials) | {', '.join(f'{v} {k}' for k, v in wrong.items())} |")
    return not any(wrong.values())


def _come(root: Path, start: Any, told: Any, n: int, seed: int) -> None:
    from biotransfer.errors import BiotransferError
    from biotransfer.studies.running.lock import only_writer

    rng = np.random.default_rng(seed)
    for i in range(n):
        start.wait()
        time.sleep(float(rng.uniform(0, 3e-4)))
        try:
            with only_writer(root / str(i) / "out"):
                began = time.monotonic_ns()
                time.sleep(0.002)
                told.put((i, began, time.monotonic_ns()))
        except BiotransferError:
            told.put((i, 0, 0))


def writers(n: int, root: Path) -> bool:
    """Let two processes ask for the same folder at the same moment, ``n`` times."""
    context = multiprocessing.get_context("fork")
    start, told = context.Barrier(2), context.Queue()
    both = [context.Process(target=_come, args=(root / "writers", start, told, n, seed)) for seed in (1, 2)]
    for process in both:
        process.start()
    inside: dict[int, list[tuple[int, int]]] = {i: [] for i in range(n)}
    for _ in range(2 * n):
        i, began, ended = told.get(timeout=600)
        inside[i] += [(began, ended)] if began else []
    for process in both:
        process.join()
    pairs = [times for times in inside.values() if len(times) == 2]
    together = sum(max(a for a, _ in pair) < min(b for _, b in pair) for pair in pairs)
    refused = sum(len(times) == 1 for times in inside.values())
    nobody = sum(not times for times in inside.values())
    left = sum(path.is_file() for path in (root / "writers").rglob("*"))
    found = f"{together} both inside, {nobody} nobody inside, {left} files left"
    say(f"| writers | {n} tries, {refused} with one refused | {found} |")
    return not (together or nobody or left)


def _is_worker(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):  # a zombie has no command line
        return "popen_loky" in " ".join(process.cmdline())
    return False


def workers(seconds: float, root: Path, every: float) -> bool:
    """Kill a worker process of a study every so many seconds; some fifty tasks."""
    people = {"data": "simulated", "n_subjects": 12}
    recipe = {
        "title": "chaos",
        **RECIPES["features"],
        "eeg": people,
        "emg": people,
        "directions": ["emg->eeg", "eeg->emg"],
        "seeds": 10,
        "arms": ["scratch", "transferred", "permuted"],
    }
    spent = {}
    for epochs in (1, 1, 101):
        clock = time.monotonic()
        finish({**recipe, "train": {"epochs": epochs}}, Place(root / f"workers {len(spent)} {epochs}"), 1)
        spent[epochs] = time.monotonic() - clock
    an_epoch = max((spent[101] - spent[1]) / 100, 1e-3)
    recipe["train"] = {"epochs": max(1, int((seconds - spent[1]) / an_epoch))}
    place = Place(root / "workers alone")
    finish(recipe, place, 1)
    tables, place = place.tables(), Place(root / "workers")
    process, killed, stop = begin(recipe, place, 2), [], threading.Event()

    def hunt() -> None:
        while not stop.wait(every):
            main = psutil.Process(process.pid)
            found = [c for c in main.children() if _is_worker(c)]
            if found:
                kill(found[0].pid)
                killed.append(found[0].pid)

    thread = threading.Thread(target=hunt)
    thread.start()
    process.join()
    stop.set()
    thread.join()
    same = process.exitcode == 0 and place.tables() == tables
    if process.exitcode:
        say((place.root / "log.txt").read_text()[-1500:])
    left = until_empty(place.processes) + place.files_left()
    found = f"tables {'the same' if same else 'differ'}, {len(left)} processes and files left"
    say(f"| workers | {len(killed)} killed, one every {every:g} s | {found} |")
    return same and not left and bool(killed)


def _memory() -> float:
    """Return what this process allocated and holds, in MiB; without files that it maps, such as libraries.

    Pages of libraries count as this process's own or not as others that map them come and go.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        facts = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(facts["RssAnon"].split()[0]) / 2**10
    return float(psutil.Process().memory_full_info().uss / 2**20)


def _fill_table_of_names() -> None:
    """Let CPython's table of interned strings take the size that it keeps.

    It holds 116,000 names once everything is imported, and as many after 2,000 studies. What comes and goes
    leaves gaps, and when they fill the table (2^18 slots, at study 623) it is made anew with room for three
    times the names: 2^19 slots, 7.3 MiB, which stay. As many names come and go here at once.
    """
    for i in range(1 << 19):
        sys.intern(f"name {i}")


def studies(n: int, root: Path, settled: int = 100) -> bool:
    """Run ``n`` small studies in this process, and see what it holds after the first ``settled``.

    What every study leaves shows in the second half, too.
    """
    from biotransfer.studies.running import run_study

    os.environ["BIOTRANSFER_CACHE"] = str(root / "cache")
    recipe = {**RECIPES["features"], "arms": ["scratch"], "seeds": 1, "train": {"epochs": 1}}
    recipe["network"] = {"name": "mlp", "hidden": [4]}
    held, files, threads = [], [], []
    for i in range(n):
        run_study({**recipe, "title": f"study {i}"}, root / "study")
        shutil.rmtree(root / "study")
        if not i:
            _fill_table_of_names()
        held.append(_memory())
        files.append(len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0)
        threads.append(threading.active_count())
        if (i + 1) % settled == 0:
            say(f"study {i + 1}: {held[-1]:.1f} MiB, {files[-1]} files, {threads[-1]} threads")
    after = np.array(held[settled:])
    late = after[len(after) // 2 :]
    grown, of_late = (float(np.median(x[-settled:]) - np.median(x[:settled])) for x in (after, late))
    more = files[-1] - files[settled - 1] + threads[-1] - threads[settled - 1]
    found = f"{grown:+.1f} MiB since, {of_late:+.1f} in the second half, {more} files and threads more"
    say(f"| studies | {n} in one process, {held[settled - 1]:.0f} MiB after {settled} | {found} |")
    return grown < _GROWTH * held[settled - 1] and of_late < _DRIFT * held[settled - 1] and more <= 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=["kills", "writers", "workers", "studies"])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--writers", type=int, default=1000)
    parser.add_argument(
        "--seconds", type=float, default=300.0, help="how long the study with dying workers takes"
    )
    parser.add_argument("--every", type=float, default=30.0, help="seconds between two deaths of workers")
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--settled", type=int, default=100, help="studies after which memory must not grow")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    holds = []
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        root, wanted = Path(folder), arguments.only or ["kills", "writers", "workers", "studies"]
        if "writers" in wanted:
            holds.append(writers(arguments.writers, root))
        if {"kills", "workers"} & set(wanted):
            warm_up(root, [recipe_of(name, engine) for name in RECIPES for engine in ENGINES])
        if "kills" in wanted:
            holds.append(kills(arguments.kills, root, arguments.seed))
        if "workers" in wanted:
            holds.append(workers(arguments.seconds, root, arguments.every))
        if "studies" in wanted:
            holds.append(studies(arguments.studies, root, arguments.settled))
    raise SystemExit(0 if all(holds) else 1)


if __name__ == "__main__":
    main()
