"""Where trials run: in this process, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import BiotransferError
from ..weights import Weights
from .plan import Plan
from .tasks import Kind, Outcome, Ref, Trial


@dataclass(frozen=True, eq=False)
class Order:
    """Trials of one task to carry out together, with the weights that they start from."""

    kind: Kind
    task: Any
    trials: Sequence[Trial]
    weights: Mapping[Ref, Weights]
    variant: str = ""


def run_orders(
    plan: Plan, orders: Sequence[Order], *, workers: int = 1, cluster: str | None = None, device: str = "cpu"
) -> Iterator[tuple[Sequence[Trial], Outcome]]:
    """Carry out orders and yield (trials, outcome) as they finish.

    Parameters
    ----------
    plan : Plan
        The study.
    orders : sequence of Order
        What to do.
    workers : int
        Processes on this machine.
    cluster : str, optional
        Address of a Dask scheduler, such as "tcp://host:8786"; its workers need biotransfer installed, and
        get data and weights with the tasks.
    device : str
        "cpu" or "cuda".

    Raises
    ------
    BiotransferError
        When the cluster cannot be reached.
    """
    if cluster is not None and orders:
        yield from _on_cluster(plan, orders, cluster, device)
    elif workers == 1 or len(orders) < 2:
        for order in orders:
            yield carry_out(plan, order, device)
    else:
        from joblib import Parallel, delayed

        parallel = Parallel(n_jobs=workers, backend="loky", return_as="generator_unordered")
        yield from parallel(delayed(carry_out)(plan, order, device) for order in orders)


def end_processes() -> None:
    """End the processes of this machine that :func:`run_orders` started: idle, they still hold memory."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True)


def carry_out(plan: Plan, order: Order, device: str) -> tuple[Sequence[Trial], Outcome]:
    """Carry out an order with one thread, so that results do not depend on the number of workers."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        frame = plan.of(order.variant)
        return order.trials, order.kind.run(frame, order.task, order.trials, order.weights, device)


def _on_cluster(
    plan: Plan, orders: Sequence[Order], address: str, device: str
) -> Iterator[tuple[Sequence[Trial], Outcome]]:
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise BiotransferError(
            f"--cluster {address!r} needs the package distributed. Type: pip install 'biotransfer[cluster]'"
        ) from error
    client: Any
    try:
        client = Client(address, timeout="10s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise BiotransferError(
            f"--cluster {address!r}: no Dask scheduler answers there ({error}). Start one: dask scheduler"
        ) from error
    with client:
        shared = client.scatter(plan, broadcast=True, hash=False)
        futures = [client.submit(carry_out, shared, order, device, pure=False) for order in orders]
        for future in as_completed(futures, loop=client.loop):
            yield future.result()
            future.release()
