"""Worker processes of this machine: they map the prepared data, and a dead one's work is done again."""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import BiotransferError
from .orders import Order, carry_out
from .plan import Plan
from .tasks import Outcome, Trial

LOSSES = 3
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


def run_in_processes(
    plan: Plan, orders: Sequence[Order], workers: int, device: str
) -> Iterator[tuple[Sequence[Trial], Outcome]]:
    """Carry out orders in ``workers`` processes and yield (trials, outcome) as they finish.

    Parameters
    ----------
    plan : Plan
        Written to a file once; a process reads it once.
    orders : sequence of Order
        Begun in this order.
    workers : int
        Processes.
    device : str
        "cpu" or "cuda".

    Raises
    ------
    BiotransferError
        When processes die three times without anything having been finished in between.
    """
    with tempfile.TemporaryDirectory(prefix="biotransfer-") as folder:
        path = Path(folder) / "plan.pickle"
        path.write_bytes(pickle.dumps(plan))
        yield from each_in_processes(_carry_out, [(str(path), order, device) for order in orders], workers)


def each_in_processes(
    function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[Any]:
    """Call ``function`` on each of ``arguments`` in worker processes; yield what it returns as it comes."""
    from joblib.externals.loky import get_reusable_executor

    waiting, losses = dict(enumerate(arguments)), 0
    while waiting:
        executor = get_reusable_executor(
            max_workers=workers, timeout=300, kill_workers=losses > 0, env=_ONE_THREAD, initializer=_stay
        )
        try:
            futures = {executor.submit(function, *given): i for i, given in waiting.items()}
            for future in as_completed(futures):
                result = future.result()
                del waiting[futures[future]]
                losses = 0
                yield result
        except BrokenProcessPool as error:
            losses += 1
            if losses == LOSSES:
                raise BiotransferError(
                    f"workers={workers}: a worker process died {LOSSES} times in a row, most likely for want "
                    "of memory. What is finished is kept. Continue with fewer: --workers 1"
                ) from error
        except BaseException:
            executor.shutdown(wait=False, kill_workers=True)
            raise


def _stay() -> None:
    """Keep loky from replacing this process when it has grown: what grows are recordings that it maps."""
    from joblib.externals.loky import process_executor

    process_executor._MAX_MEMORY_LEAK_SIZE = sys.maxsize


def end_processes() -> None:
    """End the processes that were started: idle, they still hold memory."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=True)


@lru_cache(maxsize=1)
def _plan(path: str) -> Plan:
    plan: Plan = pickle.loads(Path(path).read_bytes())
    return plan


def _carry_out(path: str, order: Order, device: str) -> tuple[Sequence[Trial], Outcome]:
    return carry_out(_plan(path), order, device)
