"""A finished study on read-only media: opened and reported elsewhere; what cannot be written is named."""

from __future__ import annotations

import os

import pytest

from biotransfer import run_study
from biotransfer.cli import main
from biotransfer.errors import BiotransferError
from tests.studies.test_stored import RECIPE


@pytest.fixture
def sealed(tmp_path, monkeypatch):
    """A finished study in a folder that says it cannot be written, and does not change."""
    study = run_study(RECIPE, tmp_path / "out")
    access = os.access

    def read_only(path, mode, **given):
        return access(path, mode, **given) and not (mode & os.W_OK and str(path) == str(study.folder))

    monkeypatch.setattr(os, "access", read_only)
    return study


def _state(folder):
    return {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


def test_it_is_opened_without_a_trace(sealed):
    before = _state(sealed.folder)
    again = run_study(RECIPE, sealed.folder)
    assert again.unchanged
    assert again.results.verdict_list == sealed.results.verdict_list
    assert _state(sealed.folder) == before


def test_it_is_reported_elsewhere(sealed, tmp_path, capsys):
    before = _state(sealed.folder)
    assert main(["report", str(sealed.folder)]) == 2
    assert f"Type: biotransfer report {sealed.folder} --out FOLDER" in capsys.readouterr().err
    assert main(["report", str(sealed.folder), "--out", str(tmp_path / "page")]) == 0
    assert (tmp_path / "page" / "report.html").stat().st_size > 10_000
    assert _state(sealed.folder) == before


def test_another_study_is_not_written_there(sealed):
    before = _state(sealed.folder)
    with pytest.raises(BiotransferError, match=r"cannot be written.*--out COPY"):
        run_study({**RECIPE, "seeds": 2}, sealed.folder)
    assert _state(sealed.folder) == before


def test_a_name_that_is_too_long_is_refused(tmp_path):
    with pytest.raises(BiotransferError, match="too long"):
        run_study(RECIPE, tmp_path / ("n" * 300))
