"""The study as a whole, on a small simulated pair: tables, cache, resume, workers, refusal."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from biotransfer.errors import BiotransferError
from biotransfer.files import read_proven, write_proven
from biotransfer.learning.networks import build_network, initial_tensors, network_of
from biotransfer.learning.weights import CARD, Weights, load_weights, save_weights
from biotransfer.results import CURVES, LEDGER, PREDICTIONS, SOURCES, VERDICTS, load_results
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import count_trainings, default_folder, estimate_seconds, prepare, run_study
from biotransfer.studies.running.orders import carry_out
from biotransfer.studies.running.tasks import TARGET
from biotransfer.studies.running.verifying import verify_study
from biotransfer.transfer.carry import ARMS as CATALOG

TABLES = ("curves", "predictions", "ledger", "sources")
ELSEWHERE = {"unlabelled", "batch_norm", "person_windows"}
ARMS = [name for name, entry in CATALOG.items() if not ELSEWHERE & set(entry.facts["needs"])]
SMALL = {
    "title": "small",
    "eeg": {"data": "simulated", "n_subjects": 4},
    "emg": {"data": "simulated", "n_subjects": 4},
    "features": "statistical",
    "align": {"name": "top_k", "k": 16},
    "network": {"name": "mlp", "hidden": [8, 6]},
    "arms": ARMS,
    "same_modality": {"eeg": {"people": 1}, "emg": {"people": 1}},
    "own_donors": "none",
    "train": {"epochs": 3, "batch_size": 32},
    "seeds": 2,
}
RUN = [arm.label for arm in load_recipe(SMALL).arms]


def _tables(folder):
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in TABLES}


def _same(one, two):
    for name in TABLES:
        pd.testing.assert_frame_equal(one[name], two[name], check_exact=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_study(SMALL, tmp_path_factory.mktemp("study") / "out")


def test_the_folder_keeps_the_contract(study):
    folder = study.folder
    names = {p.name for p in folder.iterdir()}
    assert {"recipe.yaml", "curves.parquet", "predictions.parquet", "verdicts.json", "checks.json", "weights",
            "provenance.json"} <= names  # fmt: skip
    assert list(pd.read_parquet(folder / "curves.parquet").columns) == CURVES
    assert list(pd.read_parquet(folder / "predictions.parquet").columns) == PREDICTIONS
    assert list(pd.read_parquet(folder / "ledger.parquet").columns) == LEDGER
    assert list(pd.read_parquet(folder / "sources.parquet").columns) == SOURCES
    for verdict in json.loads((folder / "verdicts.json").read_text()):
        assert set(verdict) == set(VERDICTS)
        claimed = ("positive", "negative", "equivalent", "inconclusive", "not_assayable")
        assert verdict["verdict"] is None or verdict["verdict"] in claimed
    assert yaml.safe_load((folder / "recipe.yaml").read_text())["title"] == "small"
    stems = {p.stem for p in (folder / "weights").glob("*.safetensors")}
    assert stems == {p.stem for p in (folder / "weights").glob("*.json")}


def test_exported_weights_carry_the_whole_card_and_can_be_run(study):
    for path in (study.folder / "weights").glob("*.safetensors"):
        weights = load_weights(path)
        assert set(CARD) <= set(weights.card), path
        assert network_of(weights).tensor_shapes == {k: v.shape for k, v in weights.tensors.items()}
        assert len(weights.card["classes"]) == weights.card["network"]["n_outputs"]
        assert [len(weights.card["names"])] == weights.card["network"]["input_shape"][:1]
        assert weights.card["recipe_uid"] == study.recipe.uid
        assert weights.card["preprocessing"] == study.recipe[weights.card["modality"]]["preprocess"]


def test_the_weights_of_one_study_start_another_by_one_line(study, tmp_path):
    exported = next((study.folder / "weights").glob("emg-to-eeg_*_supervised*seed0.safetensors"))
    source = load_weights(exported)
    file = save_weights(source, tmp_path / "emg")
    arm = {"name": "transferred", "weights": str(file), "label": "elsewhere"}
    recipe = {**SMALL, "arms": ["scratch", arm], "directions": ["emg->eeg"], "seeds": 1}
    results = run_study(recipe, tmp_path / "out").results
    assert results.sources.empty
    rows = results.ledger[results.ledger["arm"] == "elsewhere"]
    assert set(rows.loc[rows["part"] == "body", "action"]) == {"copied"}
    ends = results.predictions.groupby("arm", observed=True)["probabilities"].first()
    assert not np.array_equal(ends["scratch"], ends["elsewhere"])

    plan = prepare(load_recipe(recipe))
    before = TARGET.trials(plan, TARGET.lay_out(plan)[0])
    save_weights(Weights({k: v + 0.1 for k, v in source.tensors.items()}, source.card), file)
    after = TARGET.trials(plan, TARGET.lay_out(plan)[0])
    assert [a.ref == b.ref for a, b in zip(after, before, strict=True)] == [True, False]


def test_every_training_is_in_the_tables_once(study):
    curves = study.results.curves
    test = curves[(curves["split_part"] == "test") & (curves["metric"] == "accuracy")]
    keys = ["direction", "arm", "split", "seed"]
    assert test.groupby(keys).ngroups == 2 * len(RUN) * 4 * 2
    assert not test.duplicated([*keys, "subject", "step"]).any()
    assert set(test["epoch"]) == {0, 1, 2, 3}
    assert set(curves["split_part"]) == {"train", "test"}


def test_curves_end_where_the_predictions_say(study):
    curves, predictions = study.results.curves, study.results.predictions
    keys = ["direction", "arm", "split", "subject", "seed"]
    hit = predictions.assign(value=(predictions["y_true"] == predictions["y_pred"]).astype(float))
    expected = hit.groupby(keys, observed=True)["value"].mean()
    last = curves[
        (curves["split_part"] == "test") & (curves["metric"] == "accuracy") & (curves["epoch"] == 3)
    ]
    reached = last.set_index(keys)["value"].sort_index()
    pd.testing.assert_series_equal(reached, expected.sort_index(), check_categorical=False)
    probabilities = np.stack(predictions["probabilities"].to_list()[:50])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_at_step_0_arms_that_carry_nothing_stand_where_scratch_stands(study):
    """A fresh head on any body is near chance: the jumpstart's trap."""
    curves = study.results.curves
    start = curves[
        (curves["step"] == 0) & (curves["metric"] == "accuracy") & (curves["split_part"] == "test")
    ]
    for direction, n_classes in (("emg->eeg", 3), ("eeg->emg", 4)):
        values = start[start["direction"] == direction].groupby("arm")["value"].mean()
        assert (values - 1 / n_classes).abs().max() < 0.25


