"""What a whole study costs from cold: wall time, peak memory of all its processes, and the ideal.

The ideal is the operations of all trainings, three times those of forward as is usual, at the matrix rate of
all cores measured in this run. What no network needs, the gradient of the windows themselves, is part of it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from bench_scale import THOUSAND
from bench_training import sgemm_rate


def training_operations(recipe_name: str, data: str) -> tuple[float, int]:
    """Operations of every training of a study, and their number."""
    from biotransfer.learning.networks import build_network
    from biotransfer.studies.recipe import load_recipe
    from biotransfer.studies.running import count_trainings, lay_out, prepare
    from biotransfer.studies.running.tasks import SourceTask, TargetTask

    recipe = load_recipe(recipe_name)
    plan = prepare(recipe, data)
    total = 0.0
    for entry in lay_out(plan):
        task = entry.task
        if not isinstance(task, (SourceTask, TargetTask)):
            continue
        source, target = task.direction.source, task.direction.target
        windows = plan.sides[target].windows(task.network)
        rows = len(plan.split(task.direction, task.network, task.protocol, task.fold).train)
        if isinstance(task, SourceTask):
            name = {"same_modality": f"same_modality {target}", "own_donors": target}.get(task.kind, source)
            rows = len(plan.sides[name].windows(task.network))
        k = recipe["align"].get("k")
        shape = (k,) if k else windows.shape
        network = build_network(plan.network_spec(task), shape, len(windows.classes))
        total += 3 * network.operations(rows) * recipe["train"]["epochs"] * len(entry.trials)
    return total, count_trainings(plan)


def _tree(pid: int) -> list[int]:
    """Return the process and its descendants (Linux)."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def _memory(pid: int) -> int:
    """Proportional memory of a process in bytes: shared pages are counted once over all that share them."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def estimated_seconds(recipe: str, data: str, workers: int) -> float:
    """Return what ``biotransfer check`` says before the study."""
    from biotransfer.studies.recipe import load_recipe
    from biotransfer.studies.running import estimate_seconds, prepare

    return estimate_seconds(prepare(load_recipe(recipe), data), workers)


def measure(recipe: str, data: str, workers: int, *, watch: bool = False) -> tuple[float, float, float]:
    """Wall seconds from cold, peak bytes of all processes if watched, wall seconds when nothing changed."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "BIOTRANSFER_CACHE": f"{folder}/cache"}
        command = [sys.executable, "-m", "biotransfer", "run", recipe, "--data", data]
        command += ["--out", f"{folder}/study", "--workers", str(workers)]
        clock, peak = time.perf_counter(), 0
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=environment)
        while watch and process.poll() is None:
            peak = max(peak, sum(map(_memory, _tree(process.pid))))
            time.sleep(0.5)
        process.wait()
        cold = time.perf_counter() - clock
        if process.returncode:
            raise SystemExit(f"{recipe} failed with exit code {process.returncode}")
        clock = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return cold, float(peak), time.perf_counter() - clock


def parts(recipe: str | dict[str, Any], data: str) -> tuple[float, float, float]:
    """Return the seconds of a study with one worker, prepared data there and without report.

    Of the whole; of its tasks, which align, extract features of control sources and fit baselines beside
    training; and of training.
    """
    import biotransfer
    from biotransfer.learning.training import running
    from biotransfer.studies.running import workers

    spent = {"tasks": 0.0, "training": 0.0}

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            clock = time.perf_counter()
            try:
                return function(*given)
            finally:
                spent[name] += time.perf_counter() - clock

        return call

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(running, "train_stacked", timed("training", running.train_stacked)),
        mock.patch.object(running, "train_loop", timed("training", running.train_loop)),
        mock.patch.object(workers, "carry_out", timed("tasks", workers.carry_out)),
    ):
        clock = time.perf_counter()
        biotransfer.run_study(recipe, f"{folder}/study", data_dir=data)
        return time.perf_counter() - clock, spent["tasks"], spent["training"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of data sets")
    parser.add_argument("--recipe", default="muse_myo")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=3, help="cold runs of which the median counts")
    arguments = parser.parse_args()
    rate = sgemm_rate(arguments.workers, time.perf_counter, 64)
    operations, n_trainings = training_operations(arguments.recipe, arguments.data)
    estimate = estimated_seconds(arguments.recipe, arguments.data, arguments.workers)
    runs = [measure(arguments.recipe, arguments.data, arguments.workers) for _ in range(arguments.rounds)]
    cold, warm = (statistics.median(run[i] for run in runs) for i in (0, 2))
    alone = measure(arguments.recipe, arguments.data, 1)[0] if arguments.workers > 1 else cold
    peak = measure(arguments.recipe, arguments.data, arguments.workers, watch=True)[1]
    ideal = operations / rate
    whole, tasks, training = parts(arguments.recipe, arguments.data)
    many = parts(THOUSAND, arguments.data)
    print("| measure | value |\n|---|---|")
    print(f"| recipe | {arguments.recipe}, {n_trainings} trainings, {arguments.workers} workers |")
    print(f"| wall time from cold, median of {arguments.rounds} | {cold:.0f} s |")
    print(f"| ideal: {operations:.2e} operations at {rate / 1e9:.0f} GFLOP/s | {ideal:.0f} s |")
    print(f"| ratio | {cold / ideal:.1f} |")
    print(f"| estimated before training, without loading | {estimate:.0f} s |")
    print(f"| wall time from cold with 1 worker | {alone:.0f} s, {alone / cold:.2f} times |")
    print(f"| one worker, data there, without report | {whole:.0f} s |")
    print(f"| of them training | {training:.1f} s |")
    print(
        f"| aligning, features of control sources, tables of a task, baselines | {tasks - training:.1f} s |"
    )
    print(
        f"| planning, guards, storing, collecting, verdicts | {whole - tasks:.1f} s, "
        f"{1000 * (whole - tasks) / n_trainings:.1f} ms per training, "
        f"{100 * (whole - tasks) / training:.0f} % of training |"
    )
    print(f"| a study of a thousand trainings of 80 ms, the same way | {many[0]:.0f} s |")
    print(
        f"| planning, guards, storing, collecting, verdicts there | {many[0] - many[1]:.1f} s, "
        f"{100 * (many[0] - many[1]) / many[2]:.1f} % of training |"
    )
    print(f"| wall time when nothing changed | {warm:.1f} s |")
    print(f"| peak memory of all processes | {peak / 2**30:.2f} GiB |")


if __name__ == "__main__":
    main()
