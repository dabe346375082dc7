"""The account of a study: made with its windows, kept with its results, shown before and after training."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
import yaml

from biotransfer import account
from biotransfer.cli import main
from biotransfer.pages.report import write_report
from biotransfer.results import load_results, save_results
from biotransfer.signals.account import say_account
from biotransfer.signals.datasets import from_arrays, from_folder
from biotransfer.signals.windows.fates import FATES
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import run_study
from biotransfer.studies.running.data import Request, open_request

CLASSES = ["rest", "fist"]


def write_folder(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    folder.mkdir()
    for who in "abcd":
        X = [rng.normal(size=(4, 1100)) * 2e-5 * (1 + i) for i in range(4)]
        (recording,) = from_arrays(X, CLASSES * 2, sfreq=200.0, unit="V", modality="emg", subjects=who)
        recording.raw.save(folder / f"sub-{who}_raw.fif", verbose="error")
    return folder


def recipe_of(folder: Path) -> dict[str, Any]:
    windows = {"length": 1.0, "step": 0.5}
    side = {"data": "folder", "path": str(folder), "modality": "emg", "classes": CLASSES, "windows": windows}
    return {
        "title": "account", "question": "q?", "source": "own", "emg": side,
        "eeg": {"data": "simulated", "n_subjects": 4}, "directions": ["eeg->emg"], "features": "statistical",
        "align": {"name": "top_k", "k": 16}, "network": {"name": "mlp", "hidden": [8]},
        "arms": ["scratch", "transferred", "permuted"], "train": {"epochs": 2}, "seeds": 1,
    }  # fmt: skip


def edited(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "sub-b_raw.fif"
        raw = mne.io.read_raw_fif(path, preload=True, verbose="error")
        change(raw)
        raw.save(path, overwrite=True, verbose="error")

    return edit


def copies(folder: Path) -> None:
    for who in "abcd":
        raw = mne.io.read_raw_fif(folder / f"sub-{who}_raw.fif", preload=True, verbose="error")
        raw.filter(20, None, picks="all", verbose="error")
        raw.save(folder / f"sub-{who}_desc-filt_raw.fif", verbose="error")


def points(raw: Any) -> None:
    raw.annotations.set_durations(dict.fromkeys(CLASSES, 0.0))


FAULTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "louder": (edited(lambda r: r.apply_function(lambda x: x * 300, picks="all")), "'b' is .* louder"),
    "quieter": (edited(lambda r: r.apply_function(lambda x: x / 1e3, picks="all")), "'b' is .* quieter"),
    "dead": (edited(lambda r: r.apply_function(lambda x: x * 0, picks="all")), "dead: .*sub-b"),
    "spelling": (edited(lambda r: r.annotations.rename({"rest": "Rest"})), "'b' has the label 'Rest'"),
    "no labels": (edited(lambda r: r.set_annotations(None)), "'b' has none of the classes"),
    "points": (edited(points), "sub-b.*have no duration"),
    "short": (edited(lambda r: r.annotations.set_durations({"rest": 0.7})), "'b' has 1.4 s of rest and no"),
    "name": (
        lambda d: (d / "sub-b_raw.fif").rename(d / "Sub-b_raw.fif"),
        "files: 4 found, 1 not used: Sub-b",
    ),
    "copies": (copies, "files: 8 found, 4 not used"),
    "none": (edited(lambda r: None), ""),
}


def said_of(folder: Path) -> str:
    recipe = load_recipe(recipe_of(folder))
    side = open_request(Request(recipe.sides["emg"], None))
    lines = say_account(side.account["account"], side.account["account_files"])
    found = [f"{f['severity']}: {f['kind']}: {f['message']}" for f in side.about["findings"]]
    return "\n".join([*lines, *found])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_ones_own_folder_is_named_before_anything_trains(fault: str, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    make, words = FAULTS[fault]
    make(folder)
    said = said_of(folder)
    if words:
        assert re.search(words, said), said
    else:
        assert "files: 4 found, all of them used" in said
        assert "error" not in said


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = tmp_path_factory.mktemp("account")
    folder = write_folder(home / "mine")
    (folder / "notes.txt").write_text("x", "utf-8")
    return run_study(recipe_of(folder), home / "study"), folder


def test_the_account_of_a_study_is_that_of_its_recordings(study: Any) -> None:
    done, folder = study
    recordings = from_folder(folder, modality="emg", classes=CLASSES)
    for name, rows in (("account", "person"), ("account_files", "file")):
        table = done.results.extras[name]
        ours = table[table["data"] == "emg"].drop(columns="data").dropna(axis=1, how="all")
        pd.testing.assert_frame_equal(
            ours.reset_index(drop=True),
            account(recordings, rows=rows, length=1.0, step=0.5).reset_index(drop=True),
            check_dtype=False,
            check_like=True,
        )
    files = done.results.extras["account_files"]
    assert (files[list(FATES)].sum(axis=1) == files["samples"]).all()
    counts = done.results.data["emg"]["counts"]
    people = done.results.extras["account"].set_index(["data", "subject"])
    for who, by_class in counts.items():
        assert {c: people.loc[("emg", who), f"windows_{c}"] for c in CLASSES} == by_class


def test_the_account_is_kept_shown_and_absent_of_older_studies(study: Any, tmp_path: Path) -> None:
    done, _ = study
    save_results(done.results, tmp_path / "kept")
    kept = load_results(tmp_path / "kept")
    for name in ("account", "account_files"):
        pd.testing.assert_frame_equal(kept.extras[name], done.results.extras[name])
    page = write_report(kept, tmp_path / "report.html").read_text("utf-8")
    assert "From files to windows" in page
    assert "notes.txt" in page
    without = {k: v for k, v in done.results.extras.items() if k not in ("account", "account_files")}
    save_results(replace(done.results, extras=without), tmp_path / "older")
    older = load_results(tmp_path / "older")
    assert not {"account", "account_files"} & set(older.extras)
    assert "From files to windows" not in write_report(older, tmp_path / "old.html").read_text("utf-8")


def test_check_prints_the_account_and_does_not_call_errors_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "mine")
    FAULTS["louder"][0](folder)
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe_of(folder)), "utf-8")
    assert main(["check", str(tmp_path / "r.yaml")]) == 0
    out = capsys.readouterr().out
    assert "files: 4 found, all of them used" in out
    assert "error: loudness: 'b'" in out
    assert "1 kind of error in the recordings" in out
    assert "Nothing is wrong" not in out
