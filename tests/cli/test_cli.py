"""The command line as its users type it: outputs, exit codes, messages."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from biotransfer.cli import build_parser, main
from biotransfer.evidence.reading import arm_label, direction_label, outcome_label
from biotransfer.results import Direction, load_results
from biotransfer.studies.running import store
from tests import ROOT
from tests.studies.test_running import SMALL

QUICK = {**SMALL, "arms": ["scratch", "transferred", "redrawn"], "seeds": 1}
QUICK.pop("same_modality")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(yaml.safe_dump(QUICK))
    return path


@pytest.fixture(scope="module")
def finished(recipe, tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "out"
    assert main(["run", str(recipe), "--out", str(out), "--workers", "1"]) == 0
    return out


def test_run_ends_with_verdicts_and_the_reports_path(recipe, finished, capsys):
    assert main(["run", str(recipe), "--out", str(finished), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    for verdict in json.loads((finished / "verdicts.json").read_text()):
        direction = direction_label(Direction.read(verdict["direction"]))
        arm = f"  {arm_label(verdict['arm'])}  "
        line = next(x for x in said.splitlines() if x.startswith(direction) and arm in x)
        assert line.endswith(outcome_label(verdict))
        assert f"{100 * verdict['difference']:+.1f}" in line
    assert said.strip().endswith(f"Report: {finished / 'report.html'}")
    assert (finished / "methods.md").stat().st_size > 200
    assert "<html" in (finished / "report.html").read_text(encoding="utf-8")


def test_report_is_written_again_from_the_folder_alone(finished, capsys):
    (finished / "report.html").unlink()
    assert main(["report", str(finished)]) == 0
    assert (finished / "report.html").is_file()


def test_check_trains_nothing(recipe, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["check", str(recipe)]) == 0
    said = capsys.readouterr().out
    assert "Nothing was kept" in said
    assert "26 trainings" in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["datasets", "features", "networks", "select", "align", "pretrain", "arms",
                                  "splits", "levers", "preprocess", "metrics", "checks",
                                  "recipes"])  # fmt: skip
def test_list(kind, capsys):
    assert main(["list", kind]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 2


@pytest.mark.parametrize("name", ["permuted", "myodisco", "bird2020", "top_k", "mlp", "quickstart"])
def test_show_gives_source_and_parameters(name, capsys):
    assert main(["show", name]) == 0
    said = capsys.readouterr().out
    assert "source" in said
    if name == "top_k":
        assert "k = 128" in said
        assert "How many features to keep" in said


def test_list_says_of_every_library_model_whether_it_can_be_used_or_why_not(capsys):
    from biotransfer.learning.networks.foreign import MODELS, REFUSED

    assert main(["list", "networks"]) == 0
    offered, refused = capsys.readouterr().out.split("networks, refused:\n")
    assert set(MODELS) <= {line.split()[0] for line in offered.splitlines()[1:]}
    assert len(MODELS) >= 25
    reasons = dict(line.strip().split(maxsplit=1) for line in refused.splitlines())
    assert reasons == REFUSED


def test_show_reads_weights(finished, capsys):
    path = next((finished / "weights").glob("*.safetensors"))
    assert main(["show", str(path)]) == 0
    said = capsys.readouterr().out
    assert "head.weight" in said
    assert "  classes: " in said
    assert "  preprocessing: " in said
    assert "{" not in said


def test_new_writes_a_recipe_that_check_accepts(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    assert main(["new", str(path)]) == 0
    assert main(["check", str(path), "--set", "seeds=1"]) == 0
    assert main(["new", str(path)]) == 2
    assert "exists" in capsys.readouterr().err


def test_inspect_says_what_is_wrong(capsys, tmp_path):
    from biotransfer.signals.simulate import simulate_eeg

    raw = simulate_eeg(n_subjects=1, seed=0)[0].raw.copy()
    raw.apply_function(lambda x: x * 0, picks=[1])
    raw.save(tmp_path / "flat_raw.fif", verbose="error")
    assert main(["inspect", str(tmp_path / "flat_raw.fif")]) == 0
    said = capsys.readouterr().out
    assert raw.ch_names[1] in said
    assert "flat" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "no_such.yaml"], "is no file"),
        (["run", "simulated_pair", "--set", "network=mpl"], "Did you mean 'mlp'"),
        (["run", "simulated_pair", "--set", "sedes=3"], "Did you mean 'seeds'"),
        (["check", "simulated_pair", "--set", "nonsense"], "no key=value"),
        (["list", "dataset"], "Did you mean 'datasets'"),
        (["show", "permutted"], "Did you mean 'permuted'"),
        (["report", "nowhere"], "is no finished study"),
        (["fetch", "myodisko"], "Did you mean 'myodisco'"),
        (["inspect", "nowhere"], "is no data set, file or folder"),
        (["features", "bird2020", "x.csv", "--dataset", "myodisco", "--out", "o.csv"], "span several files"),
        (["features", "bird2020", "x.csv", "--dataset", "muse-mental-state", "--out", "o.csv"], "is no file"),
        (["run", "simulated_pair", "--workers", "0"], "workers=0"),
        (["check", "simulated_pair", "--workers", "0"], "workers=0"),
        (["check", "simulated_pair", "--set", "align.k=5000"], "k=5000"),
        (["check", "simulated_pair", "--set", "compare.margin=0.0"], "margin"),
        (["check", "simulated_pair", "--set", "network=[]"], "network=[] is empty"),
        (["check", "simulated_pair", "--set", "network.hidden=[a]"], "a list of a whole number"),
        (["check", "simulated_pair", "--set", "train=5", "--smoke"], "train=5"),
    ],
)
def test_wrong_requests_exit_with_2_and_one_message(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_missing_data_says_where_it_was_looked_for_and_how_to_get_it(capsys, tmp_path, monkeypatch):
    for folder in ("given", "env", "mne"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("BIOTRANSFER_DATA", str(tmp_path / "env"))
    monkeypatch.setenv("MNE_DATA", str(tmp_path / "mne"))
    assert main(["check", "muse_myo", "--data", str(tmp_path / "given")]) == 2
    error = capsys.readouterr().err
    for folder in ("given", "env", "mne"):
        assert str(tmp_path / folder) in error
    assert "biotransfer fetch" in error


def test_a_failure_while_working_exits_with_1(recipe, tmp_path, capsys, monkeypatch):
    def fail(*_):
        raise RuntimeError("the machine is on fire")

    monkeypatch.setattr("biotransfer.studies.running.workers.carry_out", fail)
    assert main(["run", str(recipe), "--out", str(tmp_path / "out"), "--workers", "1"]) == 1
    assert "on fire" in capsys.readouterr().err


def test_being_stopped_exits_with_1_and_says_how_to_continue(recipe, tmp_path, capsys, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("biotransfer.studies.running.workers.carry_out", stop)
    assert main(["run", str(recipe), "--out", str(tmp_path / "out"), "--workers", "1"]) == 1
    assert "continues" in capsys.readouterr().err


def test_a_full_disk_is_said_and_nothing_is_half_written(recipe, tmp_path, capsys, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "write_table", full)
    assert main(["run", str(recipe), "--out", str(tmp_path / "out"), "--workers", "1"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.part"))
    assert not list((tmp_path / "out").rglob("*.parquet"))


@pytest.mark.slow
def test_demo_runs_on_real_recordings_without_any_on_the_machine(tmp_path, capsys, monkeypatch):
    for name in ("env", "mne"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("BIOTRANSFER_DATA", str(tmp_path / "env"))
    monkeypatch.setenv("MNE_DATA", str(tmp_path / "mne"))
    out = tmp_path / "out"
    assert main(["demo", "--smoke", "--out", str(out), "--workers", "1"]) == 0
    assert "Pretraining on EMG changed EEG balanced accuracy" in capsys.readouterr().out
    assert json.loads((out / "provenance.json").read_text())["simulated"] is False
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "simulated" not in page.split("</title>")[0].lower()
    assert "Open Data Commons Attribution" in page
    ledger = load_results(out).ledger
    carried = ledger[(ledger["part"] == "stem") & (ledger["arm"] != "scratch")]
    assert set(carried["arm"]) == set(ledger["arm"]) - {"scratch"}
    assert "fresh" not in set(carried["action"])
    assert not list((tmp_path / "env").iterdir())
    assert not list((tmp_path / "mne").iterdir())


@pytest.mark.parametrize(
    "name",
    ["subjecta-concentrating-2", "subjectb-relaxed-2", "subjectc-neutral-2", "subjectd-concentrating-2"],
)
def test_features_of_a_file_equal_the_published_scripts(name, real_data, golden, tmp_path):
    out = tmp_path / "out.csv"
    source = real_data / "muse-mental-state" / f"{name}.csv"
    assert (
        main(["features", "bird2020", str(source), "--dataset", "muse-mental-state", "--out", str(out)]) == 0
    )
    ours, theirs = pd.read_csv(out), pd.read_csv(golden / f"bird_features_{name}.csv.gz")
    assert list(ours.columns[:-1]) == list(theirs.columns)
    a, b = ours.iloc[:, :-1].to_numpy(), theirs.to_numpy()
    assert a.shape == b.shape
    assert np.all((np.abs(a - b) <= 1e-9 * np.abs(b)) | (np.abs(a - b) <= 1e-12))


def test_features_takes_several_sets_and_says_their_units(real_data, tmp_path, capsys):
    out, source = tmp_path / "out.csv", real_data / "muse-mental-state" / "subjecta-concentrating-2.csv"
    sets = "[time_domain, {name: emg_family, which: [MNF, {name: AR, order: 1}]}]"
    assert main(["features", sets, str(source), "--dataset", "muse-mental-state", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert list(pd.read_csv(out).columns)[::4] == [
        "mav_TP9", "wl_TP9", "zc_TP9", "ssc_TP9", "MNF_TP9", "AR1_TP9", "label"
    ]  # fmt: skip
    assert "in uV: mav\n" in said
    assert "in Hz: MNF\n" in said
    for wrong, message in (
        ("{name: [}", "is no valid YAML"),
        ("[bird2020, statistical]", "stands alone"),
    ):
        assert (
            main(["features", wrong, str(source), "--dataset", "muse-mental-state", "--out", str(out)]) == 2
        )
        assert message in capsys.readouterr().err


def test_every_command_is_in_the_readme(capsys):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        build_parser().parse_args(["no-such-command"])
    commands = re.findall(r"\w+", capsys.readouterr().err.partition("choose from")[2])
    assert {"run", "demo", "list"} < set(commands)
    for name in commands:
        assert f"biotransfer {name}" in readme, name


def test_it_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "biotransfer", "--version"], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith("biotransfer ")
