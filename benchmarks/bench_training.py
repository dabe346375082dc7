"""Training throughput beside its peers and the matrix rate, as ratios in one run.

Everybody trains the same networks on the same windows with the same schedule; updates per second count the
updates of all models. Ours runs as studies run: one worker process per core, one thread each, and takes a
point of the curve before the first and after every epoch; a peer is tested once, at the end. A peer runs in
one process and may use all cores. Rounds alternate; a ratio is the median of the rounds' ratios. The share of
the sgemm rate counts what is computed: updates and tests, without gradients of the windows themselves.

With ``--cores 1 --clock cpu`` everybody has one thread and time is processor time: on a machine that others
use, too, ratios then still mean something.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import torch

from biotransfer.learning.networks import Network, build_network
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.training import Schedule, epoch_order
from biotransfer.learning.training.job import Job
from biotransfer.learning.training.running import choose_engine, run_job
from biotransfer.transfer.carry import make_arms

RATE, TEST = 1e-3, 192
Clock = Callable[[], float]


@dataclass(frozen=True)
class Case:
    """One network on one kind of windows: how many models ours trains at once, how many a peer in a round."""

    name: str
    network: tuple[tuple[str, Any], ...]
    shape: tuple[int, ...]
    batch: int
    models: int
    peers: int
    rows: int = 1024
    epochs: int = 4
    engine: str = "auto"

    @property
    def record(self) -> Network:
        """The network."""
        return build_network(dict(self.network), self.shape, 3, sfreq=128.0)

    @property
    def updates(self) -> int:
        """Updates of one model."""
        return self.epochs * -(-self.rows // self.batch)


def _mlp(*hidden: int) -> tuple[tuple[str, Any], ...]:
    return (("name", "mlp"), ("hidden", hidden))


CASES = [
    Case("MLP 988-128-64-3, batch 64", _mlp(128, 64), (988,), 64, 32, 2, epochs=8),
    Case("MLP 128-64-32-3, batch 64", _mlp(64, 32), (128,), 64, 32, 4, epochs=20),
    Case("MLP 64-32-3, batch 32", _mlp(32), (64,), 32, 128, 4, epochs=20),
    Case("CNN of 16 x 16 features, batch 64", (("name", "cnn_image"),), (256,), 64, 16, 2),
    Case("CNN of 8 x 128 signals, batch 64", (("name", "cnn_signal"),), (8, 128), 64, 8, 2),
    Case("EEGNet, 8 x 128, batch 64", (("name", "EEGNet"),), (8, 128), 64, 16, 1, rows=512, epochs=1),
    Case("EEGNet, 22 x 250, batch 64", (("name", "EEGNet"),), (22, 250), 64, 16, 1, rows=512, epochs=1),
    Case(
        "ShallowFBCSPNet, 8 x 128, batch 64",
        (("name", "ShallowFBCSPNet"),),
        (8, 128),
        64,
        16,
        1,
        rows=512,
        epochs=1,
    ),
    Case("Deep4Net, 8 x 250, batch 64", (("name", "Deep4Net"),), (8, 250), 64, 16, 1, rows=512, epochs=1),
    Case("EEGNet by the loop, 8 x 128, batch 64", (("name", "EEGNet"),), (8, 128), 64, 1, 1, 1024, 2, "loop"),
    Case("EEGTCNet, 8 x 128, batch 64", (("name", "EEGTCNet"),), (8, 128), 64, 16, 1, rows=512, epochs=1),
    Case("EEGConformer, 8 x 128, batch 64", (("name", "EEGConformer"),), (8, 128), 64, 16, 1, 512, 1),
    Case("EEGNeX, 8 x 128, batch 64", (("name", "EEGNeX"),), (8, 128), 64, 16, 1, rows=512, epochs=1),
]


@lru_cache
def _data(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Windows of three classes that differ in a few directions; those after ``rows`` are the test."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, case.rows + TEST)
    X = rng.standard_normal((len(y), *case.shape), dtype=np.float32)
    centers = rng.standard_normal((3, case.shape[0])).astype(np.float32) * 2 / np.sqrt(case.shape[0])
    X += centers[y].reshape(len(y), case.shape[0], *[1] * (len(case.shape) - 1))
    return X, y


@lru_cache
def _job(case: Case, first_seed: int) -> Job:
    X, y = _data(case)
    arms = [make_arms(["scratch"], {}, case.record, first_seed + i)[0] for i in range(case.models)]
    rows, n = np.arange(case.rows + TEST), len(arms)
    train, test = np.tile(rows[: case.rows], (n, 1)), np.tile(rows[case.rows :], (n, 1))
    return Job(case.record, arms, X, y, train, test, "benchmark",
               Schedule(epochs=case.epochs, batch_size=case.batch, learning_rate=RATE))  # fmt: skip


def ours(case: Case, first_seed: int) -> float:
    """Train one worker's models; return their accuracy."""
    epoch_order.cache_clear()
    curves = run_job(_job(case, first_seed), engine=case.engine)
    return float((curves.predicted[:, -1] == _data(case)[1][case.rows :]).mean())


