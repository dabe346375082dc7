"""Workers elsewhere, as a recipe names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import check, check_option

SYSTEMS = ("slurm", "local")


def check_cluster(options: Any) -> dict[str, Any]:
    """Return ``options`` when they describe a cluster, see ``docs/cluster.md``.

    Raises
    ------
    BiotransferError
        For an unknown system, or another number of jobs than one from 1.
    """
    check(
        isinstance(options, Mapping) and "name" in options,
        f"cluster={options!r} names no system. Write for example {{name: slurm, jobs: 4, cores: 1, "
        "memory: 8GB}, or give the address of a scheduler.",
    )
    check_option("cluster.name", options["name"], SYSTEMS)
    jobs, adaptive = options.get("jobs", 1), options.get("adaptive")
    check(
        type(jobs) is int and jobs > 0 and not ("jobs" in options and adaptive is not None),
        f"cluster.jobs={jobs!r}. Expected a number from 1, or adaptive: {{minimum: 0, maximum: 20}} instead.",
    )
    check(
        adaptive is None or (isinstance(adaptive, Mapping) and "maximum" in adaptive),
        f"cluster.adaptive={adaptive!r}. Expected {{minimum: 0, maximum: 20}}.",
    )
    return dict(options)
