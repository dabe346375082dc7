"""Fixtures shared by all tests: where the real recordings are."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ROOT


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
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep prepared data in a folder of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOTRANSFER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with muse-mental-state, myodisco, one-subject-myo and mental-arithmetic."""
    return _inputs("data")


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder with the output of the published feature script."""
    return _inputs("golden")