def test_test_people_never_train(study):
    predictions = study.results.predictions
    for row in predictions[["split", "subject"]].drop_duplicates().itertuples():
        assert row.split == f"subject={row.subject}"


def test_sources_are_judged_on_strangers(study):
    table = study.results.sources
    kinds = {"supervised", "shuffled_labels", "noise", "same_modality", "phase", "simulated"}
    assert set(table["source"]) == kinds
    means = table[table["direction"] == "emg->eeg"].groupby("source")["balanced_accuracy"].mean()
    assert means["noise"] < 0.5


def test_the_same_recipe_twice_gives_the_same_tables(study, tmp_path):
    again = run_study(SMALL, tmp_path / "again")
    _same(_tables(study.folder), _tables(again.folder))
    assert again.results.verdict_list == study.results.verdict_list


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(study, tmp_path):
    again = run_study(SMALL, tmp_path / "again", workers=2)
    _same(_tables(study.folder), _tables(again.folder))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_cluster_changes_nothing(study, tmp_path):
    """A real scheduler with two worker processes on this machine."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as cluster:
        again = run_study(SMALL, tmp_path / "again", cluster=cluster.scheduler_address)
    _same(_tables(study.folder), _tables(again.folder))


@pytest.mark.filterwarnings("default")
def test_a_cluster_that_does_not_answer_is_said(tmp_path):
    with pytest.raises(BiotransferError, match="no Dask scheduler answers"):
        run_study(SMALL, tmp_path / "out", cluster="tcp://127.0.0.1:9")


def test_a_finished_study_trains_nothing_again(study, monkeypatch):
    before = _tables(study.folder)

    def refuse(*_):
        raise AssertionError("a finished task was run again")

    monkeypatch.setattr("biotransfer.studies.running.workers.carry_out", refuse)
    run_study(SMALL, study.folder)
    _same(before, _tables(study.folder))


def test_a_study_can_be_read_back(study):
    loaded = load_results(study.folder)
    pd.testing.assert_frame_equal(loaded.curves, study.results.curves)
    assert loaded.verdict_list == study.results.verdict_list


def test_another_recipe_never_overwrites(study):
    before = _tables(study.folder)
    for change in ({"scale": "none"}, {"seeds": 1}, {"arms": ["scratch"]}):
        with pytest.raises(BiotransferError, match=f"holds another study.* other {next(iter(change))}"):
            run_study({**SMALL, **change}, study.folder)
    _same(before, _tables(study.folder))


def _ran(monkeypatch):
    """Collect what is run from here on: (kind, arm or source, seed)."""
    ran = []

    def watch(plan, order, device):
        ran.extend(
            (order.kind.name, trial.columns.get("arm", ""), trial.columns["seed"])
            for trial in order.trials
            if order.kind.name in ("source", "target")
        )
        return carry_out(plan, order, device)

    monkeypatch.setattr("biotransfer.studies.running.workers.carry_out", watch)
    return ran


def test_a_study_that_grows_runs_only_what_is_new(tmp_path, monkeypatch):
    small = {**SMALL, "arms": ["scratch", "transferred"], "directions": ["emg->eeg"], "train": {"epochs": 1}}
    del small["same_modality"]
    ran = _ran(monkeypatch)
    run_study({**small, "seeds": 1}, tmp_path / "out")
    assert {seed for _, _, seed in ran} == {0}
    ran.clear()
    run_study({**small, "seeds": 2}, tmp_path / "out")
    assert len(ran) == 1 + 2 * 4
    assert {seed for _, _, seed in ran} == {1}
    ran.clear()
    larger = {**small, "seeds": 2, "arms": ["scratch", "transferred", "permuted"]}
    grown = run_study(larger, tmp_path / "out")
    assert ran == [("target", "permuted", seed) for _ in range(4) for seed in (0, 1)]
    ran.clear()
    compared = run_study({**larger, "title": "again", "compare": {"margin": 0.05}}, tmp_path / "out")
    assert not ran
    assert compared.results.verdict_list[0]["margin"] == 0.05
    assert not compared.unchanged
    whole = run_study(larger, tmp_path / "whole")
    for name, tolerance in (("curves", 1e-4), ("sources", 1e-4)):
        pd.testing.assert_frame_equal(
            _tables(grown.folder)[name], _tables(whole.folder)[name], rtol=tolerance
        )


def test_nothing_changed_reads_and_writes_nothing_but_the_tables(study):
    before = {path: path.stat().st_mtime_ns for path in study.folder.rglob("*") if path.is_file()}
    again = run_study(SMALL, study.folder)
    assert again.unchanged
    assert again.results.verdict_list == study.results.verdict_list
    changed = {path.name for path, at in before.items() if path.stat().st_mtime_ns != at}
    assert changed <= {"recipe.yaml", "made_from.json"}


def test_the_same_recipe_on_other_data_never_overwrites(tmp_path):
    recipe = {**SMALL, "arms": ["scratch"], "seeds": 1, "train": {"epochs": 1}, "directions": ["emg->eeg"]}
    del recipe["same_modality"]
    out = run_study(recipe, tmp_path / "out").folder
    before = _tables(out)
    facts = read_proven(out / "made_from.json")
    facts["data"]["eeg"] = "something else"
    facts["prints"] = {}
    write_proven(out / "made_from.json", facts)
    with pytest.raises(BiotransferError, match="another data"):
        run_study(recipe, out)
    _same(before, _tables(out))


def test_a_refused_recipe_leaves_no_folder(tmp_path):
    with pytest.raises(BiotransferError, match="classes"):
        run_study({**SMALL, "eeg": {"data": "simulated", "classes": ["a"]}}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_damaged_or_lost_is_run_again(tmp_path):
    recipe = {**SMALL, "arms": ["scratch", "transferred"], "seeds": 1, "directions": ["emg->eeg"]}
    del recipe["same_modality"]
    out = run_study(recipe, tmp_path / "out").folder
    before = _tables(out)
    next(out.glob("trials/*/*/curves.parquet")).write_bytes(b"")
    next(out.glob("trials/*/*/weights.safetensors")).write_bytes(b"")
    next(out.glob("trials/*/*/index.json")).write_text("{")
    run_study(recipe, out)
    _same(before, _tables(out))
    for file in (out / "weights").iterdir():
        file.unlink()
    (out / "provenance.json").write_text("{")
    (out / "verdicts.json").write_text("{")
    run_study(recipe, out)
    _same(before, _tables(out))
    assert load_results(out).verdict_list


def test_provenance_stays_that_of_the_run_that_made_the_numbers(study):
    before = json.loads((study.folder / "provenance.json").read_text())
    run_study(SMALL, study.folder, workers=2)
    assert json.loads((study.folder / "provenance.json").read_text()) == before


def test_controls_train_on_the_rows_that_the_source_trains_on(tmp_path):
    """Also where one person's recordings are held out, which depends on labels."""
    recipe = {**SMALL, "emg": {"data": "simulated", "n_subjects": 1}, "directions": ["emg->eeg"], "seeds": 3}
    recipe["arms"] = ["scratch", "transferred", "shuffled_source", "noise_source"]
    recipe["train"] = {"epochs": 1}
    del recipe["same_modality"]
    out = run_study(recipe, tmp_path / "out").folder
    rows = {json.loads(p.read_text())["n_windows"] for p in (out / "weights").glob("*.json")}
    assert len(rows) == 1


