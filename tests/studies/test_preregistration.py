"""What a study fixed before it was run: it holds, it has a hash and a date, and every change is shown."""

import datetime as dt
import json
import re

import pytest
import yaml

from biotransfer.cli import main
from biotransfer.errors import BiotransferError
from biotransfer.pages.report import write_report
from biotransfer.results import load_results
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.recipe.preregistration import content_hash, deviations, registration, registration_of
from biotransfer.studies.running import prepare, run_study
from biotransfer.studies.running.checking import check_study
from biotransfer.studies.running.registering import beside, read_registration

BLOCK = {
    "date": "2026-11-01",
    "hypotheses": ["EMG helps EEG when labels are few."],
    "measure": "final",
    "margin": 0.03,
    "exclusions": {"eeg": {"S9": "sleeps through the second half"}},
}
RECIPE = {
    "title": "registered",
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 3},
    "directions": ["emg->eeg"],
    "features": "statistical",
    "align": {"name": "pca", "k": 6},
    "network": {"name": "mlp", "hidden": [4]},
    "arms": ["scratch", "transferred", "permuted"],
    "train": {"epochs": 2, "batch_size": 32},
    "compare": {"measure": "final", "margin": 0.03},
    "seeds": 2,
    "nuisance": False,
    "baselines": [],
    "preregistration": BLOCK,
}
NONE = {key: value for key, value in RECIPE.items() if key != "preregistration"}


def _changed(**block):
    return {**RECIPE, "preregistration": {**BLOCK, **block}}


def _write(path, recipe):
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


def test_the_hash_is_of_the_canonical_content_and_says_nothing_of_the_machine():
    recipe = load_recipe(RECIPE)
    found = registration(recipe)
    assert registration_of(recipe) == {"hash": found["hash"], "date": "2026-11-01"}
    assert re.fullmatch("[0-9a-f]{64}", found["hash"])
    assert content_hash(json.loads(json.dumps(found["content"]))) == found["hash"]
    for same in (
        load_recipe(recipe.to_dict()),
        load_recipe(dict(reversed(RECIPE.items()))),
        load_recipe({**RECIPE, "title": "another", "engine": "loop"}),
    ):
        assert registration_of(same) == registration_of(recipe)
    assert registration_of(load_recipe(NONE)) is None


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"seeds": 3}, "seeds"),
        ({"arms": ["scratch", "transferred"]}, "arms"),
        ({"train": {"epochs": 3, "batch_size": 32}}, "train"),
        ({"eeg": {"data": "simulated", "n_subjects": 4}}, "eeg"),
        ({"split": {"by": "subject", "folds": 3}}, "split"),
        (_changed(hypotheses="EMG harms EEG."), "preregistration.hypotheses"),
        (_changed(exclusions={}), "preregistration.exclusions"),
        (_changed(date="2026-11-02"), "preregistration.date"),
    ],
)
def test_whatever_changes_the_design_or_the_block_changes_the_hash_and_is_named(change, key):
    first, now = (registration(load_recipe({**RECIPE, **more})) for more in ({}, change))
    assert first["hash"] != now["hash"]
    (said,) = deviations(first, now)
    assert said.startswith(f"{key}: registered ")
    assert deviations(first, first) == []
    assert deviations(first, None) == ["preregistration: the block was left out"]


@pytest.mark.parametrize(
    ("recipe", "messages"),
    [
        (_changed(margin=0.02), ["margin is 0.02, and compare.margin 0.03"]),
        (
            _changed(margin=0.02, measure="area", alpha=0.01),
            ["margin is", "measure is 'area'", "alpha is 0.01"],
        ),
        (_changed(family=["transferred", "l2_sp"]), ["arms that transfer are transferred"]),
        (_changed(exclusions={"muse": {"S1": "no such side"}}), ["exclusions name 'muse'"]),
        (_changed(exclusions={"eeg": {"S1": "bad"}}), ["is no reason"]),
        (_changed(date="soon"), ["Expected a day"]),
        (_changed(date=str(dt.date.today() + dt.timedelta(days=3))), ["lies ahead"]),
        (_changed(hypothesis="x"), ["Did you mean 'hypotheses'"]),
    ],
)
def test_a_block_that_says_another_analysis_is_refused_at_once(recipe, messages):
    with pytest.raises(BiotransferError) as error:
        load_recipe(recipe)
    for message in messages:
        assert message in str(error.value)


def test_yaml_may_write_the_day_without_quotes():
    assert load_recipe(_changed(date=dt.date(2026, 11, 1))).preregistration.date == "2026-11-01"
    assert load_recipe(_changed(family=["transferred"])).preregistration.family == ("transferred",)


@pytest.mark.parametrize("name", ["S2", "recording"])
def test_data_of_those_who_are_left_out_are_refused(name):
    if name == "recording":
        name = str(prepare(load_recipe(NONE)).sides["eeg"].signals.metadata["recording"].iloc[0])
    recipe = load_recipe(_changed(exclusions={"eeg": {name: "electrodes came off"}}))
    with pytest.raises(BiotransferError, match=f"exclusions.eeg: {re.escape(name)} is in the data"):
        prepare(recipe)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("registered") / "out")


