"""A Dask cluster: any scheduler by its address, or one that is started here and gets its workers from SLURM.

Workers find the data by its address in their own cache folder, or prepare it there from the recipe and their
own data folder; only where neither works is it sent to them.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...errors import BiotransferError, DataNotFoundError, check
from ...files import is_file, read_yaml, temporary_folder
from ...registry import NOTEBOOK, places, register_again, registered
from ..recipe import ClusterAsked, OwnCluster, digest, own_cluster
from .code import code_uid
from .data import Side, find_side
from .methods import method_sources
from .orders import Order, carry_out
from .plan import Plan
from .processes import LOSSES
from .tasks import Outcome, Trial

_TIMEOUT = "10s"


class Cluster:
    """A scheduler that is reached, and who gave it its workers.

    Parameters
    ----------
    client : distributed.Client
        Connected.
    owner : ExitStack, optional
        What was started here; closed at the end.
    """

    def __init__(self, client: Any, owner: ExitStack | None = None):
        self.client, self.owner = client, owner

    def close(self) -> None:
        """Leave the scheduler, and end the workers that were started here."""
        self.client.close()
        if self.owner is not None:
            self.owner.close()

    def run(
        self, plan: Plan, orders: Sequence[Order], device: str
    ) -> Iterator[tuple[Sequence[Trial], Outcome]]:
        """Carry out orders on the workers and yield (trials, outcome) as they finish.

        A worker that dies has its orders run elsewhere: Dask does that three times; where all of them were
        lost, they are handed out anew, up to three times in a row.

        Raises
        ------
        BiotransferError
            When workers keep dying, or run another version of the package.
        """
        from concurrent.futures import CancelledError

        from distributed import KilledWorker, as_completed

        methods = places()
        sides: dict[str, Any] = {name: side.place or side for name, side in plan.sides.items()}
        # A task instead of scattered data: Dask can make it again when the worker that held it dies.
        found = self.client.submit(bytes, pickle.dumps(replace(plan, sides=sides, scratch=None)), pure=False)
        sent: Any = None
        losses = 0

        def submit(order: Order) -> Any:
            given = (sent or found, order, device, _uid(), methods)
            return self.client.submit(_carry_out, *given, pure=False)

        doing = {submit(order): order for order in orders}
        queue = as_completed(list(doing), loop=self.client.loop)
        for future in queue:
            order = doing.pop(future)
            try:
                result = future.result()
            except DataNotFoundError:
                if sent is None:
                    whole = {name: replace(side, place=None) for name, side in plan.sides.items()}
                    blob = pickle.dumps(replace(plan, sides=whole, scratch=None))
                    sent = self.client.scatter(blob, broadcast=True, hash=False)
            except (KilledWorker, CancelledError) as error:
                losses, sent = losses + 1, None
                if losses > LOSSES * len(orders):
                    raise BiotransferError(
                        f"cluster: workers died {losses} times, most likely for want of memory. What is "
                        "finished is kept. Continue with more memory for each worker."
                    ) from error
            else:
                future.release()
                yield result
                continue
            again = submit(order)
            doing[again] = order
            queue.add(again)


def open_cluster(asked: str | Path | Mapping[str, Any] | ClusterAsked) -> Cluster:
    """Reach a scheduler, or start one with its workers.

    Parameters
    ----------
    asked : str, Path, mapping or ClusterAsked
        The address of a Dask scheduler, such as "tcp://host:8786"; or a YAML file, or what it holds: the keys
        of :class:`.OwnCluster`. ``job_script_prologue`` of them is shell that the jobs run.

    Raises
    ------
    BiotransferError
        When no scheduler answers, or a key is not known.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise BiotransferError(
            f"--cluster {asked!r} needs the package distributed. Type: pip install 'biotransfer[cluster]'"
        ) from error
    if isinstance(asked, str) and "://" in asked:
        client: Any
        try:
            client = Client(asked, timeout=_TIMEOUT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise BiotransferError(
                f"--cluster {asked!r}: no Dask scheduler answers there ({error}). Start one: dask scheduler"
            ) from error
        return Cluster(client)
    options = own_cluster(asked if isinstance(asked, (Mapping, ClusterAsked)) else _read(Path(asked)))
    owned = ExitStack()
    cluster = _start(options, owned)
    if options.adaptive is not None:
        cluster.adapt(**options.adaptive.plain())
    elif options.name == "slurm":
        cluster.scale(jobs=options.jobs or 1)
    else:
        cluster.scale(options.jobs or 1)
    return Cluster(Client(cluster, set_as_default=False), owned)


def _start(options: OwnCluster, owned: ExitStack) -> Any:
    """Return a scheduler of this process, without workers; it and its temporary folder end with ``owned``."""
    import dask

    given = options.arguments()
    own = str(owned.enter_context(temporary_folder()))
    try:
        with dask.config.set({"temporary-directory": own}):
            if options.name == "slurm":
                from dask_jobqueue import SLURMCluster

                return owned.enter_context(SLURMCluster(**given))
            from distributed import LocalCluster

            local = {"local_directory": own, **given}
            cluster = LocalCluster(n_workers=0, threads_per_worker=1, dashboard_address=None, **local)
            return owned.enter_context(cluster)
    except (ImportError, TypeError, ValueError) as error:
        owned.close()
        raise BiotransferError(
            f"cluster: {options.name} cannot be started with {given}: {error}. See docs/cluster.md."
        ) from error


def _read(path: Path) -> Any:
    check(
        is_file(path),
        f"--cluster {str(path)!r} is neither the address of a scheduler, such as tcp://host:8786, nor a "
        "file. See docs/cluster.md.",
    )
    return read_yaml(path, f"--cluster {str(path)!r}", "See docs/cluster.md.")


@lru_cache(maxsize=2)
def _plan(blob: bytes) -> Plan:
    """Return the plan with its sides opened: found here, prepared here, or as sent."""
    plan: Plan = pickle.loads(blob)
    sides: dict[str, Side] = {
        name: side if isinstance(side, Side) else find_side(side) for name, side in plan.sides.items()
    }
    return replace(plan, sides=sides)


def _uid() -> str:
    """Hash of all that computes here, methods of other modules included."""
    names = [one.name for one in registered() if NOTEBOOK not in one.modules]
    return digest([code_uid(), method_sources(names)])


def _carry_out(
    blob: bytes, order: Order, device: str, code: str, methods: Sequence[tuple[str, str]]
) -> tuple[Sequence[Trial], Outcome]:
    register_again(methods)
    check(
        code == _uid(),
        "cluster: a worker runs another version of biotransfer, or of a library that it computes with, than "
        "this process. Install the same on all, and start the workers anew.",
    )
    return carry_out(_plan(blob), order, device)