def test_every_fold_draws_its_own_head():
    """Else the luck of one draw is shared by all people, and counts as many."""
    recipe = {**SMALL, "arms": ["scratch"], "directions": ["emg->eeg"]}
    del recipe["same_modality"]
    splits = prepare(load_recipe(recipe)).splits["eeg", "subject", "mlp"]
    network = build_network("mlp", (4,), 3)
    heads = {initial_tensors(network, 0, stream=split.uid)["head.bias"].tobytes() for split in splits}
    assert len(heads) == len(splits)


def test_a_diverging_training_is_said(tmp_path):
    recipe = {**SMALL, "train": {"epochs": 2, "learning_rate": 1.0e30}, "arms": ["scratch", "transferred"]}
    del recipe["same_modality"]
    with pytest.raises(BiotransferError, match=r"diverged"):
        run_study(recipe, tmp_path / "out")


def test_a_method_that_explodes_does_not_end_the_study(tmp_path):
    recipe = {
        **SMALL, "arms": ["scratch", {"name": "deep_coral", "strength": 1e60}, "dan"],
        "directions": ["emg->emg"], "same_modality": {"emg": {"people": 2}},
        "split": {"by": "new_person", "share": 0.5},
    }  # fmt: skip
    results = run_study(recipe, tmp_path / "out").results
    told = {row["arm"]: row for row in results.verdicts.to_dict("records")}
    assert told["deep_coral"]["verdict"] == "not_assayable"
    assert "diverged" in told["deep_coral"]["sentence"]
    assert "diverged" not in told["dan"]["sentence"]
    (finding,) = (check for check in results.checks if check["id"] == "C23")
    assert "to what is no number" in finding["message"]
    assert verify_study(tmp_path / "out").whole


