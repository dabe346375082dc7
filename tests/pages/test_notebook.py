"""What a notebook shows: cells are run by a kernel, and their outputs looked at."""

from __future__ import annotations

import re

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytestmark = pytest.mark.slow

CELLS = {
    "figure": "import biotransfer as bt\n"
    "recordings = bt.load_dataset('simulated', modality='eeg', n_subjects=2)\n"
    "bt.plot_psd(recordings[0])",
    "recordings": "recordings",
    "windows": "bt.cut_windows(recordings)",
    "features": "bt.extract_features(bt.cut_windows(recordings), 'statistical')",
    "account": "bt.account(recordings)",
    "findings": "bt.inspect_recordings(recordings)",
    "network": "bt.build_network('mlp', (8,), 2)",
    "bars": "import tempfile\n"
    "recipe = {'title': 'small', 'eeg': {'data': 'simulated', 'n_subjects': 3},"
    " 'emg': {'data': 'simulated', 'n_subjects': 3}, 'directions': ['emg->eeg'],"
    " 'features': 'statistical', 'align': {'name': 'top_k', 'k': 8},"
    " 'network': {'name': 'mlp', 'hidden': [4]}, 'arms': ['scratch', 'transferred'],"
    " 'train': {'epochs': 1}, 'engine': 'loop', 'seeds': 1, 'permutations': 0}\n"
    "study = bt.run_study(recipe, tempfile.mkdtemp() + '/s')",
    "study": "study",
    "verdicts": "study.results.verdicts",
    "show": "study.show()",
}


@pytest.fixture(scope="module")
def outputs() -> dict[str, list]:
    cells = [nbformat.v4.new_code_cell(text) for text in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def _html(outputs) -> str:
    return "".join(out["data"].get("text/html", "") for out in outputs if "data" in out)


def test_a_figure_shows_itself_though_nobody_asked_for_pyplot(outputs):
    (shown,) = outputs["figure"]
    assert shown["data"]["image/png"].startswith("iVBOR")
    assert 0 < shown["metadata"]["image/png"]["width"] <= 960


@pytest.mark.parametrize(
    "name", ["recordings", "windows", "features", "account", "study", "verdicts", "findings", "network"]
)
def test_a_noun_is_a_table_with_its_figure(outputs, name):
    html = _html(outputs[name])
    assert "<table" in html
    if name not in ("findings", "network"):
        assert re.search(r'<img [^>]*src="data:image/png;base64,iVBOR', html)
    assert not re.search(r'(?:src|href)="(?!data:)', html)


def test_a_study_shows_how_far_it_is(outputs):
    told = "".join(
        str(out.get("text", "")) + str(out.get("data", {}).get("text/plain", "")) for out in outputs["bars"]
    )
    assert "loading" in told


def test_the_report_stands_below_the_cell(outputs):
    html = _html(outputs["show"])
    assert html.startswith("<iframe")
    assert "allow-same-origin" not in html
    assert "srcdoc=" in html
    assert "&lt;html" in html