def plain(case: Case, seed: int, *, threads: int = 1, fused: bool = False, device: str = "cpu") -> float:
    """One model by a loop over batches in the device's memory."""
    X, y = (torch.from_numpy(value).to(device) for value in _data(case))
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    module = _fresh(case).to(device)
    optimizer = torch.optim.Adam(module.parameters(), lr=RATE, fused=fused)
    for _ in range(case.epochs):
        order = torch.randperm(case.rows, device=device)
        for rows in order.split(case.batch):
            optimizer.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(module(X[rows]), y[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        return float((module(X[case.rows :]).argmax(1) == y[case.rows :]).float().mean())


def _fresh(case: Case) -> torch.nn.Module:
    module = build_module(case.record)
    for part in module.modules():
        if hasattr(part, "reset_parameters"):
            part.reset_parameters()
    return module


def _skorch_like(make: Any, case: Case, seed: int) -> float:
    X, y = _data(case)
    torch.manual_seed(seed)
    model = make(
        _fresh(case), criterion=torch.nn.CrossEntropyLoss, optimizer=torch.optim.Adam, lr=RATE, verbose=0,
        batch_size=case.batch, max_epochs=case.epochs, iterator_train__shuffle=True, train_split=None,
    )  # fmt: skip
    model.fit(X[: case.rows], y[: case.rows])
    return float((model.predict(X[case.rows :]) == y[case.rows :]).mean())


def skorch(case: Case, seed: int) -> float:
    """Fit the classifier of skorch, with its own loader."""
    from skorch import NeuralNetClassifier

    return _skorch_like(NeuralNetClassifier, case, seed)


def eegclassifier(case: Case, seed: int) -> float:
    """Fit the classifier of braindecode."""
    from biotransfer.signals.windows.braindecode import load_braindecode

    return _skorch_like(load_braindecode().EEGClassifier, case, seed)


def sklearn(case: Case, seed: int) -> float:
    """Fit the classifier of scikit-learn, its early stop switched off."""
    from sklearn.neural_network import MLPClassifier

    X, y = _data(case)
    model = MLPClassifier(
        dict(case.network)["hidden"], alpha=0.0, batch_size=case.batch, learning_rate_init=RATE,
        max_iter=case.epochs, tol=0.0, n_iter_no_change=case.epochs + 1, random_state=seed,
    )  # fmt: skip
    model.fit(X[: case.rows], y[: case.rows])
    return float(model.score(X[case.rows :], y[case.rows :]))


def sgemm_rate(threads: int, clock: Clock, repeat: int = 32) -> float:
    """Operations per second of float32 products of 1024 x 1024 matrices, one after the other."""
    torch.set_num_threads(threads)
    a = torch.randn(1024, 1024)
    a @ a
    begin = clock()
    for _ in range(repeat):
        a @ a
    return repeat * 2 * 1024**3 / (clock() - begin)


def operations(case: Case, tests: int) -> float:
    """Operations of one model: its updates, and the forward passes of ``tests`` tests."""
    return case.updates * update_operations(case) + tests * case.record.operations(TEST)


def update_operations(case: Case) -> float:
    """Operations of one update: forward, and backward without the gradient of the windows themselves."""
    record = case.record
    first = next(layer for layer in record.layers if layer.name)
    shapes = record.tensor_shapes[f"{first.name}.weight"]
    below = 2.0 * float(np.prod(shapes)) * (case.shape[1] if len(case.shape) == 2 else 1)
    return 3 * record.operations(case.batch) - below * case.batch


class Workers:
    """One process per core, as a study has them."""

    def __init__(self, cores: int):
        from joblib import Parallel

        self.cores = cores
        self.parallel = Parallel(n_jobs=cores, backend="loky") if cores > 1 else None

    def __call__(self, case: Case) -> float:
        """Let every process train a case's models; return their accuracy."""
        from joblib import delayed

        if self.parallel is None:
            return ours(case, 0)
        return float(np.mean(self.parallel(delayed(ours)(case, 1000 * i) for i in range(self.cores))))


def measure(case: Case, cores: int, rounds: int, clock: Clock) -> list[str]:
    """Return the lines of a case's table."""
    workers = Workers(cores)
    engine = choose_engine(case.record, case.engine)

    def several(peer: Callable[[Case, int], float]) -> Callable[[], float]:
        return lambda: float(np.mean([peer(case, seed) for seed in range(case.peers)]))

    own_name = f"biotransfer, {engine}"
    contenders: dict[str, tuple[Callable[[], float], int]] = {
        own_name: (lambda: workers(case), case.models * cores)
    }
    for threads in range(1, cores + 1):
        for fused in (False, True):
            peer = partial(plain, threads=threads, fused=fused)
            name = f"plain loop, {threads} thread{'s' * (threads > 1)}{', fused Adam' * fused}"
            contenders[name] = (several(peer), case.peers)
    contenders["skorch"] = (several(skorch), case.peers)
    contenders["braindecode EEGClassifier"] = (several(eegclassifier), case.peers)
    if case.record.name == "mlp":
        contenders["scikit-learn MLPClassifier"] = (several(sklearn), case.peers)
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    accuracy: dict[str, float] = {}
    sgemm = []
    for i in range(rounds + 1):
        found = {}
        for name, (function, models) in contenders.items():
            torch.set_num_threads(cores)
            begin = clock()
            accuracy[name] = function()
            found[name] = models * case.updates / (clock() - begin)
        if i:
            sgemm.append(sgemm_rate(cores, clock))
            for name, rate in found.items():
                rates[name].append(rate)
    own = rates[own_name]
    lines = [
        f"| {case.name} | updates/s | ours is x times faster | of the sgemm rate | accuracy |",
        "|---|---|---|---|---|",
    ]
    for name, values in rates.items():
        times = statistics.median(a / b for a, b in zip(own, values, strict=True))
        each = operations(case, case.epochs + 1 if name == own_name else 1) / case.updates
        share = statistics.median(v * each / s for v, s in zip(values, sgemm, strict=True))
        lines.append(
            f"| {name} | {statistics.median(values):.0f} | {times:.1f} | {share:.2f} | {accuracy[name]:.3f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    parser.add_argument("--case", type=int, help="only this one, from 0")
    arguments = parser.parse_args()
    if arguments.clock == "cpu" and arguments.cores > 1:
        parser.error("--clock cpu counts the time of one process. Add --cores 1.")
    warnings.simplefilter("ignore")
    clock = time.process_time if arguments.clock == "cpu" else time.perf_counter
    n, time_is = arguments.cores, {"cpu": "processor", "wall": "wall"}[arguments.clock]
    print(f"{n} core{'s' if n > 1 else ''}, {time_is} time, medians of {arguments.rounds} rounds\n")
    for case in CASES if arguments.case is None else [CASES[arguments.case]]:
        print("\n".join(measure(case, n, arguments.rounds, clock)) + "\n", flush=True)


if __name__ == "__main__":
    import bench_training

    bench_training.main()
