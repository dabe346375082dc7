"""Training on a CUDA device beside this machine's CPU and its peers, by the size of the stack.

The networks, windows and schedule of ``bench_training.py``; everybody counts updates per second of wall time.
On the device, where a study trains all arms and seeds of a fold in one run, the number of models is varied;
every epoch ends with a point of the curve. The matrix rates are those of products of 8192 x 8192 matrices.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from bench_training import CASES, Case, Workers, _data, _job, plain, update_operations

from biotransfer.learning.training import epoch_order
from biotransfer.learning.training.running import run_job
from biotransfer.learning.training.stacked import models_per_stack

MODELS = (1, 8, 32, 128, 512, 2048)


def matrix_rate(dtype: torch.dtype, repeat: int = 5) -> float:
    """Operations per second of products of 8192 x 8192 matrices: the best of several."""
    a, b = (torch.randn(8192, 8192, device="cuda").to(dtype) for _ in range(2))
    best = 0.0
    for _ in range(repeat):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        a @ b
        torch.cuda.synchronize()
        best = max(best, 2 * 8192**3 / (time.perf_counter() - begin))
    return best


def ours(case: Case, precision: str) -> float:
    """Train a case's models on the device; return their accuracy."""
    epoch_order.cache_clear()
    job = _job(case, 0)
    curves = run_job(replace(job, schedule=replace(job.schedule, precision=precision)), device="cuda")
    return float((curves.predicted[:, -1] == _data(case)[1][case.rows :]).mean())


def timed(function: Callable[[], float], updates: int, rounds: int) -> tuple[float, float]:
    """Return updates per second, the median of several rounds after one, and the accuracy."""
    accuracy, rates = function(), []
    for _ in range(rounds):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        function()
        torch.cuda.synchronize()
        rates.append(updates / (time.perf_counter() - begin))
    return statistics.median(rates), accuracy


def measure(case: Case, rounds: int, cores: int, most: int, rates: dict[str, float]) -> list[str]:
    """Return the lines of a case's table."""
    operations = update_operations(case)
    workers = Workers(cores)
    cpu, accuracy = timed(lambda: workers(case), case.models * cores * case.updates, rounds)
    seeds = range(case.peers)
    peer, peers = timed(
        lambda: float(np.mean([plain(case, seed, fused=True, device="cuda") for seed in seeds])),
        case.peers * case.updates,
        rounds,
    )
    lines = [
        f"| {case.name} | models | updates/s | x plain loop on the GPU | x {cores} cores | "
        "of the matrix rate | accuracy |",
        "|---|---|---|---|---|---|---|",
        f"| biotransfer, {cores} cores | {case.models} each | {cpu:.0f} | {cpu / peer:.1f} | 1 | | "
        f"{accuracy:.3f} |",
        f"| plain loop on the GPU | 1 | {peer:.0f} | 1 | {peer / cpu:.2f} | "
        f"{peer * operations / rates['full']:.4f} | {peers:.3f} |",
    ]
    for precision in ("full", "mixed"):
        for models in MODELS:
            if models > min(most, models_per_stack(case.record, case.batch, "cuda")):
                continue
            several = replace(case, models=models)
            rate, accuracy = timed(lambda s=several, p=precision: ours(s, p), models * case.updates, rounds)
            lines.append(
                f"| biotransfer, GPU, {precision} | {models} | {rate:.0f} | {rate / peer:.1f} | "
                f"{rate / cpu:.1f} | {rate * operations / rates[precision]:.4f} | {accuracy:.3f} |"
            )
            _job.cache_clear()
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--models", type=int, default=max(MODELS), help="no more than these in a stack")
    parser.add_argument("--case", type=int, action="append", help="only this one, from 0")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("torch finds no CUDA device.")
    warnings.simplefilter("ignore")
    rates = {"full": matrix_rate(torch.float32), "mixed": matrix_rate(torch.bfloat16)}
    print(
        f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {arguments.cores} cores beside it; "
        f"matrix rates {rates['full'] / 1e12:.0f} (float32) and {rates['mixed'] / 1e12:.0f} (bfloat16) "
        f"teraflop/s; medians of {arguments.rounds} rounds\n"
    )
    for i, case in enumerate(CASES):
        if not arguments.case or i in arguments.case:
            lines = measure(case, arguments.rounds, arguments.cores, arguments.models, rates)
            print("\n".join(lines) + "\n", flush=True)


if __name__ == "__main__":
    import bench_gpu

    bench_gpu.main()
