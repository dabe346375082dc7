"""The page of pooled studies, its figure, and the command that writes both."""

from __future__ import annotations

import json

import pytest

from biotransfer.cli import main
from biotransfer.evidence.pooling import Pooled, pool_studies
from biotransfer.pages.figures import plot_forest
from biotransfer.pages.report import write_pooled
from biotransfer.pages.report.pooled import render_pooled
from biotransfer.results import save_results
from tests.evidence.pools import drawn, make_study
from tests.pages.test_report import Page


@pytest.fixture(scope="module")
def pooled() -> Pooled:
    gains = {"a": (0.05, 12), "b <i>": (0.06, 14), "c": (-0.01, 4)}
    return pool_studies([make_study({n: drawn(g, k, 1)}, seed=k) for n, (g, k) in gains.items()])


def test_a_forest_shows_every_data_set_their_mean_and_the_next_one():
    studies = [make_study({n: drawn(0.05, 9, i)}, seed=i) for i, n in enumerate(["a", "b", "c"])]
    pooled = pool_studies(studies)
    claim = next(claim for claim in pooled.claim_list if claim["arm"] == "transferred")
    ax = plot_forest(pooled, claim).axes[0]
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    assert labels == ["a", "b", "c", "all 3 data sets", "positive control: own donors"]
    lines = {line.get_gid(): line.get_xdata() for line in ax.lines}
    assert list(lines["further data set"]) == pytest.approx(
        [100 * claim["next_low"], 100 * claim["next_high"]]
    )
    for share in pooled.shares_of(claim):
        ends = [100 * share["ci_low"], 100 * share["ci_high"]]
        assert list(lines[f"interval:{share['data_set']}"]) == pytest.approx(ends)
    assert "goes on" not in lines
    two = pool_studies([make_study({n: drawn(0.05 + i, 9, i)}, seed=i) for i, n in enumerate(["a", "b"])])
    ax = plot_forest(two, two.claim_list[0]).axes[0]
    assert "further data set" not in {line.get_gid() for line in ax.lines}
    assert sum(line.get_gid() == "goes on" for line in ax.lines) == 2


def test_page_holds_every_number_and_nothing_from_outside(pooled, tmp_path):
    path = write_pooled(pooled, tmp_path / "new" / "folder")
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert not {"link", "img", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    assert not [attributes for tag, attributes in page.tags if tag == "script" and "src" in attributes]
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert "b <i>" in page.text
    for claim in pooled.claim_list:
        assert claim["sentence"] in page.text
        rows = {row[0]: row for row in page.table("Gain in points") if len(row) > 1}
        row = rows[claim["arm"].replace("_", " ")]
        assert row[1:3] == [str(claim["n_data_sets"]), str(claim["n_people"])]
        assert float(row[3].replace("\u2212", "-")) == pytest.approx(100 * claim["difference"], abs=0.06)
        assert row[-1].replace(" ", "_") == claim["verdict"]
    assert json.loads(path.with_name("pooled.json").read_text()) == json.loads(json.dumps(pooled.plain()))


def test_two_data_sets_show_what_is_not_estimable():
    two = pool_studies([make_study({n: drawn(0.05, 9, i)}, seed=i) for i, n in enumerate("ab")])
    page = Page(render_pooled(two))
    row = next(row for row in page.table("Between data sets") if len(row) > 1)
    assert [row[1], row[2], row[5]] == ["\u2013"] * 3


def test_command_pools_folders_in_any_order(tmp_path, capsys):
    for i, name in enumerate("abc"):
        save_results(make_study({name: drawn(0.05, 10, i)}, seed=i), tmp_path / name)
    folders = [str(tmp_path / name) for name in "abc"]
    assert main(["pool", *folders, "--out", str(tmp_path / "one")]) == 0
    said = capsys.readouterr().out
    assert "over 3 data sets" in said
    assert said.strip().endswith(f"Page: {tmp_path / 'one' / 'pooled.html'}")
    assert main(["pool", *folders[::-1], "--out", str(tmp_path / "two")]) == 0
    both = [(tmp_path / name / "pooled.json").read_text() for name in ("one", "two")]
    assert both[0] == both[1]
    assert main(["pool", folders[0]]) == 2
    assert "Name further studies" in capsys.readouterr().err
    assert main(["pool", folders[0], str(tmp_path)]) == 2
    assert "no finished study" in capsys.readouterr().err
