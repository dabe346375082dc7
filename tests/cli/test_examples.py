"""Every line that help teaches is typed here, one after the other, as a newcomer would."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml

from biotransfer.cli import COMMANDS, main
from biotransfer.cli.parser import EXAMPLES, build_parser
from biotransfer.results import save_results
from tests.factories import make_results
from tests.studies.test_running import SMALL

pytestmark = pytest.mark.slow
ORDER = ("new", "check", "run", "verdicts", "report", "compare", "index", "export", "verify", "rerun",
         "register", "list", "show", "inspect", "completion")  # fmt: skip
ELSEWHERE = {
    "demo": "tests/cli/test_cli.py runs it",
    "pool": "tests/pages/test_pooled.py joins studies",
    "fetch": "needs a network",
    "features": "tests/cli/test_cli.py, where real recordings are",
    "": "the same lines as of the commands, with folders of one's own",
}
REGISTERED = {
    "hypotheses": ["EMG helps EEG"], "primary": ["emg->eeg"], "exclusions": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder in which the story goes on: a small recipe stands for the one that ``new`` writes."""
    return tmp_path_factory.mktemp("home")


def test_every_command_has_examples_and_each_is_typed():
    assert set(EXAMPLES) - {""} == set(COMMANDS)
    assert set(ORDER) | set(ELSEWHERE) == set(EXAMPLES)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_shows_its_examples(command, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args([command, "--help"] if command else ["--help"])
    said = capsys.readouterr().out
    assert all(line in said for line, _ in EXAMPLES[command])


def test_the_story_from_a_new_recipe_to_comparison(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    for command in ORDER:
        for line, _ in EXAMPLES[command]:
            words = shlex.split(line)
            assert words[0] == "biotransfer"
            code = main([*words[1:], *(["--workers", "1"] if command in ("run", "check", "rerun") else [])])
            said = capsys.readouterr()
            if command == "register":
                assert code == 2
                assert "preregistration" in said.err or "is no file" in said.err
                continue
            assert code == 0, (line, said.err)
            assert "Traceback" not in said.err
            if "--json" in words:
                assert json.loads(said.out)
        if command == "new":
            small = {**SMALL, "arms": ["scratch", "transferred"], "seeds": 1}
            small.pop("same_modality")
            Path("mine.yaml").write_text(yaml.safe_dump(small), encoding="utf-8")
    log = [json.loads(line) for line in Path("run.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {"start", "progress", "end"} <= {line["event"] for line in log}
    assert log[-1]["code"] == 0
    for page in ("first/report.html", "compared.html", "index.html"):
        text = Path(page).read_text(encoding="utf-8")
        assert not re.search(r'(?:src|href)="https?://(?!doi\.org|[\w.]*)', text)
    assert 'href="first/report.html"' in Path("index.html").read_text(encoding="utf-8")
    assert Path("tables/curves.csv").stat().st_size > 100
    assert "severity" in Path("findings.csv").read_text(encoding="utf-8")


def test_the_index_says_what_cannot_be_read_and_what_is_not_finished(home, tmp_path, capsys):
    save_results(make_results(), tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "recipe.yaml").write_text("title: [", encoding="utf-8")
    shutil.copytree(tmp_path / "good", tmp_path / "half")
    (tmp_path / "half" / "verdicts.json").unlink()
    assert main(["index", str(tmp_path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    found = {Path(one["folder"]).name: one["state"] for one in listed}
    assert found == {"good": "finished", "bad": "cannot be read", "half": "not finished"}
