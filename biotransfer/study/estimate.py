"""How many trainings a study has and how long they take, before any is done."""

from __future__ import annotations

import time

from ..networks import NETWORKS, build_network
from .plan import Plan
from .tasks import SourceTask, TargetTask, lay_out


def count_trainings(plan: Plan) -> int:
    """Return the number of networks that are trained."""
    return len(
        {
            trial.ref
            for entry in lay_out(plan)
            if isinstance(entry.task, (SourceTask, TargetTask))
            for trial in entry.trials
        }
    )


def estimate_seconds(plan: Plan) -> float:
    """Return the seconds one worker would need, from a moment's timing of each network on random numbers.

    Nothing is trained on data.
    """
    import numpy as np

    from ..arms import make_arms
    from ..training import Job, Schedule, run_job

    schedule = Schedule(**plan.recipe["train"])
    n_models = len(plan.recipe["seeds"]) * len(plan.recipe["arms"])
    total = 0.0
    planned = lay_out(plan)
    for spec in plan.recipe["network"]:
        updates: dict[tuple[str, int], float] = {}
        for entry in planned:
            task = entry.task
            if not isinstance(task, (SourceTask, TargetTask)) or task.network != spec["name"]:
                continue
            source, target = task.direction.split("->")
            budget = task.budget if isinstance(task, TargetTask) else None
            n_train = len(plan.split(task.direction, task.network, task.protocol, task.fold, budget).train)
            if isinstance(task, SourceTask) and task.kind != "same_modality":
                n_train = len(plan.sides[source].windows(task.network))
            epochs = plan.train_settings(budget)["epochs"] if budget else schedule.epochs
            key = (target, min(len(entry.trials), n_models))
            updates[key] = updates.get(key, 0.0) + schedule.steps_per_epoch(n_train) * epochs
        for (target, models), n_updates in updates.items():
            shape = plan.sides[target].windows(spec["name"]).shape
            k = plan.recipe["align"].get("k")
            shape = (k,) if k and NETWORKS[spec["name"]].facts["takes"] == "features" else shape
            signals = plan.sides[target].signals
            network = build_network(spec, shape, len(signals.classes), sfreq=signals.sfreq)
            measured = min(models, 40)
            n_rows, n_steps = schedule.batch_size * 8, 8
            rows = np.tile(np.arange(n_rows), (measured, 1))
            rng = np.random.default_rng(0)
            job = Job(
                network,
                make_arms(["scratch"], {}, network, 0) * measured,
                rng.standard_normal((n_rows, *shape), dtype=np.float32),
                rng.integers(0, network.n_outputs, n_rows),
                rows,
                rows[:, : n_rows // 4],
                "estimate",
                Schedule(epochs=1, batch_size=schedule.batch_size),
            )
            run_job(job, engine=plan.recipe["engine"])
            clock = time.perf_counter()
            run_job(job, engine=plan.recipe["engine"])
            total += (time.perf_counter() - clock) / n_steps * n_updates * models / measured
    return total
