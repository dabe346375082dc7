"""One writer of a study folder, whatever the other does: comes at the same time, dies, sits elsewhere."""

import errno
import json
import multiprocessing
import os
import platform
import signal
from collections import Counter

import pytest

from biotransfer.errors import BiotransferError
from biotransfer.studies.running import lock as locks
from biotransfer.studies.running import run_study
from biotransfer.studies.running.lock import only_writer

RECIPE = {
    "title": "locked",
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 3},
    "features": "statistical",
    "align": {"name": "top_k", "k": 4},
    "arms": ["scratch"],
    "directions": ["emg->eeg"],
    "train": {"epochs": 1},
    "seeds": 1,
}
FOREIGN = {"host": "another", "pid": 1, "started": "2026-01-01T00:00:00+00:00", "boot": "another"}


def _state(folder):
    """Everything that a process could have changed."""
    every = [folder, *sorted(folder.rglob("*"))]
    return {
        path: (path.lstat().st_mtime_ns, path.lstat().st_ino, path.is_file() and path.read_bytes())
        for path in every
    }


def _no_links(*_):
    raise OSError(errno.EPERM, "no links here")


def _try(root, start, told, n, links):
    if not links:
        os.link = _no_links
    for i in range(n):
        start.wait()
        try:
            with only_writer(root / str(i) / "out"):
                told.put(i)
                start.wait()
        except BiotransferError:
            start.wait()


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("left", [None, "dead"])
def test_two_that_come_at_once_are_never_both_inside(tmp_path, links, left):
    """New folders, and what a dead process left."""
    n, context = 60, multiprocessing.get_context("fork")
    for i in range(n if left else 0):
        (tmp_path / str(i) / "out").mkdir(parents=True)
        (tmp_path / str(i) / "out" / ".lock").write_text(json.dumps({**FOREIGN, "host": platform.node()}))
    start, told = context.Barrier(2, timeout=60), context.Queue()
    both = [context.Process(target=_try, args=(tmp_path, start, told, n, links)) for _ in range(2)]
    for process in both:
        process.start()
    inside = Counter()
    for process in both:
        process.join(90)
    while not told.empty():
        inside[told.get()] += 1
    assert max(inside.values()) == 1
    assert not list(tmp_path.rglob("*lock*"))


def test_a_refused_process_has_changed_nothing(tmp_path):
    out = run_study(RECIPE, tmp_path / "out").folder
    with only_writer(out):
        held = json.loads((out / ".lock").read_text())
        assert (held["host"], held["pid"]) == (platform.node(), os.getpid())
        before = _state(tmp_path)
        said = f"written by process {os.getpid()} on {platform.node()} since {held['started'][:10]}"
        with pytest.raises(BiotransferError, match=said):
            run_study({**RECIPE, "title": "another", "seeds": 2}, out)
        assert _state(tmp_path) == before
    assert not (out / ".lock").exists()


def _hold_until_killed(folder, inside):
    with only_writer(folder):
        inside.set()
        signal.pause()


def test_what_a_killed_writer_held_is_free(tmp_path):
    context = multiprocessing.get_context("fork")
    inside = context.Event()
    process = context.Process(target=_hold_until_killed, args=(tmp_path / "out", inside))
    process.start()
    assert inside.wait(30)
    with pytest.raises(BiotransferError, match="Wait for it"), only_writer(tmp_path / "out"):
        pass
    process.kill()
    process.join()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]
    run_study(RECIPE, tmp_path / "out")
    assert not (tmp_path / "out" / ".lock").exists()


@pytest.mark.parametrize("known", ["host", "boot"])
def test_a_number_that_another_process_has_by_now_does_not_block(tmp_path, known):
    """By the machine's name, or its kernel's where a container has another name each time."""
    ours = {"host": platform.node(), "boot": locks._boot()}
    if not ours[known]:
        pytest.skip("this kernel does not say when it was started")
    facts = {**FOREIGN, "pid": os.getppid(), known: ours[known]}
    (tmp_path / ".lock").write_text(json.dumps(facts))
    with only_writer(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
    assert not list(tmp_path.iterdir())


def test_a_lock_of_another_machine_is_never_guessed_away(tmp_path):
    (tmp_path / ".lock").write_text(json.dumps(FOREIGN))
    before = _state(tmp_path)
    with pytest.raises(BiotransferError, match=r"process 1 on another since 2026-01-01.*delete '.*\.lock'"):
        run_study(RECIPE, tmp_path)
    assert _state(tmp_path) == before


def test_a_lock_without_the_kernel_still_lets_one_in(tmp_path, monkeypatch):
    """Where the file system knows no flock."""
    monkeypatch.setattr(locks, "_hold", lambda *_, **__: None)
    with only_writer(tmp_path):
        with pytest.raises(BiotransferError, match="delete"), only_writer(tmp_path):
            pass
        assert (tmp_path / ".lock").exists()
    with only_writer(tmp_path):
        pass


@pytest.mark.parametrize("what", ["empty", "text", "list", "folder", "link"])
def test_what_is_no_lock_is_refused_by_name(tmp_path, what):
    path = tmp_path / "out" / ".lock"
    path.parent.mkdir()
    if what == "folder":
        path.mkdir()
    elif what == "link":
        path.symlink_to(tmp_path / "nowhere")
    else:
        path.write_text({"empty": "", "text": "\x00\x01", "list": "[1]"}[what])
    with pytest.raises(BiotransferError, match="--out"):
        run_study(RECIPE, path.parent)
    assert [p.name for p in path.parent.iterdir()] == [".lock"]


def test_folders_that_stay_empty_are_removed_again(tmp_path):
    with pytest.raises(BiotransferError, match="classes"):
        run_study({**RECIPE, "eeg": {"data": "simulated", "classes": ["a"]}}, tmp_path / "new" / "out")
    assert not list(tmp_path.iterdir())


def test_a_lock_that_was_taken_away_is_not_taken_from_its_next_holder(tmp_path):
    with only_writer(tmp_path):
        (tmp_path / ".lock").unlink()
        (tmp_path / ".lock").write_text(json.dumps(FOREIGN))
    assert (tmp_path / ".lock").read_text() == json.dumps(FOREIGN)
