"""Fixtures shared by all tests: where the real recordings are."""

import ipaddress
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT

_MOST_BYTES = 256 << 20
_LOOKED_UP = ("socket.getaddrinfo", "socket.gethostbyname")


def _stay_offline(event: str, given: tuple[Any, ...]) -> None:
    """Refuse to reach another machine; a datagram socket that connects only learns its own address."""
    if event in _LOOKED_UP:
        host = given[0].decode() if isinstance(given[0], bytes) else given[0]
    elif event == "socket.connect" and isinstance(given[1], tuple):
        host = "" if given[0].type & socket.SOCK_DGRAM == socket.SOCK_DGRAM else given[1][0]
    else:
        return
    if host in (None, "", "localhost", socket.gethostname()):
        return
    with suppress(ValueError):
        address = ipaddress.ip_address(host.partition("%")[0])
        if event in _LOOKED_UP or address.is_loopback or address.is_unspecified:
            return
    raise ConnectionRefusedError(f"network: {host}")


sys.addaudithook(_stay_offline)


def _inputs(name: str) -> Path:
    """Folder of inputs beside the checkout; absent elsewhere, required in CI."""
    folder = ROOT.parent / "shared" / name
    if name == "data" and os.environ.get("BIOTRANSFER_DATA"):
        folder = Path(os.environ["BIOTRANSFER_DATA"])
    if not folder.is_dir():
        message = f"no folder of real {name}: set BIOTRANSFER_DATA to a folder with the data sets"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep prepared data in a folder of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("BIOTRANSFER_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module", autouse=True)
def _small_cache(_own_cache: Path) -> Iterator[None]:
    """Empty that folder after a file of tests that leaves much in it: all of them together fill a disk."""
    yield
    held = 0
    with suppress(FileNotFoundError):
        for path in _own_cache.rglob("*"):
            held += path.stat().st_size
    if held > _MOST_BYTES:
        shutil.rmtree(_own_cache, ignore_errors=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with muse-mental-state, myodisco, one-subject-myo and mental-arithmetic."""
    return _inputs("data")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder with the output of the published feature script."""
    return _inputs("golden")
