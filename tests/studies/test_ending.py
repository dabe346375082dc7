"""However a study's process ends, nothing of it is left running, and no temporary folder."""

import contextlib
import getpass
import os
import platform
import signal
import subprocess
import sys
import time

import psutil
import pytest
import yaml

from biotransfer.errors import BiotransferError
from biotransfer.files import sweep_parts, temporary_folder
from biotransfer.files.writing import part_of
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare, run_study
from biotransfer.studies.running.processes import ADDRESSES
from tests import ROOT

RECIPE = {
    "title": "ended",
    "eeg": {"data": "simulated", "n_subjects": 4},
    "emg": {"data": "simulated", "n_subjects": 4},
    "features": "statistical",
    "align": {"name": "top_k", "k": 8},
    "arms": ["scratch", "transferred", "permuted"],
    "train": {"epochs": 100},
    "seeds": 40,
}
TORCHS = {f"torchinductor_{getpass.getuser()}"}
SCRIPT = """
import sys, yaml
from biotransfer.studies.running import run_study
recipe = yaml.safe_load(open(sys.argv[1]))
cluster = {"name": "local", "jobs": 2} if sys.argv[3] == "dask" else None
run_study(recipe, sys.argv[2], workers=1 if cluster else int(sys.argv[3]), cluster=cluster)
"""


@pytest.fixture
def places(tmp_path):
    """A place for temporary files, and one for prepared data."""
    (tmp_path / "temporary").mkdir()
    return {"TMPDIR": str(tmp_path / "temporary"), "BIOTRANSFER_CACHE": str(tmp_path / "cache")}


def _of_this(places):
    """Processes with these places, those that started them aside."""
    found = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            own = process.status() != psutil.STATUS_ZOMBIE and process.environ().get("TMPDIR")
            found |= {process.pid} if own == places["TMPDIR"] else set()
    return found


def _until(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.1)
    return true()


def _semaphores(pid):
    shm = "/dev/shm"
    return [name for name in os.listdir(shm) if f"loky-{pid}-" in name] if os.path.isdir(shm) else []


def _hear_hangups():
    """Under nohup a process and all that it starts ignore SIGHUP."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["SIGKILL", "SIGTERM", "SIGHUP", "group"])
@pytest.mark.parametrize("workers", ["1", "2", "dask"])
def test_nothing_outlives_a_study(tmp_path, places, workers, way):
    """``group``: SIGHUP for all of a terminal."""
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "recipe.yaml"), str(tmp_path / "out"), workers]
    environment = {**os.environ, **places, "PYTHONPATH": str(ROOT)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen(
        command, env=environment, start_new_session=True, preexec_fn=_hear_hangups, **quiet
    )
    try:
        assert _until(lambda: any((tmp_path / "out").glob("trials/*/*/index.json")), 120), (
            process.stderr.read()
        )
        time.sleep(0.5)
        if way == "group":
            os.killpg(process.pid, signal.SIGHUP)
        else:
            process.send_signal(getattr(signal, way))
        wanted = -getattr(signal, "SIGHUP" if way == "group" else way)
        assert process.wait(60) == wanted
        assert _until(lambda: not _of_this(places))
        assert _until(lambda: not _semaphores(process.pid))
        left = {path.name for path in (tmp_path / "temporary").iterdir()}
        if way == "SIGKILL" and workers == "dask":
            with temporary_folder(tmp_path / "temporary"):
                left = {path.name for path in (tmp_path / "temporary").iterdir()} - left
            assert len(left) == 1, "what was left goes with the next study"
            left = set(os.listdir(tmp_path / "temporary"))
        assert not left - TORCHS
        assert (tmp_path / "out" / ".lock").exists() == (way == "SIGKILL")
        if way != "SIGKILL":
            assert not list(tmp_path.rglob("*.part"))
    finally:
        for pid in _of_this(places):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.stderr.close()


def test_a_signal_that_the_caller_handles_stays_with_the_caller():
    from biotransfer.studies.running.ending import StoppedError, cleaned_up_before_the_end

    old = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with cleaned_up_before_the_end():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, old)
    assert issubclass(StoppedError, KeyboardInterrupt)
    assert signal.getsignal(signal.SIGTERM) is old


def test_what_killed_processes_left_is_swept_by_the_next(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    own = part_of(tmp_path / "table").name
    names = {
        "dead": own.replace(str(os.getpid()), str(dead.pid)),
        "alive": own,
        "elsewhere": f".table.elsewhere-{dead.pid}.part",
        "long ago": f".table.elsewhere-{os.getpid()}.part",
        "other": ".table.part",
    }
    for name in names.values():
        (tmp_path / name).mkdir()
    os.utime(tmp_path / names["long ago"], (0, 0))
    sweep_parts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {names[k] for k in ("alive", "elsewhere", "other")}


def test_a_temporary_folder_is_found_by_the_next_when_its_process_was_killed(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from biotransfer.files import temporary_folder\n"
        "with temporary_folder(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, env=environment)
    (left,) = tmp_path.iterdir()
    with temporary_folder(tmp_path) as mine:
        assert list(tmp_path.iterdir()) == [mine]
        assert mine != left
    assert not list(tmp_path.iterdir())


def test_a_side_that_fails_leaves_nothing_half_written_of_the_other(tmp_path, monkeypatch):
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    half = tmp_path / "recordings" / f".1f.{platform.node()}-{ended.pid}.part"
    half.mkdir(parents=True)
    (half / "0.npy").touch()
    whole = {"data": "simulated", "n_subjects": 2}
    failing = {**whole, "preprocess": {"preset": "emg", "pick_channels": {"channels": ["nobody"]}}}
    with pytest.raises(BiotransferError, match=r"channels.*nobody"):
        prepare(load_recipe({"eeg": whole, "emg": failing, "features": "statistical"}), workers=2)
    assert not list(tmp_path.rglob("*.part"))


def test_a_limit_of_addresses_that_is_too_small_is_refused_before_anything_is_done(tmp_path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_AS)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES - 1, limits[1]))
        for start in (lambda: run_study(RECIPE, tmp_path / "out"), lambda: prepare(load_recipe(RECIPE))):
            with pytest.raises(BiotransferError, match=r"3071 MB of addresses.*Type: ulimit -v unlimited"):
                start()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    assert not list(tmp_path.rglob("*"))
