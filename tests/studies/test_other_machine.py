"""Another processor, or another BLAS, continues a study: its last bits make no other data."""

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.studies.running import provenance, run_study
from biotransfer.studies.running.data import making
from biotransfer.studies.running.sameness import ROUNDING, rounding_between
from tests.studies.test_rerunning import RECIPE


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """A machine with an empty cache whose arithmetic is off by a part."""

    cut = making.cut_recording

    def go(part):
        def other(*given, **named):
            windows = cut(*given, **named)
            if windows is not None:
                windows.X[:] *= np.float32(1 + part)
            return windows

        monkeypatch.setattr(making, "cut_recording", other)
        monkeypatch.setenv("BIOTRANSFER_CACHE", str(tmp_path / f"cache{part}"))
        monkeypatch.setattr(provenance, "_cpu", lambda: f"another by {part}")

    return go


def _said(results):
    return next(check for check in results.checks if check["id"] == "C24")


def test_a_study_goes_on_where_windows_differ_by_rounding_and_says_so(elsewhere, tmp_path):
    first = run_study(RECIPE, tmp_path / "s")
    assert _said(first.results)["severity"] == "ok"
    elsewhere(3e-7)
    assert run_study(RECIPE, tmp_path / "s").unchanged
    grown = run_study({**RECIPE, "seeds": 2}, tmp_path / "s")
    assert {kind: grown.trials_run[kind] for kind in ("source", "target")} == {"source": 1, "target": 2 * 3}
    old, new = first.results.curves, grown.results.curves
    assert new[new["seed"] == 0].reset_index(drop=True).equals(old)
    said = _said(grown.results)
    assert said["severity"] == "note"
    assert "2 machines" in said["message"]
    assert "windows of eeg" in said["message"]
    assert len(grown.results.provenance["machines"]) == 2
    elsewhere(0.01)
    with pytest.raises(BiotransferError, match="another data"):
        run_study({**RECIPE, "seeds": 3}, tmp_path / "s")


def _print(**changes):
    levels = {"signals": {"rows": "r", "rms": [1e-5, 2e-5, 0.0]}}
    return {"keys": {"signals": "k"}, "levels": levels, **changes}


def test_only_rounding_of_the_same_rows_and_sources_is_the_same_data():
    def levels(rows="r", rms=(1e-5, 2e-5, 0.0)):
        return {"levels": {"signals": {"rows": rows, "rms": list(rms)}}}

    assert rounding_between(_print(), _print()) == 0.0
    near = rounding_between(_print(), _print(**levels(rms=(1e-5, 2e-5 * (1 + ROUNDING / 2), 0.0))))
    assert 0 < near < ROUNDING
    for other in (
        {"keys": {"signals": "other"}},
        levels(rows="other"),
        levels(rms=(1e-5, 2e-5)),
        levels(rms=(1e-5, 2.1e-5, 0.0)),
        levels(rms=(1e-5, 2e-5, 1e-9)),
        {"levels": {}},
    ):
        assert rounding_between(_print(), _print(**other)) is None
    assert rounding_between({}, _print()) is None
