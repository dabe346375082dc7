"""Where a study's numbers come from: versions, commit, machine, data and command."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ...evidence.reading import network_label
from .code import package_versions
from .data import Side
from .estimate import count_trainings
from .plan import Plan

MACHINE = ("cpu", "blas", "platform", "python", "versions", "device")
"""What of provenance.json the last bits of a number depend on."""


def git_commit() -> str:
    """Return the commit of the checkout the package runs from; "" outside one."""
    folder = Path(__file__).resolve().parents[3]
    if not (folder / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def blas() -> list[str]:
    """Return which libraries multiply matrices in this process, and for which processor they chose to."""
    import scipy.linalg.cython_blas  # noqa: F401  # its BLAS, beside numpy's
    from threadpoolctl import threadpool_info

    found = {
        " ".join(str(one.get(key) or "") for key in ("internal_api", "architecture")).strip()
        for one in threadpool_info()
        if one["user_api"] == "blas"
    }
    return sorted(found)


def machine() -> dict[str, Any]:
    """Return what of this machine the last bits of a number depend on."""
    return {"cpu": _cpu(), "blas": blas()}


def _data_facts(side: Side) -> dict[str, Any]:
    facts = side.about
    files: dict[str, str] = facts.get("files", {})
    return {
        "n_files": len(files),
        "windows_sha256": facts["digest"],
        "sha256": hashlib.sha256("\n".join(f"{k} {v}" for k, v in files.items()).encode()).hexdigest(),
        "files": files,
    }


def _by_network(trainings: pd.DataFrame, column: str) -> dict[str, str]:
    """Return what a column says of each network's trainings, each once."""
    ran = trainings.groupby(["network", "variant"], sort=False)[column].unique()
    return {
        network_label(*names): " and ".join(sorted({*said} - {"none"}) or ["none"])
        for names, said in ran.items()
    }


def describe_run(
    plan: Plan,
    trainings: pd.DataFrame,
    *,
    started: str,
    seconds: float,
    workers: int,
    device: str,
    note: str,
    command: str,
    trials_run: Mapping[str, int],
    machines: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the content of provenance.json; ``trainings`` says which engine ran, and by what."""
    sides: Mapping[str, Side] = plan.sides
    return {
        "recipe_uid": plan.recipe.uid,
        "command": command,
        "started": started,
        "seconds": round(seconds, 1),
        "n_trainings": count_trainings(plan),
        "workers": workers,
        "device": device,
        "trials_run": dict(trials_run),
        "engine": _by_network(trainings, "engine"),
        "path": _by_network(trainings, "path"),
        "seeds": list(plan.recipe.seeds),
        "simulated": any(side.about["simulated"] for side in sides.values()),
        "note": note,
        "data_files": {f"{name}: {side.about['dataset']}": _data_facts(side) for name, side in sides.items()},
        "versions": package_versions(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        **machine(),
        "machines": list(machines),
        "git_commit": git_commit(),
    }