def test_a_folder_of_other_files_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BiotransferError, match="holds no study"):
        run_study(SMALL, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BiotransferError, match="cannot be made"):
        run_study(SMALL, tmp_path / "file" / "out")


def test_the_default_folder_is_that_of_the_smaller_study():
    """A study that only grew continues in its folder; any other gets its own."""
    folder = default_folder(load_recipe("quickstart"))
    assert folder.parent == Path("studies")
    assert folder.name.startswith("quickstart-")
    assert default_folder(load_recipe("quickstart", ["seeds=20"])) == folder
    assert default_folder(load_recipe("quickstart", ["train.epochs=3"])) != folder


def test_shuffled_windows_are_flagged_wherever_a_reader_looks(tmp_path):
    recipe = {
        **SMALL,
        "arms": ["scratch", "transferred"],
        "split": {"by": "shuffled_windows", "folds": 2},
        "accept": {"leaking_split": "to see the flags"},
        "seeds": 1,
    }
    results = run_study(recipe, tmp_path / "out").results
    assert all("leak" in v["sentence"].lower() for v in results.verdict_list)
    finding = next(c for c in results.checks if c["name"] == "leaking_split")
    assert finding["severity"] == "error"


def test_signals_go_through_a_convolutional_network(tmp_path):
    recipe = {
        **SMALL,
        "features": None,
        "align": "none",
        "network": {"name": "cnn_signal", "filters": [4, 4], "kernel": 9},
        "arms": ["scratch", "frozen_body", "noise_source"],
        "directions": ["emg->eeg"],
        "train": {"epochs": 1},
        "seeds": 1,
    }
    del recipe["same_modality"]
    results = run_study(recipe, tmp_path / "out").results
    stem = results.ledger[(results.ledger["arm"] == "frozen_body") & (results.ledger["part"] == "stem")]
    assert (stem.loc[stem["tensor"] == "stem_0.weight", "action"] == "fresh").all()
    assert next(c for c in results.checks if c["name"] == "frozen_with_fresh_stem")["severity"] == "note"