def test_hash_and_date_are_in_every_verdict_the_provenance_and_the_report(study, tmp_path):
    results, own = load_results(study.folder), registration_of(load_recipe(RECIPE))
    assert len(results.verdict_list)
    for row in results.verdict_list:
        assert row["preregistration"] == {**own, "deviations": []}
    assert results.provenance["preregistration"]["hash"] == own["hash"]
    assert results.provenance["preregistration"]["deviations"] == []
    write_report(results, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for text in (
        own["hash"],
        own["date"],
        BLOCK["hypotheses"][0],
        "sleeps through",
        "Nothing was changed since",
    ):
        assert text in page


def test_a_study_that_registers_nothing_says_nothing(tmp_path):
    results = run_study(NONE, tmp_path / "out").results
    assert "preregistration" not in results.provenance
    assert all(row["preregistration"] is None for row in results.verdict_list)


def test_what_is_changed_after_the_run_is_shown_against_the_first_registration(tmp_path):
    folder, first = tmp_path / "out", registration_of(load_recipe(RECIPE))
    run_study(RECIPE, folder)
    later = {
        **_changed(margin=0.01, date="2026-11-20"),
        "compare": {"measure": "final", "margin": 0.01},
        "seeds": 3,
    }
    for recipe, keys in (
        (later, ["preregistration.date", "preregistration.margin", "seeds", "compare"]),
        ({**NONE, "seeds": 3}, ["preregistration: the block was left out"]),
    ):
        results = run_study(recipe, folder).results
        said = results.provenance["preregistration"]
        assert (said["hash"], said["date"]) == (first["hash"], first["date"])
        assert sorted(text.split(": registered")[0] for text in said["deviations"]) == sorted(keys)
        assert all(row["preregistration"]["deviations"] == said["deviations"] for row in results.verdict_list)
    write_report(results, tmp_path / "report.html")
    assert "the block was left out" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert run_study(RECIPE | {"seeds": 3}, folder).results.provenance["preregistration"]["deviations"] == [
        "seeds: registered [0, 1], run with [0, 1, 2]"
    ]


def test_a_block_that_comes_after_the_numbers_is_late(tmp_path):
    run_study(NONE, tmp_path / "out")
    said = run_study(RECIPE, tmp_path / "out").results.provenance["preregistration"]
    assert said["deviations"] == ["the study had been run before it was registered"]


def test_register_keeps_hash_and_moment_beside_the_recipe_and_a_run_takes_them(tmp_path, capsys):
    path = _write(tmp_path / "mine.yaml", RECIPE)
    assert main(["register", str(path)]) == 0
    printed = capsys.readouterr().out
    kept = read_registration(beside(path))
    assert kept["hash"] in printed
    assert kept["registered"] in printed
    assert main(["register", str(path)]) == 0
    assert read_registration(beside(path)) == kept
    _write(path, {**RECIPE, "seeds": 3})
    assert main(["register", str(path)]) == 2
    assert "seeds: registered [0, 1], run with [0, 1, 2]" in capsys.readouterr().err
    assert read_registration(beside(path)) == kept
    said = run_study(path, tmp_path / "out").results.provenance["preregistration"]
    assert {key: said[key] for key in ("hash", "date", "registered")} == {
        key: kept[key] for key in ("hash", "date", "registered")
    }
    assert said["deviations"] == ["seeds: registered [0, 1], run with [0, 1, 2]"]


def test_check_says_what_is_registered_before_anything_runs(tmp_path, capsys):
    path = _write(tmp_path / "mine.yaml", RECIPE)
    assert f"biotransfer register {path}" in check_study(path).registered
    assert main(["register", str(path)]) == 0
    capsys.readouterr()
    found = check_study(path)
    digits = registration(load_recipe(path))["hash"][:12]
    said = f"Registered on 2026-11-01 in mine.registration.json, SHA-256 {digits}, "
    assert found.registered == f"{said}unchanged"
    assert f"  {found.registered}" in found.lines()
    changed = check_study(path, overrides=["seeds=3"]).registered
    assert changed.startswith(f"{said}changed since")
    assert "seeds" in changed
    assert check_study(NONE).registered == ""


def test_a_registration_that_was_edited_is_refused(tmp_path):
    path = _write(tmp_path / "mine.yaml", RECIPE)
    assert main(["register", str(path)]) == 0
    file = beside(path)
    file.write_text(file.read_text(encoding="utf-8").replace("0.03", "0.05"), encoding="utf-8")
    with pytest.raises(BiotransferError, match="was changed by hand"):
        read_registration(file)


def test_nothing_to_register_is_said(tmp_path, capsys):
    assert main(["register", str(_write(tmp_path / "mine.yaml", NONE))]) == 2
    assert "nothing to register" in capsys.readouterr().err
    assert not beside(tmp_path / "mine.yaml").exists()
