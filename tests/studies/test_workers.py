"""Workers: processes of this machine, a real Dask scheduler, SLURM by a stand-in; some of them are killed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from biotransfer.cli import main
from biotransfer.errors import BiotransferError, DataNotFoundError
from biotransfer.studies.recipe import ClusterAsked, OwnCluster, load_recipe, own_cluster
from biotransfer.studies.running import lay_out, prepare, processes, run_study
from biotransfer.studies.running.data import find_side
from biotransfer.studies.running.orders import Order, carry_out, portions
from biotransfer.studies.running.processes import (
    each_in_processes,
    end_processes,
    import_in_processes,
    import_what_follows,
    kept_processes,
)
from biotransfer.studies.running.workers import Crew
from tests import ROOT

SMALL = {
    "title": "small",
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 3},
    "features": "band_power",
    "align": {"name": "top_k", "k": 8},
    "network": {"name": "mlp", "hidden": [8, 6]},
    "arms": ["scratch", "transferred", "permuted"],
    "train": {"epochs": 2, "batch_size": 32},
    "seeds": 2,
}
BIN = ROOT / "tests" / "bin"
pytestmark = pytest.mark.filterwarnings("default")


def _tables(folder):
    return {
        name: pd.read_parquet(folder / f"{name}.parquet") for name in ("curves", "predictions", "sources")
    }


def _same(one, other):
    for name, table in _tables(one).items():
        pd.testing.assert_frame_equal(table, _tables(other)[name], check_exact=True)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The study done by this process."""
    return run_study(SMALL, tmp_path_factory.mktemp("alone") / "out").folder


def _die_once(marker, value):
    """Kill the own process when the marker is not there yet."""
    if not Path(marker).exists():
        Path(marker).touch()
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def _die(_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_what_a_dead_process_had_begun_is_done_by_another(tmp_path):
    given = [(str(tmp_path / "marker"), i) for i in range(6)]
    assert sorted(each_in_processes(_die_once, given, 2)) == list(range(6))
    with pytest.raises(BiotransferError, match="died 3 times in a row"):
        list(each_in_processes(_die, [(0,)], 2))
    end_processes()


def _slowly(number):
    time.sleep(1.0)
    return number


def test_results_that_nothing_can_bring_any_more_are_made_again(monkeypatch):
    gone = threading.Thread(target=int)
    gone.start()
    gone.join()
    asked, wait = [], processes.wait

    def wait_in_vain(*given):
        if not asked:
            processes._Kept.executor._executor_manager_thread = gone
        asked.append(given)
        return wait(*given)

    monkeypatch.setattr(processes, "WATCH", 0.2)
    monkeypatch.setattr(processes, "wait", wait_in_vain)
    assert sorted(each_in_processes(_slowly, [(i,) for i in range(4)], 2)) == list(range(4))


@pytest.mark.slow
def test_processes_make_the_report_and_end_with_the_command(tmp_path):
    import psutil

    recipe = tmp_path / "small.yaml"
    recipe.write_text(yaml.safe_dump(SMALL), encoding="utf-8")
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    assert main(["run", str(recipe), "--out", str(tmp_path / "out"), "--workers", "2"]) == 0
    made = (tmp_path / "out" / "report.html").read_bytes()
    left = [c for c in psutil.Process().children(recursive=True) if c.pid not in before]
    assert not [c for c in left if "resource_tracker" not in " ".join(c.cmdline())]
    assert main(["report", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "report.html").read_bytes() == made


def test_modules_are_imported_ahead_only_where_processes_run():
    end_processes()
    import_in_processes("json")
    with kept_processes("biotransfer.pages.report.parts"):
        import_what_follows()
        assert list(each_in_processes(_modules, [()], 1)) == [False]
        import_what_follows()
        assert list(each_in_processes(_modules, [()], 1)) == [True]


def test_a_block_that_fails_ends_its_processes_at_once():
    import psutil

    def running():
        found = set()
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                found |= set() if "resource_tracker" in " ".join(child.cmdline()) else {child.pid}
        return found

    def fail():
        with kept_processes():
            assert list(each_in_processes(_modules, [()], 2)) == [False]
            assert running() - before
            raise ValueError("wrong")

    before = running()
    with pytest.raises(ValueError, match="wrong"):
        fail()
    deadline = time.monotonic() + 10
    while running() - before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not running() - before
    import_in_processes("json")


@pytest.mark.slow
@pytest.mark.filterwarnings("error:Trying to resize")
def test_more_processes_than_data_sets_are_one_pool(alone, tmp_path, monkeypatch):
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(tmp_path / "cache"))
    _same(alone, run_study(SMALL, tmp_path / "out", workers=3).folder)


def _modules():
    return "biotransfer.pages.report.parts" in sys.modules


def _watch(folder, stop, killed):
    """Kill one worker process as soon as the first batch of trials is stored."""
    import psutil

    while not stop.is_set():
        if any(folder.glob("trials/*/*/index.json")):
            children = [
                child
                for child in psutil.Process().children(recursive=True)
                if "loky" in " ".join(child.cmdline()) and "resource_tracker" not in " ".join(child.cmdline())
            ]
            if children:
                children[0].kill()
                killed.append(children[0].pid)
                return
        time.sleep(0.01)


@pytest.mark.slow
def test_a_study_whose_process_is_killed_finds_the_same(alone, tmp_path):
    stop, killed = threading.Event(), []
    thread = threading.Thread(target=_watch, args=(tmp_path / "out", stop, killed))
    thread.start()
    run_study(SMALL, tmp_path / "out", workers=2)
    stop.set()
    thread.join()
    assert killed
    _same(alone, tmp_path / "out")


@pytest.fixture
def scheduler(tmp_path):
    """A scheduler and two workers, each a process with a cache folder of its own."""
    environment = {**os.environ, "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    command += ["--no-dashboard", "--scheduler-file", str(file)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen(command, env=environment, **quiet)]
    for i in range(2):
        own = {**environment, "BIOTRANSFER_CACHE": str(tmp_path / f"cache{i}")}
        command = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file)]
        command += ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path)]
        processes.append(subprocess.Popen(command, env=own, **quiet))
    deadline = time.monotonic() + 60
    while not file.is_file() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield yaml.safe_load(file.read_text())["address"], processes
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_cluster_whose_worker_is_killed_finds_the_same(alone, tmp_path, scheduler):
    """SIGKILL for one of two workers as soon as the first results are there."""
    address, processes = scheduler
    killed = []

    def progress(what, done, total):
        if 0 < done < total and not killed and "source" not in what:
            processes[1].kill()
            killed.append(what)

    run_study(SMALL, tmp_path / "out", cluster=address, progress=progress)
    assert killed
    _same(alone, tmp_path / "out")


