"""How commands speak: suggestions, quiet, JSON, logs, and the same exit code with --debug."""

from __future__ import annotations

import json

import pytest

from biotransfer.cli import main
from biotransfer.results import save_results
from tests.factories import make_results


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["rnu", "muse_myo"], "Did you mean 'run'?"),
        (["run", "muse_myo", "--wrokers", "2"], "Did you mean '--workers'?"),
        (["run", "muse_myo", "--device", "cdua"], "Did you mean 'cuda'?"),
        (["export", "x", "--to", "tensorbord", "--out", "y"], "Did you mean 'tensorboard'?"),
    ],
)
def test_what_was_meant_is_said(typed, meant, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(typed)
    assert stopped.value.code == 2
    assert meant in capsys.readouterr().err


@pytest.mark.parametrize("typed", [["run", "no_such.yaml"], ["report", "nowhere"], ["list", "dataset"]])
def test_debug_adds_the_traceback_and_changes_no_exit_code(typed, capsys):
    assert main(typed) == 2
    plain = capsys.readouterr().err
    assert main(["--debug", *typed]) == main([*typed, "--debug"]) == 2
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert plain in shown
    assert "Traceback" not in plain


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("speaking") / "study"
    save_results(make_results(), folder)
    return folder


def test_verdicts_are_printed_in_plain_words(study, capsys):
    assert main(["verdicts", str(study)]) == 0
    said = capsys.readouterr().out
    assert "EMG → EEG  mlp" in said
    assert "new people" in said
    assert "frozen body" in said
    assert "emg->eeg" not in said.partition("\ngain:")[0]
    assert main(["verdicts", str(study), "--json"]) == 0
    stored = json.loads((study / "verdicts.json").read_text(encoding="utf-8"))
    assert json.loads(capsys.readouterr().out) == stored


def test_an_error_is_in_the_log_too(tmp_path, capsys):
    log = tmp_path / "log.jsonl"
    assert main(["report", "nowhere", "--log", str(log)]) == 2
    first, last = (json.loads(line) for line in log.read_text(encoding="utf-8").splitlines())
    assert (first["event"], first["command"], last["event"], last["code"]) == ("start", "report", "end", 2)
    assert "is no finished study" in last["error"]
    assert main(["list", "arms", "--log", str(tmp_path / "no" / "log")]) == 2
    assert "--log" in capsys.readouterr().err


@pytest.mark.parametrize("what", [["list", "arms"], ["list"], ["list", "levers"], ["list", "keys"],
                                  ["show", "top_k"], ["show", "mlp"]])  # fmt: skip
def test_json_is_one_value(what, capsys):
    assert main([*what, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("eeg.preprocess.low=2", "'low' is no step but a parameter of bandpass"),
        ("eeg.preprocess.notchh.freqs=[50]", "Did you mean 'notch'?"),
    ],
)
def test_a_changed_preset_says_what_cannot_be_changed(setting, message, capsys):
    assert main(["check", "simulated_pair", "--set", setting]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "'eeg' is unknown" not in said


def test_what_costs_nothing_is_refused_before_data_are_read(tmp_path, capsys, monkeypatch):
    def never(*_, **__):
        raise AssertionError("data were read first")

    monkeypatch.setattr("biotransfer.studies.running.run.prepare", never)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["run", "simulated_pair", "--out", str(tmp_path / "a"), "--device", "cuda"]) == 2
    assert "finds no CUDA device" in capsys.readouterr().err
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["run", "simulated_pair", "--out", str(tmp_path / "file" / "out")]) == 2
    assert "--out" in capsys.readouterr().err
