"""Where trials run: in this process, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..recipe import ClusterAsked
from .cluster import open_cluster
from .orders import Order, carry_out, work
from .plan import Plan
from .processes import share_with_processes
from .tasks import Outcome, Trial

if TYPE_CHECKING:
    from .cluster import Cluster


class Crew:
    """Who does the work of one study; a context manager that lets a cluster go at the end.

    Parameters
    ----------
    workers : int
        Processes on this machine.
    cluster : str, Path, mapping or ClusterAsked, optional
        Instead of these: the address of a Dask scheduler, a YAML file, or what such a file holds; see
        :func:`.open_cluster`.
    device : str
        "cpu" or "cuda".
    """

    def __init__(
        self,
        workers: int = 1,
        cluster: str | Path | Mapping[str, Any] | ClusterAsked | None = None,
        device: str = "cpu",
    ):
        self.workers, self.asked, self.device = workers, cluster, device
        self._cluster: Cluster | None = None

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._cluster is not None:
            self._cluster.close()

    def run(self, plan: Plan, orders: Sequence[Order]) -> Iterator[tuple[Sequence[Trial], Outcome]]:
        """Carry out orders, the longest first, and yield (trials, outcome) as they finish.

        Raises
        ------
        BiotransferError
            When the cluster cannot be reached, or workers keep dying.
        """
        orders = sorted(orders, key=lambda order: -work(plan, order))
        if self.asked is not None and orders:
            if self._cluster is None:
                self._cluster = open_cluster(self.asked)
            yield from self._cluster.run(plan, orders, self.device)
        elif self.workers == 1 or len(orders) < 2:
            for order in orders:
                yield carry_out(plan, order, self.device)
        else:
            given = [(order, self.device) for order in orders]
            yield from share_with_processes(carry_out, plan, given, self.workers)
