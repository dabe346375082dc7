"""Writing aside: whole or not at all, by one process at a time, without what killed ones left."""

import os
import platform
import subprocess
import sys

import pytest

from biotransfer.files import folder_aside, sweep_parts


def _dead():
    return subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True,
                          text=True, check=True).stdout.strip()  # fmt: skip


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    place = tmp_path / "deep" / "a.b"
    with folder_aside(place) as part:
        (part / "x").write_text("1")
        assert not place.exists()
    assert (place / "x").read_text() == "1"
    with pytest.raises(FileNotFoundError), folder_aside(tmp_path / "deep" / "other") as part:
        (part / "x" / "y").write_text("2")
    assert [path.name for path in place.parent.iterdir()] == ["a.b"]


def test_what_another_process_has_put_there_meanwhile_stays(tmp_path):
    place = tmp_path / "a"
    with folder_aside(place) as part:
        (part / "x").write_text("mine")
        place.mkdir()
        (place / "x").write_text("theirs")
    assert (place / "x").read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [place]


def test_only_what_dead_processes_of_this_machine_left_is_swept(tmp_path):
    host, dead = platform.node(), _dead()
    gone = [f".a.{host}-{dead}.part", f".b.parquet.{host}-{dead}.part"]
    stays = [f".c.{host}-{os.getpid()}.part", f".d.elsewhere-{dead}.part", ".e.part"]
    (tmp_path / gone[0]).mkdir()
    for name in (gone[1], *stays):
        (tmp_path / name).write_text("")
    sweep_parts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(stays)
