"""What reads files of others may hang, grow or crash: it is refused by name, and the next file is read."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from biotransfer import limits
from biotransfer.errors import BiotransferError
from biotransfer.limits import read_apart


def spin(path: Path) -> None:
    """Never end."""
    while True:
        pass


def wait(path: Path) -> None:
    """Never end, and do nothing."""
    signal.pause()


def grow(path: Path) -> int:
    """Take four times the memory that a read may take."""
    return len(bytearray(4 * limits.BYTES))


def give(path: Path) -> np.ndarray:
    """Give more than a read may."""
    return np.zeros(limits.LARGEST // 8 + 1000)


def crash(path: Path) -> None:
    """Die as a reader in C does."""
    os.kill(os.getpid(), signal.SIGSEGV)


def raises(path: Path) -> None:
    """Fail as a reader in Python does."""
    raise KeyError(path.name)


def values(path: Path, times: int) -> np.ndarray:
    """Read."""
    return np.array(list(path.read_bytes()), float) * times


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "one.dat"
    path.write_bytes(b"abc")
    return path


@pytest.mark.parametrize(
    ("function", "said"),
    [(spin, "processor time"), (wait, "processor time"), (grow, "MB to read"), (give, "gives more than"),
     (crash, "ends its reader")],
)  # fmt: skip
def test_a_read_beyond_its_limits_is_refused_and_the_next_one_works(
    file: Path, function, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_apart(values, file, 1)
    monkeypatch.setattr(limits, "SECONDS", 0.3)
    monkeypatch.setattr(limits, "_WAITS", 3 if function is wait else limits._WAITS)
    with pytest.raises(BiotransferError, match=said) as raised:
        read_apart(function, file)
    assert str(file) in str(raised.value)
    monkeypatch.setattr(limits, "_Process", None)
    with pytest.raises(BiotransferError, match=said):
        read_apart(function, file)  # known: it is not tried again
    monkeypatch.undo()
    assert read_apart(values, file, 2).tolist() == [194, 196, 198]


def test_what_a_reader_raises_is_raised_with_where(file: Path) -> None:
    with pytest.raises(KeyError, match=r"one\.dat") as raised:
        read_apart(raises, file)
    assert "in raises" in "".join(raised.value.__notes__)


def test_one_process_reads_all_and_its_arrays_can_be_written(file: Path) -> None:
    read_apart(values, file, 1)
    process = limits._here[os.getpid()].popen.pid
    got = read_apart(values, file, 1)
    got += 1
    assert limits._here[os.getpid()].popen.pid == process


def test_limits_follow_the_size(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST", 0)
    monkeypatch.setattr(limits, "LARGEST_PER_BYTE", 1)
    with pytest.raises(BiotransferError, match="gives more than"):
        read_apart(values, file, 1)
    beside = file.with_name("two.dat")
    beside.write_bytes(bytes(5000))
    assert read_apart(values, file, 1, beside=[beside]).shape == (3,)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "one.fif")
    with pytest.raises(BiotransferError, match="no file"):
        read_apart(values, tmp_path / "one.fif", 1)
