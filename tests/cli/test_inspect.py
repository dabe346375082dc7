"""The command ``inspect`` says what is wrong, whatever is named; of real folders all known, and more."""

import re
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import yaml

from biotransfer.cli import main
from biotransfer.signals.simulate import simulate_eeg

DEFECTS = {
    "muse-mental-state": {
        "near copy": r"noticed.*'name-concentrating-1.csv' repeats 99.9\d% of the samples of 'subjecta-conc",
        "time stamps in ms": r"rounded_time: 24 recordings.*rounded to 1 ms",
        "gap": r"gap: .*relaxed-2: 9 gap\(s\).*700\.0 s",
        "3.5 s": r"short: 2 recordings.* 3\.5 s carry a label.*d/ses-1/run-concentrating-2",
        "others below 60 s": r"noticed: 7 recordings.*of signal instead of about 60 s",
        "no filter": r"unfiltered: no filter took the hum out",
        "hum": r"mains: \d+ channels of 2\d recordings.*lies at 50 Hz",
        "hum predicts the state": r"hum_by_class: .*tells the two apart in \d+% of pairs",
        "AF8 at the rails": r"clipped: 9 channels of 7 recordings.*AF8 sits at its rails",
        "class codes": r"known: Class codes differ between published copies",
        "Right AUX": r"known: .*Right AUX, is no electrode",
    },
    "mental-arithmetic": {
        "filtered": r"filtered: .*a low-pass filter was there before",
        "50 Hz notch": r"filtered: .*power at 50 Hz is 0\.0",
        "confounded": r"confounded: in all 24 people every class lies in recordings of its own",
        "A2-A1 and ECG": r"unused_channels: .*A2-A1 \(misc\), ECG \(ecg\)",
        "artifacts removed": r"known: .*removed artifacts by ICA",
    },
    "myodisco": {
        "short files": r"short_file: 318 files of 66 recordings.*less than 2 s",
        "short files by session": r"noticed: 66 recordings.*files have fewer than 400 samples",
        "shortest": r"short_file: .*'S12/day1/R_7_C_8_EMG.csv' lasts 1.76 s",
        "no metadata": r"'S1/day2' has no metadata.json",
        "11 classes": r"'S4/day1/metadata.json' lists 11 classes \(single_tap too\) for 10",
        "same file twice": r"'S7/day2/R_9_C_5_EMG.csv' is identical to 'S7/day1/R_9_C_5_EMG.",
        "electrode order": r"electrode_order: .*'S10' in session 'day1' agree better",
        "independent files": r"known: Every file is an independent repetition",
    },
    "one-subject-myo": {
        "class names": r"known: .*3 is Wrist_Extension and 4 Wrist_Flexion; LibEMG",
    },
    "myo-readings": {
        "malformed lines": r"noticed: 2 recordings.*/19999-2/2.txt' is malformed in line 12322",
        "joined lines": r"64917-1/2.txt' is malformed in line 1032, 1033",
        "mislabelled file": r"69069-1/3.txt': it carries class 2 in 7500 lines, its name says 3",
        "another order": r"electrode_order: .*'64917'",
        "rates": r"known: Files hold 186 to 248 lines per second",
        "clock": r"known: Labels follow a clock of 5 s",
    },
    "cote-allard": {
        "no gain": r"known: The armband publishes no gain",
        "one order": r"known: The seven gestures follow each other in one fixed order",
    },
}
"""Of every folder of real recordings what its README lists, and how ``inspect`` says it."""
FINDING = re.compile(r"  (note|warning|error): ")
SLOW = ("mental-arithmetic", "myodisco", "myo-readings")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in DEFECTS]
)
def test_every_known_defect_of_a_real_folder_is_named_and_at_least_one_more(name, real_data, capsys):
    assert main(["inspect", str(real_data / name)]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert name in first
    lines = [line for line in lines if FINDING.match(line)]
    known = DEFECTS[name]
    missing = {defect for defect, said in known.items() if not any(re.search(said, x) for x in lines)}
    assert not missing
    more = [x for x in lines if not any(re.search(said, x) for said in known.values())]
    found = [x for x in more if re.match("  (note|warning|error): ", x)]
    measured = [x for x in found if not re.match(r"\s+note: (known|noticed|unused_file):", x)]
    assert measured, "nothing beyond what its README lists"
    assert len(lines) < 30


def test_every_real_folder_is_here(real_data):
    assert {path.name for path in real_data.iterdir() if path.is_dir()} <= set(DEFECTS)


def test_malformed_lines_are_named_wherever_they_are(real_data, capsys):
    assert (
        main(["inspect", "myo-readings", "--all", "--data", str(real_data), "--set", "subjects=['64917']"])
        == 0
    )
    said = capsys.readouterr().out
    assert "64917-2/1.txt' is malformed in line 1998" in said


@pytest.fixture
def flat(tmp_path):
    """A folder with two people, of whom one has a channel that stands still."""
    for i, recording in enumerate(simulate_eeg(n_subjects=2, seed=0, mains=None)):
        raw = recording.raw.copy()
        if i == 0:
            raw.apply_function(lambda x: x * 0, picks=[1])
        raw.save(tmp_path / f"sub-{recording.subject}_run-{i}_raw.fif", fmt="double", verbose="error")
    return tmp_path


def _edf_of(path: Path) -> Path:
    rng = np.random.default_rng(0)
    data = rng.normal(0, 2e-5, (3, 2560))
    data[1] = 0.0
    raw = mne.io.RawArray(data, mne.create_info(["F3", "F4", "Cz"], 256.0, "eeg"), verbose="error")
    raw.set_annotations(mne.Annotations([0.0], [10.0], ["rest"]))
    mne.export.export_raw(path / "one.edf", raw, verbose="error")
    return path / "one.edf"


def _csv_of(path: Path) -> Path:
    values = np.random.default_rng(0).integers(-90, 90, (4000, 3))
    values[:, 1] = 0
    (path / "csv").mkdir()
    for i, name in enumerate(("S1_fist", "S1_rest", "S2_fist", "S2_rest")):
        own = np.roll(values, 100 * i, axis=0)
        pd.DataFrame(own).to_csv(path / "csv" / f"{name}.csv", index=False, header=False)
    return path / "csv"


def test_files_folders_and_recipes_are_all_taken(flat, tmp_path, tmp_path_factory, capsys):
    own = {"data": "folder", "path": str(flat), "classes": ["state_1", "state_2", "state_3"]}
    rest = {"features": "band_power", "network": {"name": "mlp", "hidden": [4]}, "arms": ["scratch"]}
    other = tmp_path_factory.mktemp("others")
    recipe = other / "mine.yaml"
    recipe.write_text(yaml.safe_dump({"eeg": own, "emg": {"data": "simulated"}, **rest}))
    keys = [
        "modality=emg",
        "pattern='{subject}_{label}.csv'",
        "sfreq=200",
        "unit=uV",
        "channel_names=[A, B, C]",
    ]
    for what, settings, channel in (
        (flat, [], "AF7"),
        (next(flat.glob("*run-0*")), [], "AF7"),
        (recipe, [], "AF7"),
        (_edf_of(other), [], "F4"),
        (_csv_of(other), keys, "B"),
        (other / "csv", ["sfreq=200"], "2"),
        (other / "csv" / "S1_fist.csv", [*keys, "pattern='{subject}_{label}.csv'"], "B"),
    ):
        asked = [word for setting in settings for word in ("--set", setting)]
        code = main(["inspect", str(what), *asked])
        said = capsys.readouterr()
        assert code == 0, said.err
        assert re.search(rf"error: flat: .*{channel} stands still in 100.0%", said.out), what


def test_details_and_a_table_to_edit(flat, capsys):
    out = flat / "findings.csv"
    assert main(["inspect", str(flat), "--all", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    table = pd.read_csv(out)
    assert len(table) == len([x for x in said.splitlines() if FINDING.match(x)])
    assert set(table["action"]) == {"keep"}
    assert main(["inspect", str(flat), "--out", str(flat / "no" / "x.csv")]) == 2
    assert "Make it first" in capsys.readouterr().err
