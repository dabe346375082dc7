"""The one guard around every training: its threads, its precision, its order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def reproducibly() -> Iterator[None]:
    """Keep to one thread and to the precision that was asked for; afterwards all is as before.

    Then sums do not depend on the machine's cores, workers do not compete, and a GPU neither rounds factors
    to 10 bits (TF32, its default in convolutions) nor adds them up in the order in which they arrive. Numbers
    below the normal range (1e-38) become 0: AdamW's means of units that are never active end there, and
    made a step take twice as long.
    """
    import scipy.linalg.cython_blas  # noqa: F401  # the kernel's small products: limited only once it is loaded
    from threadpoolctl import threadpool_limits

    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    flushes = flushes_denormals()
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest")
    torch.set_flush_denormal(True)
    try:
        with (
            threadpool_limits(1, user_api="blas"),
            torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False),
        ):
            yield
    finally:
        torch.set_flush_denormal(flushes)
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)


def flushes_denormals() -> bool:
    """Whether numbers below the normal range become 0."""
    return not float(torch.tensor([1e-310], dtype=torch.float64) * 0.5)
