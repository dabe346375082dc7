"""Study folders that earlier versions wrote, kept as they were: each format is read, and proves nothing.

Excerpts and spectra of their signals are shortened; everything else is what ``biotransfer run`` left on
simulated data, three people, one seed and one epoch.
"""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from biotransfer import load_results, methods_text, verify_study
from biotransfer.errors import BiotransferError
from biotransfer.files import CONTENTS
from biotransfer.results import CORE, CURVES, FORMAT, VERDICTS, save_results
from tests import ROOT

OLD = sorted((ROOT / "tests" / "data").glob("study_format_*"))


def test_every_format_before_this_one_is_kept():
    assert [int(folder.name.rpartition("_")[2]) for folder in OLD] == list(range(1, FORMAT))


@pytest.mark.parametrize("folder", OLD, ids=lambda folder: folder.name)
def test_it_is_read_and_upgraded(folder, tmp_path):
    found = load_results(folder)
    assert list(found.curves) == CURVES
    assert set(found.curves["arm"]) == {"scratch", "transferred", "permuted"}
    assert [list(row)[: len(VERDICTS)] for row in found.verdict_list] == [VERDICTS] * len(found.verdict_list)
    assert {row["arm"] for row in found.verdict_list if row["verdict"]} == {"transferred"}
    assert "people" in methods_text(found)
    save_results(found, tmp_path / "now")
    now = load_results(tmp_path / "now")
    for name in CORE:
        pd.testing.assert_frame_equal(getattr(now, name), getattr(found, name), check_dtype=False)
    assert now.verdict_list == found.verdict_list


@pytest.mark.parametrize("folder", OLD, ids=lambda folder: folder.name)
def test_it_proves_nothing_and_says_so(folder):
    with pytest.raises(BiotransferError, match=r"before checksums.*Type: biotransfer run"):
        verify_study(folder)


@pytest.mark.parametrize("folder", OLD, ids=lambda folder: folder.name)
@pytest.mark.parametrize("name", ["curves.parquet", "verdicts.json", "recipe.yaml", "provenance.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"3"])
def test_what_is_damaged_in_it_is_refused_by_its_folder(folder, name, content, tmp_path):
    harmed = shutil.copytree(folder, tmp_path / "old")
    (harmed / name).write_bytes(content)
    with pytest.raises(BiotransferError, match="old"):
        load_results(harmed)


def test_the_list_of_a_later_format_cannot_be_left_out(tmp_path):
    save_results(load_results(OLD[0]), tmp_path)
    (tmp_path / CONTENTS).unlink()
    with pytest.raises(BiotransferError, match=f"{CONTENTS}' is missing"):
        load_results(tmp_path)
