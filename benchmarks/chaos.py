"""What is shared by the measurements of chaos: studies in processes of their own, watched from outside."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

TABLES = ("curves.parquet", "predictions.parquet", "ledger.parquet", "sources.parquet", "verdicts.json")
_KEPT = "torchinductor_"
"""A cache of torch that stays, one for each user."""
_SMALL: dict[str, Any] = {
    "eeg": {"data": "simulated", "n_subjects": 4},
    "emg": {"data": "simulated", "n_subjects": 4},
    "directions": ["emg->eeg"],
    "arms": ["scratch", "transferred", "permuted"],
    "nuisance": False,
    "baselines": [],
}
RECIPES: dict[str, dict[str, Any]] = {
    "features": {
        **_SMALL,
        "features": "statistical",
        "align": {"name": "top_k", "k": 16},
        "train": {"epochs": 3},
        "seeds": 2,
    },
    "signals": {
        **_SMALL,
        "features": None,
        "align": "none",
        "network": {"name": "cnn_signal", "filters": [4, 4], "kernel": 9},
        "arms": ["scratch", "transferred"],
        "train": {"epochs": 1},
        "seeds": 2,
    },
    "both ways": {
        **_SMALL,
        "directions": ["emg->eeg", "eeg->emg"],
        "features": "time_domain",
        "align": {"name": "top_k", "k": 8},
        "network": {"name": "mlp", "hidden": [8, 6]},
        "baselines": ["lda"],
        "train": {"epochs": 2},
        "seeds": 1,
    },
}


@dataclass
class Place:
    """Where one study lives: its folder, prepared data, temporary files."""

    root: Path

    def __post_init__(self) -> None:
        for folder in (self.cache, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def out(self) -> Path:
        """The study folder."""
        return self.root / "out"

    @property
    def cache(self) -> Path:
        """Prepared data."""
        return self.root / "cache"

    @property
    def temporary(self) -> Path:
        """Temporary files."""
        return self.root / "temporary"

    @contextlib.contextmanager
    def known(self) -> Iterator[None]:
        """Let this process, and those that it starts, use the folders of this place."""
        before = dict(os.environ)
        os.environ.update(TMPDIR=str(self.temporary), BIOTRANSFER_CACHE=str(self.cache))
        tempfile.tempdir = None
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            tempfile.tempdir = None

    def trials(self) -> list[tuple[str, str]]:
        """Return (task, trial) of every trial that is stored, twice what is there twice."""
        found = []
        for index in self.out.glob("trials/[!.]*/[!.]*/index.json"):
            found += [(index.parent.parent.name, uid) for uid in json.loads(index.read_text())["trials"]]
        return sorted(found)

    def tables(self) -> dict[str, str]:
        """Return the hash of every final table and of the verdicts."""
        return {name: hashlib.sha256((self.out / name).read_bytes()).hexdigest() for name in TABLES}

    def processes(self) -> list[int]:
        """Return the processes that were started from here and still run."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                ours = process.environ().get("TMPDIR") == str(self.temporary)
                found += [process.pid] if ours and process.status() != psutil.STATUS_ZOMBIE else []
        return found

    def files_left(self) -> list[str]:
        """Return what no process should have left: temporary files, parts, locks."""
        own = (path for path in self.temporary.iterdir() if not path.name.startswith(_KEPT))
        left = [*own, *self.root.rglob("*.part"), *self.root.rglob("*lock*")]
        return sorted({str(path.relative_to(self.root)) for path in left})


def warm_up(root: Path, recipes: Iterable[Mapping[str, Any]]) -> None:
    """Run studies in this process, so that those forked from it later have all modules and begin at once."""
    place = Place(root / "warm up")
    with place.known():
        from biotransfer.studies.running import run_study

        for i, recipe in enumerate(recipes):
            run_study(recipe, place.out / str(i))


def begin(recipe: Mapping[str, Any], place: Place, workers: int) -> multiprocessing.Process:
    """Start a study in a process of its own; what it ran is in ``ran.json`` of the place."""
    process = multiprocessing.get_context("fork").Process(target=_study, args=(recipe, place, workers))
    process.start()
    return process


def finish(recipe: Mapping[str, Any], place: Place, workers: int) -> dict[str, int]:
    """Run a study to its end in a process of its own, and return how many trials of each kind it ran."""
    process = begin(recipe, place, workers)
    process.join()
    if process.exitcode:
        raise SystemExit(f"a study failed:\n{(place.root / 'log.txt').read_text()[-3000:]}")
    return dict(json.loads((place.root / "ran.json").read_text()))


def _study(recipe: Mapping[str, Any], place: Place, workers: int) -> None:
    from biotransfer.studies.running import run_study

    os.setsid()
    log = os.open(place.root / "log.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(log, sys.stderr.fileno())
    with place.known():
        study = run_study(recipe, place.out, workers=workers)
    (place.root / "ran.json").write_text(json.dumps(dict(study.trials_run)))


def kill(pid: int) -> None:
    """Kill -9."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def until_empty(what: Any, seconds: float = 60.0) -> list[Any]:
    """Wait until a function returns nothing; return what it still returns then."""
    deadline = time.monotonic() + seconds
    while (found := what()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return list(found)


def say(text: str) -> None:
    print(text, flush=True)
