"""Every notebook runs from top to bottom, and answers what it asks."""

import nbformat
import pytest

from tests import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

ON_REAL_DATA = {"02_bird_2020_revisited"}


def _text(notebook):
    return "\n".join(
        output.get("text", "") or str(output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs(path, tmp_path, monkeypatch, request):
    from nbclient import NotebookClient

    if path.stem in ON_REAL_DATA:
        monkeypatch.setenv("BIOTRANSFER_DATA", str(request.getfixturevalue("real_data")))
    monkeypatch.setenv("BIOTRANSFER_QUICK", "1")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    text = _text(notebook)
    assert "Pretraining on EMG" in text or "EMG" in text
    assert any(word in text for word in ("positive", "negative", "equivalent", "inconclusive", "assayable"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_stored_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert all(not cell.outputs for cell in notebook.cells if cell.cell_type == "code")