def test_the_estimate_counts_every_training():
    plan = prepare(load_recipe(SMALL))
    assert count_trainings(plan) == 2 * (2 * 4 * len(RUN) + 2 * (5 + 4))
    assert 0 < estimate_seconds(plan) < 600


SCRIPT = """
import sys, yaml
from biotransfer.studies.running import run_study
run_study(yaml.safe_load(open(sys.argv[1])), sys.argv[2])
"""


@pytest.mark.slow
def test_killed_at_ten_moments_it_continues_as_if_nothing_had_happened(study, tmp_path):
    """SIGKILL at random moments, ten times; the tables equal those of an uninterrupted run."""
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "out"
    recipe.write_text(yaml.safe_dump(SMALL))
    command = [sys.executable, "-c", SCRIPT, str(recipe), str(out)]
    clock = time.perf_counter()
    subprocess.run([*command[:-1], str(tmp_path / "whole")], check=True, capture_output=True)
    whole = time.perf_counter() - clock
    rng = np.random.default_rng(0)
    killed = 0
    while killed < 10:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=rng.uniform(0.2, 1.0) * whole)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
        else:
            shutil.rmtree(out)
    subprocess.run(command, check=True, capture_output=True)
    _same(_tables(study.folder), _tables(out))
    assert json.loads((out / "verdicts.json").read_text()) == study.results.verdict_list
    assert not list(out.rglob("*.part"))


def test_provenance_names_every_file_by_its_hash(real_data, tmp_path):
    recipe = {
        **SMALL,
        "eeg": {"data": "muse-mental-state", "subjects": ["a", "b"]},
        "arms": ["scratch"],
        "directions": ["emg->eeg"],
        "train": {"epochs": 1},
        "seeds": 1,
    }
    del recipe["same_modality"]
    run_study(recipe, tmp_path / "out", data_dir=real_data)
    facts = json.loads((tmp_path / "out" / "provenance.json").read_text())["data_files"][
        "eeg: muse-mental-state"
    ]
    name = "subjecta-relaxed-1.csv"
    content = (real_data / "muse-mental-state" / name).read_bytes()
    assert facts["files"][name] == hashlib.sha256(content).hexdigest()
    assert facts["n_files"] == len(facts["files"]) == 12


def test_inputs_that_share_nothing_are_refused_before_training(tmp_path, monkeypatch):
    """What ``check`` says, ``run`` says before it trains."""

    def train(*_):
        raise AssertionError("it trained")

    monkeypatch.setattr("biotransfer.studies.running.run._run_plan", train)
    recipe = {k: v for k, v in SMALL.items() if k != "align"} | {"features": "band_power"}
    with pytest.raises(BiotransferError, match="share no name"):
        run_study(recipe, tmp_path / "out")
