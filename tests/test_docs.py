"""Pages of docs/ whose blocks say that they run as they stand, in their order, do so."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from biotransfer.evidence.stats import smallest_p
from biotransfer.evidence.verdicts.rule import VERDICTS
from tests import ROOT

PAGES = ["own_data", "start"]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def _blocks(page: str) -> list[tuple[str, str]]:
    return _BLOCK.findall((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = [(kind, text) for kind, text in _blocks(page) if kind != "text"]
    assert {kind for kind, _ in blocks} <= {"python", "yaml", "console"}
    names: dict[str, object] = {}
    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, f"{page}.md", "exec"), names)
        elif kind == "yaml":
            file = text.split("\n", 1)[0].removeprefix("# ")
            Path(file).write_text(text, encoding="utf-8")
        else:
            for line in text.splitlines():
                words = shlex.split(line.removeprefix("$ "))
                assert words[0] == "biotransfer"
                done = subprocess.run(
                    [sys.executable, "-m", *words], capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_every_error_of_the_questions_is_what_its_block_ends_in() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    import questions

    now = questions.page()
    assert len(re.findall(r"^```text\n\S", now, re.MULTILINE)) > 5
    assert "```text\n\n" not in now
    assert questions.PAGE.read_text(encoding="utf-8") == now, "type: python docs/questions.py"


def test_the_page_of_concepts_says_the_verdicts_and_the_benchmarks() -> None:
    page = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| \*\*([a-z ]+)\*\* \|", page, re.MULTILINE)
    assert [name.replace(" ", "_") for name in named] == list(VERDICTS)
    measured = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert "scale only: any arm above scratch, uncorrected | 233 of 400 = 58.2 %" in measured
    assert "58 % show" in page


def test_the_comparison_names_the_versions_that_are_pinned() -> None:
    page = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w-]+)==([\d.]+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    for name in ("MOABB", "braindecode", "skada"):
        assert f"{name} {pinned[name.lower()]} |" in page


def test_the_first_paragraph_on_bird_2020_says_what_recipe_and_tables_say() -> None:
    page = (ROOT / "docs" / "bird2020.md").read_text(encoding="utf-8")
    first = " ".join(page.split("\n\n")[1].split())
    recipes = {name: yaml.safe_load((ROOT / "pipelines" / f"{name}.yaml").read_text(encoding="utf-8"))
               for name in ("bird2020", "bird2020_notch")}  # fmt: skip
    assert re.findall(r"\*\*(\w[\w ]*)\*\*", first) == ["Claimed", "Run", "Follows", "Cannot be known"]
    published = {(p["direction"], p["arm"], p["at"]): p["value"] for p in recipes["bird2020"]["published"]}
    for value in published.values():
        assert f"{100 * value:.2f} %" in first
    gain = published["emg->eeg", "transferred", "final"] - published["emg->eeg", "scratch", "final"]
    assert f"published {100 * gain:.2f} points" in first
    for recipe in recipes.values():
        assert f"{recipe['seeds']} seeds" in first
        assert (recipe["features"], recipe["align"]["name"]) == ("bird2020", "top_k")
        assert {rule["by"] for rule in recipe["split"]} == {"shuffled_windows", "subject"}
        assert f"{recipe['eeg']['data']}, 4 people" in first
        assert f"{recipe['emg']['data']}, 14 people, {len(recipe['emg']['classes'])} gestures" in first
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]
    verdicts = [row for row in rows if row[0] in ("`bird2020`", "`bird2020_notch`")]
    assert len(verdicts) > 10
    assert not any(row[-1].startswith("positive") for row in verdicts)
    said = {
        row[3].split(" (")[0]: row[5] for row in verdicts if row[:3] == ["`bird2020`", "EMG -> EEG", "mlp"]
    }
    gains = r"(-?\d+\.\d \(-?\d+\.\d to [+-]\d+\.\d\)) (?:on|with) ([a-z ]+?)(?: and|,)"
    for gained, where in re.findall(gains, first.replace("points ", "")):
        assert said.pop(where) == gained
    assert not said
    levels = {row[0]: row[2] for row in rows if len(row) == 3 and row[0] != "---"}
    best = max(float(value) for name, value in levels.items() if "weights" in name and "notch" not in name)
    hum = next(value for name, value in levels.items() if name.startswith("power at 50 and 100 Hz alone"))
    assert f"({hum} against {best:.3f} on new people)" in first
    assert f"p = {smallest_p(4)}" in first


def _claims(part: str) -> list[list[str]]:
    """The lines of a table of claims, cell by cell."""
    lines = [line for line in part.splitlines() if line[:2] == "| "]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if len(row) in (7, 8) and row[0] != "source -> target"]


@pytest.mark.parametrize(
    ("title", "recipe", "told"),
    [
        (
            "## With all labels",
            "definitive_all",
            "None of the sixteen claims is positive; eight are assayable.",
        ),
        ("## Networks that see signals", "definitive_signals", "None of the eight claims is positive; four"),
    ],
)
def test_the_sister_studies_count_their_own_tables(title: str, recipe: str, told: str) -> None:
    page = (ROOT / "docs" / "definitive.md").read_text(encoding="utf-8")
    part = page[page.index(title) :]
    rows = _claims(part[: part.index("\n## ", 1)])
    asked = yaml.safe_load((ROOT / "pipelines" / f"{recipe}.yaml").read_text(encoding="utf-8"))
    kept = json.loads((ROOT / "pipelines" / f"{recipe}.registration.json").read_text(encoding="utf-8"))
    networks = asked["network"] if isinstance(asked["network"], list) else [asked["network"]]
    claims = len(asked["directions"]) * len(networks) * len(asked["preregistration"]["family"])
    assert len(rows) == claims
    assert not any(row[-1].startswith("positive") for row in rows)
    assert sum(row[-1] != "not assayable" for row in rows) == claims // 2
    assert told in " ".join(part.split())
    assert kept["hash"][:12] in part


def test_the_page_of_the_definitive_study_counts_its_own_table() -> None:
    page = (ROOT / "docs" / "definitive.md").read_text(encoding="utf-8")
    told = " ".join(page.split())
    rows = _claims(page[: page.index("## With all labels")])
    recipe = yaml.safe_load((ROOT / "pipelines" / "definitive.yaml").read_text(encoding="utf-8"))
    claims = (
        len(recipe["directions"])
        * len(recipe["budget"]["seconds"])
        * len(recipe["preregistration"]["family"])
    )
    assert len(rows) == claims
    for_eeg = [row for row in rows if row[0].endswith(("ARITHMETIC", "MUSE"))]
    assert not any(row[-1].startswith("positive") for row in rows)
    for part in (for_eeg, [row for row in rows if row not in for_eeg]):
        assert (
            f"None of {len(part)} claims is positive" in told or f"is positive, {_seen(part)} of them" in told
        )
    proven = {row[2:4][0] + row[1]: row[-1] for row in rows if row[0] == "COTE -> ARITHMETIC"}
    own = [row for row in rows if row[0] == "MYODISCO -> ARITHMETIC"]
    assert [row[-1] for row in own] == [proven[row[2] + row[1]] for row in own]
    assert [row[-1] for row in own].count("inconclusive") == 5
    assert "By it five of the six claims are assayable" in told
    assert "Of 48 verdicts the first had none positive either" in told


def _seen(rows: list[list[str]]) -> int:
    return sum(row[-1] != "not assayable" for row in rows)
