"""Decisions about findings are part of a recipe: replayed, said, and in the address of what is prepared."""

import pandas as pd

from biotransfer.pages.report import methods_text, write_report
from biotransfer.signals.datasets import load_dataset
from biotransfer.signals.quality import findings_table, inspect_recordings
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare, run_study

REST = {
    "features": "band_power",
    "align": "none",
    "network": {"name": "mlp", "hidden": [4]},
    "arms": ["scratch"],
    "seeds": 1,
}


def test_a_recipe_replays_decisions_and_its_cache_follows_them(tmp_path):
    own = load_dataset("simulated", modality="eeg", n_subjects=3)
    table = findings_table(inspect_recordings(own)).iloc[:0]
    eeg = {"data": "simulated", "n_subjects": 3, "decisions": str(tmp_path / "findings.csv")}
    recipe = {"eeg": eeg, "emg": {"data": "simulated", "n_subjects": 2}, "train": {"epochs": 1}, **REST}
    digests = []
    for dropped in ([], [own[0].uid, own[1].uid]):
        rows = [{"recording": uid, "action": "drop", "kind": "noisy"} for uid in dropped]
        edited = pd.concat([table, pd.DataFrame(rows, columns=table.columns)])
        edited.to_csv(tmp_path / "findings.csv", index=False)
        about = prepare(load_recipe(recipe)).sides["eeg"].about
        digests.append(about["digest"])
        assert len(about["decisions"]) == len(dropped)
        assert about["n_recordings"] == len(own) - len(dropped)
    assert digests[0] != digests[1]
    results = run_study(recipe, tmp_path / "out").results
    assert "2 decisions about recordings or channels" in methods_text(results)
    page = write_report(results, tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{own[0].uid}: by decision it is left out (noisy)." in page
