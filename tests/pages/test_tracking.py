"""A finished study in other tools: what they read back is what the study holds."""

from __future__ import annotations

import pandas as pd
import pytest

import biotransfer as bt
from biotransfer.pages.figures.curves import people_curves
from tests.factories import make_results


@pytest.fixture(scope="module")
def results():
    return make_results()


def _level(results, direction, arm, protocol):
    curves = people_curves(results, direction).xs(arm, level="arm").xs(protocol, level="protocol")
    return curves.mean()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_are_read_back(results, tmp_path, ending):
    said = bt.export_study(results, tmp_path, to=ending)
    read = pd.read_csv if ending == "csv" else pd.read_parquet
    curves = read(tmp_path / f"curves.{ending}")
    assert len(curves) == len(results.curves)
    assert curves["value"].sum() == pytest.approx(results.curves["value"].sum())
    assert list(read(tmp_path / f"verdicts.{ending}")["arm"]) == list(results.verdicts["arm"])
    assert len(said) == len(list(tmp_path.glob(f"*.{ending}")))


@pytest.mark.filterwarnings("ignore")  # of what mlflow asks of its database
def test_mlflow_has_a_run_per_arm_with_its_curve_and_verdict(results, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    bt.export_study(results, tmp_path / "ml", to="mlflow")
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'ml' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(results.recipe["title"])
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert parent.data.params["seeds"] == str(results.recipe["seeds"])
    (run,) = [
        run
        for run in runs
        if (run.data.tags.get("direction"), run.data.tags.get("arm"), run.data.tags.get("protocol"))
        == ("emg->eeg", "transferred", "subject")
    ]
    history = client.get_metric_history(run.info.run_id, "balanced_accuracy")
    wanted = _level(results, "emg->eeg", "transferred", "subject")
    assert [point.value for point in sorted(history, key=lambda p: p.step)] == pytest.approx(list(wanted))
    row = results.verdicts.query("direction == 'emg->eeg' and arm == 'transferred' and protocol == 'subject'")
    assert run.data.metrics["difference"] == pytest.approx(row["difference"].item())
    assert run.data.tags["verdict"] == row["verdict"].item()
    assert not (tmp_path / "mlruns").exists()


def test_tensorboard_reads_the_curve_of_every_arm(results, tmp_path):
    pytest.importorskip("tensorboardX")
    from tensorboardX.event_file_writer import EventFileWriter  # noqa: F401
    from tensorboardX.proto.event_pb2 import Event

    said = bt.export_study(results, tmp_path, to="tensorboard")
    assert len(said) == 2 * 2 * results.curves["arm"].nunique()
    (file,) = (tmp_path / "emg-to-eeg-mlp-subject-transferred").glob("events*")
    raw, found, at = file.read_bytes(), {}, 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 8], "little")
        event = Event.FromString(raw[at + 12 : at + 12 + size])
        found |= {(v.tag, event.step): v.simple_value for v in event.summary.value}
        at += 16 + size
    wanted = _level(results, "emg->eeg", "transferred", "subject")
    shown = [found["test/balanced_accuracy", epoch] for epoch in wanted.index]
    assert shown == pytest.approx(list(wanted), abs=1e-6)


def test_an_unknown_tool_is_refused(results, tmp_path):
    with pytest.raises(bt.BiotransferError, match="Did you mean 'mlflow'"):
        bt.export_study(results, tmp_path, to="mlflw")
