"""Worker processes of this machine: they map the prepared data, and a dead one's work is done again."""

from __future__ import annotations

import importlib
import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext, suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...edges import keep_grown_process, keep_tracker, removed_after_death
from ...errors import BiotransferError, check
from ...files import temporary_folder
from ...registry import places, register_again
from .ending import cleaned_up_before_the_end, end_with_parent

ADDRESSES = 3 << 30
"""Bytes that a process must be allowed to address."""
LOSSES = 3
WATCH = 20.0
"""Seconds without a result after which it is asked whether anything could still bring one."""
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)


class _Kept:
    """What is known of the processes that run, if any do."""

    executor: Any = None
    workers = 0
    blocks = 0
    afterwards: tuple[str, ...] = ()


def _refuse_small_address_space() -> None:
    """Refuse a limit below which torch cannot be loaded and a thread that cannot start is waited for."""
    if find_spec("resource") is None:
        return
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    check(
        limit == resource.RLIM_INFINITY or limit >= ADDRESSES,
        f"A process may use {limit >> 20} MB of addresses here (ulimit -v). Expected {ADDRESSES >> 20} MB or "
        "more. Type: ulimit -v unlimited",
    )


@contextmanager
def kept_processes(*afterwards: str) -> Iterator[None]:
    """End the worker processes when the outermost such block ends, and at once when it fails.

    It fails, too, when the system asks this process to end (SIGTERM, a lost terminal).

    Parameters
    ----------
    *afterwards : str
        Modules that will be needed in them once a study is through: see :func:`import_what_follows`.
    """
    _refuse_small_address_space()
    with nullcontext() if _Kept.blocks else cleaned_up_before_the_end():
        _Kept.blocks += 1
        _Kept.afterwards += afterwards
        failed = True
        try:
            yield
            failed = False
        finally:
            _Kept.blocks -= 1
            if not _Kept.blocks:
                _Kept.afterwards = ()
                end_processes(at_once=failed)


def import_what_follows() -> None:
    """Let the processes import what outer blocks asked for, while this one collects what they found."""
    import_in_processes(*_Kept.afterwards)


def import_in_processes(*modules: str) -> None:
    """Give the processes that run, if any, as many imports as they are; return at once.

    One that is free takes the next; what it cannot import it will say when it is asked to use it.
    """
    if _Kept.executor is not None and modules:
        with suppress(BrokenProcessPool):
            for _ in range(_Kept.workers):
                _Kept.executor.submit(_import, modules)


def _import(modules: Sequence[str]) -> None:
    for name in modules:
        importlib.import_module(name)


def share_with_processes(
    function: Callable[..., Any], shared: object, arguments: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[Any]:
    """Call ``function(shared, *given)`` for each of ``arguments`` in worker processes; yield as it comes.

    Parameters
    ----------
    function : callable
        Of a module.
    shared : object
        Written to a file once; a process reads it once.
    arguments : sequence of tuple
        Begun in this order.
    workers : int
        Processes.

    Raises
    ------
    BiotransferError
        When processes die three times without anything having been finished in between.
    """
    with temporary_folder() as folder, removed_after_death(folder):
        path = folder / "shared.pickle"
        path.write_bytes(pickle.dumps(shared))
        given = [(function, str(path), each) for each in arguments]
        yield from each_in_processes(_with_shared, given, workers)


def each_in_processes(
    function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]], workers: int
) -> Iterator[Any]:
    """Call ``function`` on each of ``arguments`` in worker processes; yield what it returns as it comes."""
    from joblib.externals.loky import get_reusable_executor

    waiting, losses, methods = dict(enumerate(arguments)), 0, places()
    keep_tracker()
    while waiting:
        executor = get_reusable_executor(
            max_workers=workers,
            timeout=300,
            kill_workers=losses > 0,
            env=_ONE_THREAD,
            initializer=_begin,
            initargs=(os.getpid(),),
        )
        _Kept.executor, _Kept.workers = executor, workers
        try:
            futures = {
                executor.submit(_with_methods, methods, function, *given): i for i, given in waiting.items()
            }
            for future in _completed(futures, executor):
                result = future.result()
                del waiting[futures[future]]
                losses = 0
                yield result
        except BrokenProcessPool as error:
            losses += 1
            if losses == LOSSES:
                end_processes(at_once=True)
                raise BiotransferError(
                    f"workers={workers}: a worker process died {LOSSES} times in a row, most likely for want "
                    "of memory. What is finished is kept. Continue with fewer: --workers 1"
                ) from error
        except BaseException:
            end_processes(at_once=True)
            raise


def _completed(futures: Iterable[Future[Any]], executor: Any) -> Iterator[Future[Any]]:
    """Yield futures as they are done.

    Loky brings results by a thread of this process; should that end, no result would ever come and no error
    either. It is then as if the processes had died.
    """
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, WATCH, FIRST_COMPLETED)
        yield from done
        thread = executor._executor_manager_thread
        if not done and (thread is None or not thread.is_alive()):
            for process in list(executor._processes.values()):
                process.terminate()
            executor.shutdown(wait=False, kill_workers=True)
            raise BrokenProcessPool("The thread that brings results has ended.")


def end_processes(*, at_once: bool = False) -> None:
    """End the processes that were started, and wait until they have; ``at_once``, whatever they do."""
    executor, _Kept.executor = _Kept.executor, None
    if executor is not None:
        executor.shutdown(wait=True, kill_workers=at_once)


def _begin(parent: int) -> None:
    end_with_parent(parent)
    keep_grown_process()


@lru_cache(maxsize=1)
def _shared(path: str) -> Any:
    return pickle.loads(Path(path).read_bytes())


def _with_methods(methods: Sequence[tuple[str, str]], function: Callable[..., Any], *given: Any) -> Any:
    """Call a function where methods of other modules are known as they are in the first process."""
    register_again(methods)
    return function(*given)


def _with_shared(function: Callable[..., Any], path: str, given: tuple[Any, ...]) -> Any:
    return function(_shared(path), *given)