@pytest.mark.slow
def test_slurm_starts_the_workers_from_a_cluster_file(alone, tmp_path, monkeypatch):
    """The job script that dask-jobqueue writes is really run, by a stand-in for sbatch."""
    monkeypatch.setenv("PATH", f"{BIN}:{os.environ['PATH']}")
    monkeypatch.setenv("STANDIN_SLURM", str(tmp_path / "jobs"))
    slurm = {
        "name": "slurm", "cores": 1, "memory": "2GB", "walltime": "00:10:00", "interface": "lo",
        "adaptive": {"minimum": 1, "maximum": 2}, "local_directory": str(tmp_path),
        "job_script_prologue": ["export OMP_NUM_THREADS=1"],
    }  # fmt: skip
    run_study(SMALL, tmp_path / "out", cluster=slurm)
    scripts = sorted((tmp_path / "jobs").glob("*.sh"))
    assert scripts
    assert "#SBATCH --cpus-per-task=1" in scripts[0].read_text()
    assert "export OMP_NUM_THREADS=1" in scripts[0].read_text()
    _same(alone, tmp_path / "out")
    deadline = time.monotonic() + 30
    while len(listed := _squeue()) > 1 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(listed) == 1, "a job was left running"


def _squeue():
    done = subprocess.run([BIN / "squeue"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_data_are_found_by_uid_prepared_from_files_or_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(tmp_path / "here"))
    side = prepare(load_recipe(SMALL)).sides["eeg"]
    assert find_side(side.place).signals.digest() == side.place.digest
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(tmp_path / "there"))
    elsewhere = side.place._replace(root=str(tmp_path / "nowhere"))
    assert find_side(elsewhere).signals.digest() == side.place.digest
    assert len(list((tmp_path / "there" / "signals").iterdir())) == 1
    rounded = elsewhere._replace(digest="0", root=str(tmp_path / "no"))
    assert find_side(rounded).signals.digest() == side.place.digest  # made of the same files in the same way
    others = dict.fromkeys(dict(rounded.keys), "0")
    with pytest.raises(DataNotFoundError, match="other data"):
        find_side(rounded._replace(keys=others))


