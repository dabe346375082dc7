"""A finished study comes out again, and what does not is said."""

import numpy as np
import pandas as pd
import pytest

from biotransfer.cli import main
from biotransfer.errors import BiotransferError
from biotransfer.files import read_json, write_json
from biotransfer.studies.running import run_study
from biotransfer.studies.running.rerunning import compare_tables, rerun_study

RECIPE = {
    "title": "t",
    "question": "q?",
    "source": "own",
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 3},
    "features": "time_domain",
    "network": {"name": "mlp", "hidden": [8]},
    "directions": ["emg->eeg"],
    "align": {"name": "top_k", "k": 8},
    "arms": ["scratch", "transferred"],
    "train": {"epochs": 2},
    "seeds": 1,
    "nuisance": False,
    "baselines": [],
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rerun") / "study"
    run_study(RECIPE, folder)
    return folder


def test_it_comes_out_again_and_an_edited_table_does_not(study, capsys):
    before = {path: path.read_bytes() for path in sorted(study.glob("*.*"))}
    assert main(["rerun", str(study), "--workers", "1"]) == 0
    assert "the same bit by bit" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in sorted(study.glob("*.*"))}


def test_what_another_machine_may_change_is_stated(study, tmp_path):
    provenance = read_json(study / "provenance.json")
    try:
        write_json(study / "provenance.json", {**provenance, "cpu": "another"})
        found = rerun_study(study, tmp_path / "again")
    except BiotransferError:
        pytest.skip("an edited provenance is refused before")
    finally:
        write_json(study / "provenance.json", provenance)
    assert found.holds
    assert found.tolerance == 0.05
    assert set(found.other) == {"cpu"}
    assert "stored another" in str(found)
    with pytest.raises(BiotransferError, match="is not empty"):
        rerun_study(study, tmp_path / "again")


def _table(**changes):
    table = pd.DataFrame(
        {
            "arm": ["scratch"] * 40,
            "value": np.linspace(0, 1, 40),
            "probabilities": [np.array([0.5, 0.5])] * 40,
            "missing": [None] * 40,
        }
    )
    return {"curves": table.assign(**changes)}


@pytest.mark.parametrize(
    ("changes", "column", "rows", "allowed_elsewhere"),
    [
        ({"value": np.linspace(0, 1, 40) + 1e-9}, "value", 39, True),
        ({"value": np.where(np.arange(40) == 3, 0.9, np.linspace(0, 1, 40))}, "value", 1, True),
        ({"value": np.linspace(0, 1, 40) + 0.2}, "value", 40, False),
        ({"value": np.where(np.arange(40) < 9, np.nan, np.linspace(0, 1, 40))}, "value", 9, False),
        ({"arm": ["scratch"] * 39 + ["other"]}, "arm", 1, True),
        ({"arm": ["other"] * 40}, "arm", 40, False),
        ({"probabilities": [np.array([0.6, 0.4])] * 40}, "probabilities", 40, False),
    ],
)
def test_every_difference_is_counted_and_judged(changes, column, rows, allowed_elsewhere):
    for tolerance, allowed in ((0.0, False), (0.05, allowed_elsewhere)):
        (found,) = compare_tables(_table(), _table(**changes), tolerance)
        assert (found.column, found.allowed) == (column, allowed)
        assert found.rows in (rows, rows + 1)


def test_other_rows_and_other_verdicts_are_never_allowed():
    assert not list(compare_tables(_table(), _table(), 0.0))
    fewer = {"curves": _table()["curves"].iloc[1:]}
    assert [d.allowed for d in compare_tables(_table(), fewer, 0.5)] == [False]
    assert [d.allowed for d in compare_tables(_table(), {}, 0.5)] == [False]
    ours, theirs = (pd.DataFrame({"verdict": [v] * 40, "p": [0.1] * 40}) for v in ("positive", "negative"))
    assert [d.allowed for d in compare_tables({"verdicts": ours}, {"verdicts": theirs}, 1.0)] == [False]
