"""Every notebook runs from top to bottom, shows its pictures, and answers what it asks."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from biotransfer.evidence.verdicts.rule import VERDICTS
from tests import ROOT

sys.path.insert(0, str(ROOT / "docs"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ON_REAL_DATA = {"02_bird_2020_revisited"}
WITHOUT_A_VERDICT = {"04_data_quality", "08_your_own_methods", "09_cluster_and_gpu"}


def _text(notebook: Any) -> str:
    return "\n".join(
        output.get("text", "") or str(output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


def _stored(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_and_shows_the_pictures_that_it_is_stored_with(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    from notebooks import pictures, ran

    if path.stem in ON_REAL_DATA:
        monkeypatch.setenv("BIOTRANSFER_DATA", str(request.getfixturevalue("real_data")))
    monkeypatch.setenv("BIOTRANSFER_QUICK", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    notebook = ran(path, tmp_path)
    shown = pictures(notebook)
    assert shown
    assert shown == pictures(_stored(path))
    text = _text(notebook).replace("_", " ")
    assert path.stem in WITHOUT_A_VERDICT or any(v.replace("_", " ") in text for v in VERDICTS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_stored_as_it_ran(path: Path) -> None:
    notebook = _stored(path)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# ")
    outputs = [one for cell in notebook.cells if cell.cell_type == "code" for one in cell.outputs]
    assert outputs
    assert not [one for one in outputs if one.output_type == "error" or one.get("name") == "stderr"]
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    text = path.read_text(encoding="utf-8")
    assert len(text) < 3_000_000


def test_there_is_a_notebook_for_every_question() -> None:
    words = r"own_recordings|quality|transfer$|controls|bird|planning|pretrained|own_methods|cluster_and_gpu"
    asked = words.split("|")
    assert all(any(re.search(word, path.stem) for path in NOTEBOOKS) for word in asked)
    assert len(NOTEBOOKS) == len(asked)
