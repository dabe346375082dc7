"""From files in their original layout to a report, without a line of code."""

import pytest
import yaml

from biotransfer.cli import main
from tests.signals.own.layouts import LAYOUTS

SMALL = {
    "train": {"epochs": 1}, "seeds": 1, "arms": ["scratch", "transferred", "permuted"],
    "features": "time_domain",
    "align": {"name": "top_k", "k": 4}, "network": {"name": "mlp", "hidden": [4]},
}  # fmt: skip


GESTURES = {1: "flexion", 2: "extension", 3: "radial", 7: "fist"}


def recipe_of(tmp_path, *names, text=""):
    """Write folders, let the program guess, and make the study small."""
    arguments = ["new", str(tmp_path / "study.yaml")]
    for name in names:
        folder = tmp_path / name.replace(" ", "_")
        folder.mkdir()
        LAYOUTS[name].write(folder)
        arguments += ["--data", str(folder)]
    assert main(arguments) == 0
    path = tmp_path / "study.yaml"
    written = path.read_text()
    recipe = yaml.safe_load(written)
    if not all(LAYOUTS[name].rate_said for name in names):
        assert "# sfreq:  # TO FILL IN: no file says the sampling rate" in written
        recipe["emg"]["sfreq"] = 200
    path.write_text(yaml.safe_dump({**recipe, **SMALL}))
    return path, written


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_becomes_a_report_by_what_was_guessed(tmp_path, capsys, name):
    path, written = recipe_of(tmp_path, name)
    assert "  path: " + name.replace(" ", "_") in written
    assert main(["check", str(path), "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert "should be mended" not in out
    assert "Nothing is wrong" in out or "it can find nothing" in out
    study = tmp_path / "study"
    assert main(["run", str(path), "--smoke", "--workers", "1", "--out", str(study)]) == 0
    assert "From files to windows" in (study / "report.html").read_text(encoding="utf-8")


def test_tables_and_edf_become_a_report(tmp_path, capsys):
    path, _ = recipe_of(tmp_path, "a CSV per repetition", "an EDF per condition")
    same = {"accept": {"same_people": "both folders are written from the same numbers"}}
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **same}))
    out = tmp_path / "out"
    assert main(["run", str(path), "--smoke", "--workers", "1", "--out", str(out)]) == 0
    assert "Report: " in capsys.readouterr().out
    page = (out / "report.html").read_text()
    assert "a_CSV_per_repetition" in page
    assert "an_EDF_per_condition" in page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "people", "changes"),
    [
        ("cote-allard", ["Male1", "Male2", "Female3"], {}),
        ("myo-readings", ["19999", "64917", "69069"], {"labels": GESTURES}),
    ],
)  # fmt: skip
def test_real_emg_to_real_eeg_from_one_recipe(tmp_path, real_data, capsys, name, people, changes):
    path = tmp_path / "study.yaml"
    folders = ["--data", str(real_data / name), "--data", str(real_data / "mental-arithmetic")]
    assert main(["new", str(path), *folders]) == 0
    recipe = {**yaml.safe_load(path.read_text()), **SMALL}
    recipe["emg"] |= {"subjects": people, **changes}
    recipe["eeg"] |= {"subjects": ["00", "01", "02"], "labels": {1: "rest", 2: "arithmetic"}}
    path.write_text(yaml.safe_dump(recipe))
    assert main(["check", str(path), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    if name == "myo-readings":
        for defect in (
            "line 12322 (17 columns for 9)",
            "lines 1032 (11",
            "69069-1/3.txt' is named for radial",
        ):
            assert defect in said, defect
    out = tmp_path / "out"
    assert main(["run", str(path), "--smoke", "--workers", "1", "--out", str(out)]) == 0
    assert (out / "report.html").is_file()


def test_two_folders_of_one_modality_are_refused(tmp_path, capsys):
    for name in ("OpenBCI", "MuseLSL"):
        (tmp_path / name).mkdir()
        LAYOUTS[name].write(tmp_path / name)
    folders = ["--data", str(tmp_path / "OpenBCI"), "--data", str(tmp_path / "MuseLSL")]
    assert main(["new", str(tmp_path / "x.yaml"), *folders]) == 2
    assert "looks like eeg, as" in capsys.readouterr().err
