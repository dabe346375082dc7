"""The kernel is compiled ahead where it is not, and nowhere else."""

import os
import sys
import threading

from biotransfer.learning.training import warming

TAG = f"py{sys.version_info[0]}{sys.version_info[1]}"


def test_only_an_installation_without_a_kernel_compiles_it(tmp_path, monkeypatch):
    ran, done = [], threading.Event()

    def run(command, **options):
        ran.append((command, options))
        done.set()

    monkeypatch.setattr(warming.subprocess, "run", run)
    monkeypatch.setattr(warming, "_folder", lambda kernel: tmp_path / kernel)
    cache = tmp_path / "kernel" / "__pycache__"
    cache.mkdir(parents=True)
    assert warming.start_compiling()
    assert done.wait(10)
    ((command, options),) = ran
    assert command[1:] == ["-c", warming._COMPILE["kernel"]]
    assert options["check"] is False
    (cache / f"driver.train_epoch-1.{TAG}.nbi").touch()
    assert warming.is_compiled()
    assert not warming.start_compiling()
    assert len(ran) == 1
    source = tmp_path / "kernel" / "driver.py"
    source.touch()
    os.utime(source, (2e9, 2e9))
    assert not warming.is_compiled(), "one of an older source is none"
    assert not warming.is_compiled("kernel_maps")


def test_a_kernel_of_several_files_is_void_when_one_of_them_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(warming, "_folder", lambda kernel: tmp_path / kernel)
    folder = tmp_path / "kernel_maps"
    (folder / "__pycache__").mkdir(parents=True)
    (tmp_path / "kernel").mkdir()
    sources = [tmp_path / "kernel" / "adamw.py", folder / "driver.py", folder / "norms.py"]
    for source in sources:
        source.touch()
    assert not warming.is_compiled("kernel_maps")
    (folder / "__pycache__" / f"driver.run-1.{TAG}.nbi").touch()
    assert warming.is_compiled("kernel_maps")
    for source in sources:
        os.utime(source, (2e9, 2e9))
        assert not warming.is_compiled("kernel_maps"), source
        os.utime(source, (1e9, 1e9))
    assert warming.is_compiled("kernel_maps")


def test_every_kernel_is_compiled_for_the_networks_that_it_trains():
    assert warming.kernels_of(["EEGNet", "mlp", "EEGConformer"]) == ["kernel", "kernel_maps"]
    assert warming.kernels_of(["Deep4Net"]) == ["kernel_maps"]
    assert warming.kernels_of(["EEGConformer"]) == []
    assert set(warming._COMPILE) == {"kernel", "kernel_maps"}
    for code in warming._COMPILE.values():
        compile(code, "warming", "exec")
