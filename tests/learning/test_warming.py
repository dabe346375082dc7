"""The kernel is compiled ahead where it is not, and nowhere else."""

import threading

from biotransfer.learning.training import warming


def test_only_an_installation_without_a_kernel_compiles_it(tmp_path, monkeypatch):
    ran, done = [], threading.Event()

    def run(command, **options):
        ran.append((command, options))
        done.set()

    monkeypatch.setattr(warming.subprocess, "run", run)
    monkeypatch.setattr(warming, "_cache", lambda: tmp_path / "__pycache__")
    assert warming.start_compiling()
    assert done.wait(10)
    ((command, options),) = ran
    assert command[1:] == ["-c", warming._CODE]
    assert options["check"] is False
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "kernel.train_epoch-1.py311.nbi").touch()
    assert warming.is_compiled()
    assert not warming.start_compiling()
    assert len(ran) == 1
