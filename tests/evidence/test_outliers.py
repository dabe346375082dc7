"""People who stand out are named, each by what was planted in them, and nobody else is."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from biotransfer.evidence.outliers import OUTLIERS, find_outliers
from biotransfer.evidence.verdicts import compare, influence_of_people
from biotransfer.pages.report.sections.outliers import outlier_section
from tests.factories import make_results

ARMS = ("scratch", "transferred", "permuted", "redrawn")
CLASSES = 3


def _predictions(results, level=0.75, permute=None, chance=None, n_recordings=12):
    rng = np.random.default_rng(1)
    parts = []
    keys = ["direction", "network", "variant", "protocol", "budget", "arm", "split", "subject", "seed"]
    for where in results.predictions[keys].drop_duplicates().to_dict("records"):
        y = np.repeat(np.arange(n_recordings) % CLASSES, 5)
        right = rng.random(len(y)) < level
        guess = np.where(right, y, (y + rng.integers(1, CLASSES, len(y))) % CLASSES)
        if where["subject"] == permute:
            guess = (guess + 1) % CLASSES
        if where["subject"] == chance:
            guess = rng.integers(0, CLASSES, len(y))
        uids = [f"{where['subject']}r{i // 5}@{i % 5}" for i in range(len(y))]
        parts.append(pd.DataFrame({**where, "window_uid": uids, "y_true": y, "y_pred": guess}))
    return replace(results, predictions=pd.concat(parts, ignore_index=True))


@pytest.fixture(scope="module")
def results():
    return make_results(
        directions=["emg->eeg"], arms=ARMS, protocols=["subject"], n_subjects=8, eeg_classes=("a", "b", "c")
    )


def _kinds(results):
    found = find_outliers(results)
    assert list(found.columns) == OUTLIERS
    assert all(text.endswith(".") for text in found["sentence"])
    found = found[found["kind"] != "influence"]
    return {(row.subject, row.kind) for row in found.itertuples()}


def test_nobody_stands_out_who_does_not(results):
    assert _kinds(_predictions(results)) == set()


def test_a_person_at_chance_in_every_arm_is_named(results):
    assert _kinds(_predictions(results, chance="S3")) == {("S3", "at chance")}
    assert _kinds(_predictions(results, level=1 / 3, chance="S3")) == set()


def test_exchanged_labels_are_named_with_the_exchange(results):
    found = find_outliers(_predictions(results, permute="S5"))
    assert {("S5", "labels exchanged"), ("S5", "at chance")} == {
        (row.subject, row.kind) for row in found.itertuples() if row.kind != "influence"
    }
    said = found.loc[found["kind"] == "labels exchanged", "sentence"].iloc[0]
    assert "a as b, b as c, c as a" in said


def test_a_verdict_that_one_person_makes_names_the_person(results):
    curves = results.curves.copy()
    rng = np.random.default_rng(0)
    steady = {f"S{i + 1}": 0.5 + 0.002 * rng.standard_normal() for i in range(8)}
    curves["value"] = curves["subject"].map(steady).fillna(1.0)
    noise = pd.Series(0.004 * rng.standard_normal(len(curves)), curves.index)
    gains = {"S2": -0.12}
    mine = curves["arm"] == "transferred"
    curves.loc[mine, "value"] += curves.loc[mine, "subject"].map(gains).fillna(0.03) + noise[mine]
    table = influence_of_people(curves, arms=list(ARMS))
    row = table[(table["arm"] == "transferred")].set_index("subject")
    assert set(row.index) == set(steady)
    assert row.loc["S2", "own"] == pytest.approx(-0.12, abs=0.02)
    assert row.loc["S2", "verdict_without"] == "positive"
    assert row["verdict"].nunique() == 1
    assert row["verdict"].iloc[0] != "positive"
    assert (row.drop("S2")["verdict_without"] != "positive").all()
    without = curves[curves["subject"] != "S2"]
    again = next(r for r in compare(without, arms=list(ARMS)) if r["arm"] == "transferred")
    assert again["verdict"] == row.loc["S2", "verdict_without"]
    assert again["difference"] == pytest.approx(row.loc["S2", "difference_without"])


def test_the_report_names_who_stands_out_and_is_silent_otherwise(results, monkeypatch):
    section = outlier_section(_predictions(results, chance="S3"))
    assert any(row[1:3] == ["S3", "at chance"] for row in section.blocks[1].content.rows)
    nobody = pd.DataFrame(columns=OUTLIERS)
    monkeypatch.setattr("biotransfer.pages.report.sections.outliers.find_outliers", lambda _: nobody)
    assert outlier_section(results) is None