def test_portions_hold_every_trial_once_and_whole_seeds():
    planned = lay_out(prepare(load_recipe({**SMALL, "seeds": 30})))
    parts = portions(planned)
    refs = [[trial.ref for entry in entries for trial in entry.trials] for entries in (parts, planned)]
    assert sorted(refs[0]) == sorted(refs[1])
    assert max(len(part.trials) for part in parts) <= 40
    for part in parts:
        if part.kind.name == "target":
            seeds = pd.Series([t.columns["seed"] for t in part.trials]).value_counts()
            assert set(seeds) == {len(SMALL["arms"])}


def test_portions_together_are_the_task():
    plan = prepare(load_recipe({**SMALL, "seeds": 4, "arms": ["scratch"]}))
    whole = next(entry for entry in lay_out(plan) if entry.kind.name == "target")
    _, together = carry_out(plan, Order(whole.kind, whole.task, whole.trials, {}), "cpu")
    _, single = carry_out(plan, Order(whole.kind, whole.task, whole.trials[2:3], {}), "cpu")
    mine = together.tables["curves"].query("trial == 2")["value"].to_numpy()
    np.testing.assert_allclose(single.tables["curves"]["value"], mine, rtol=1e-4)


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({"jobs": 2}, "names no system"),
        ({"name": "slrum"}, "Did you mean 'slurm'"),
        ({"name": "slurm", "jobs": 0}, "cluster.jobs=0"),
        ({"name": "slurm", "jobs": 2, "adaptive": {"maximum": 3}}, "Leave one of them out"),
        ({"name": "slurm", "adaptive": 3}, "cluster.adaptive=3"),
        ({"name": "slurm", "adaptive": {"minimum": 4, "maximum": 3}}, "minimum=4"),
        ({"name": "local", "jobs": 65}, "65 jobs"),
        ({"name": "local", "queue": "short"}, "is for SLURM"),
        ({"name": "slurm", "memory": "8 many"}, "cluster.memory='8 many'"),
        ("tcp://127.0.0.1:8786", "is an address"),
        ("dask://odd\nhost", "is an address"),
        ("slurm", "names no system"),
    ],
)
def test_a_cluster_that_cannot_be_is_refused_with_the_recipe(cluster, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**SMALL, "cluster": cluster})


@pytest.mark.parametrize("name", ["slurm", "local"])
@pytest.mark.parametrize(
    "key",
    [
        "preload", "preload_nanny", "worker_class", "security", "scheduler_kwargs", "host", "env", "python",
        "shebang", "worker_command", "worker_extra_args", "job_extra_directives", "submit_command", "plugins",
        "config_name", *(set(OwnCluster.declared()) - set(ClusterAsked.declared())),
    ],
)  # fmt: skip
def test_a_recipe_asks_for_workers_and_for_nothing_they_run(name, key):
    with pytest.raises(BiotransferError, match=key):
        load_recipe({**SMALL, "cluster": {"name": name, key: ["import os"]}})


@pytest.mark.parametrize("key", sorted(set(ClusterAsked.declared()) - {"adaptive"}))
@pytest.mark.parametrize("given", ["x\nrm -rf ~", "a; b", "$(b)", "`b`", "-p x", "x" * 999, "02:00:00\n#"])
def test_no_key_of_a_recipe_holds_a_line_of_a_job_script(key, given):
    asked = {"name": "slurm", "cores": 1, "memory": "1GB", key: given}
    with pytest.raises(BiotransferError, match=key):
        load_recipe({**SMALL, "cluster": asked})


def test_a_recipe_with_workers_is_read_again_as_it_is_written():
    asked = {"name": "slurm", "adaptive": {"maximum": 3}, "cores": 2, "memory": "1GB", "walltime": "1-00"}
    recipe = load_recipe({**SMALL, "cluster": asked})
    assert load_recipe(recipe.to_dict()).plain("cluster") == recipe.plain("cluster")
    assert own_cluster(recipe.cluster).arguments() == {"cores": 2, "memory": "1GB", "walltime": "1-00"}


def test_a_cluster_is_an_address_or_a_file(tmp_path):
    plan = prepare(load_recipe(SMALL))
    entry = lay_out(plan)[0]
    order = Order(entry.kind, entry.task, entry.trials, {})
    with Crew(cluster=str(tmp_path / "none.yaml")) as crew, pytest.raises(BiotransferError, match="neither"):
        list(crew.run(plan, [order]))
    (tmp_path / "odd.yaml").write_text("{name: slurm, colour: red, cores: 1, memory: 1GB}")
    with Crew(cluster=str(tmp_path / "odd.yaml")) as crew, pytest.raises(BiotransferError, match="colour"):
        list(crew.run(plan, [order]))
