"""Stored state under damage: made again, or refused by name; never used, never a raw exception."""

from __future__ import annotations

import json
import random
import re
import shutil

import pandas as pd
import pytest
import yaml

from biotransfer import load_results, run_study, verify_study
from biotransfer.cli import main
from biotransfer.errors import BiotransferError
from biotransfer.files import CONTENTS, list_contents, read_contents
from tests.damages import DAMAGES

RECIPE = {
    "title": "stored",
    "source": "own",
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 3},
    "features": "statistical",
    "align": {"name": "top_k", "k": 8},
    "directions": ["emg->eeg"],
    "arms": ["scratch", "transferred", "permuted"],
    "train": {"epochs": 1},
    "seeds": 1,
    "nuisance": False,
    "baselines": [],
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("cache")
        patch.setenv("BIOTRANSFER_CACHE", str(place))
        yield place


@pytest.fixture(scope="module")
def study(cache, tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("study") / "out")


def _same(study, found):
    pd.testing.assert_frame_equal(found.results.curves, study.results.curves, check_dtype=False)
    assert found.results.verdict_list == study.results.verdict_list


def _stored(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".used")


def test_everything_in_a_study_folder_belongs_to_a_list(study):
    """A new stored thing cannot be forgotten: what no list names, no test damages."""
    listed = {path: read_contents(path.parent, of=_of(path)) for path in study.folder.rglob(CONTENTS)}
    named = {place.parent / name for place, contents in listed.items() for name in contents.files}
    free = {study.folder / name for name in (".finished", "report.html", "methods.md")}
    assert set(_stored(study.folder)) - named - set(listed) <= free


def _of(path):
    return "study" if path.parent.name == "out" else f"{path.parent.parent.name}/{path.parent.name}"


def test_everything_in_the_cache_belongs_to_a_list(study, cache):
    named = set()
    for path in cache.glob(f"*/*/{CONTENTS}"):
        named |= {path, *(path.parent / name for name in read_contents(path.parent, of=_of(path)).files)}
        for name in ("windows.json", "recordings.json"):
            if (path.parent / name).exists():
                own = json.loads((path.parent / name).read_text())
                named |= {path.parent / inner for inner in own["files"]}
    assert {path for path in _stored(cache) if path.parent.name != "hashes"} == named


def _harm(folder, name, damage):
    """Damage one file; another of its kind, where there is one, takes its place when they are swapped."""
    files = [path for path in _stored(folder) if path != folder / name]
    alike = [path for path in files if path.suffix == (folder / name).suffix]
    DAMAGES[damage](folder / name, random.Random(damage).choice(alike or files), 1)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_finished_study_that_was_changed_says_so_and_is_made_again(study, tmp_path, damage):
    listed = sorted(read_contents(study.folder, of="study").files)
    for name in (CONTENTS, random.Random(damage).choice(listed)):
        harmed = shutil.copytree(study.folder, tmp_path / name.replace("/", "-"))
        _harm(harmed, name, damage)
        if name == CONTENTS:
            with pytest.raises(BiotransferError, match=CONTENTS):
                verify_study(harmed)
        else:
            found = verify_study(harmed)
            assert not found.whole
            assert [line for line in found.damaged if name in line] == list(found.damaged)
        if not name.startswith("weights") and name != "made_from.json":
            with pytest.raises(BiotransferError, match=re.escape(name)):
                load_results(harmed)
        if damage == "a folder in its place" and name != CONTENTS:
            with pytest.raises(BiotransferError, match=f"rm -r {harmed / name}"):
                run_study(RECIPE, harmed)
            shutil.rmtree(harmed / name)
        again = run_study(RECIPE, harmed)
        assert any(name in line for line in again.mended)
        _same(study, again)
        assert verify_study(harmed).whole


@pytest.mark.parametrize("damage", DAMAGES)
def test_trials_that_were_changed_are_run_again(study, tmp_path, damage):
    name = random.Random(damage).choice(_stored(study.folder / "trials")).relative_to(study.folder)
    harmed = shutil.copytree(study.folder, tmp_path / "out")
    (harmed / ".finished").unlink()
    _harm(harmed, name, damage)
    assert not verify_study(harmed).whole
    again = run_study(RECIPE, harmed)
    _same(study, again)
    assert any(name.parent.name in line for line in again.mended)
    assert verify_study(harmed).whole


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_prepared_and_was_changed_is_made_again(study, cache, tmp_path, monkeypatch, damage):
    harmed = shutil.copytree(cache, tmp_path / "cache")
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(harmed))
    for kind in ("signals", "features"):
        name = random.Random(damage).choice(_stored(harmed / kind)).relative_to(harmed)
        _harm(harmed, name, damage)
    _same(study, run_study(RECIPE, tmp_path / "out"))


def test_entries_and_batches_in_each_others_places_are_found(study, cache, tmp_path, monkeypatch):
    harmed = shutil.copytree(cache, tmp_path / "cache")
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(harmed))
    one, other = sorted((harmed / "signals").iterdir())
    _exchange(one, other)
    folder = shutil.copytree(study.folder, tmp_path / "out")
    (folder / ".finished").unlink()
    one, other, *_ = sorted(folder.glob("trials/*/*"))
    _exchange(one, other)
    again = run_study(RECIPE, folder)
    _same(study, again)
    assert len(again.mended) == 2


def _exchange(one, other):
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


@pytest.mark.parametrize("place", ["trials", "weights"])
def test_a_file_in_the_place_of_a_folder_is_named(study, tmp_path, place):
    harmed = shutil.copytree(study.folder, tmp_path / "out")
    shutil.rmtree(harmed / place)
    (harmed / place).write_text("x")
    (harmed / ".finished").unlink()
    with pytest.raises(BiotransferError, match=f"a file where a folder belongs. Type: rm {harmed / place}"):
        run_study(RECIPE, harmed)
    (harmed / place).unlink()
    _same(study, run_study(RECIPE, harmed))


@pytest.mark.parametrize("depth", [1, 2])
def test_a_file_in_the_place_of_what_is_made_again_is_removed(study, cache, tmp_path, monkeypatch, depth):
    harmed = shutil.copytree(cache, tmp_path / "cache")
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(harmed))
    folder = shutil.copytree(study.folder, tmp_path / "out")
    (folder / ".finished").unlink()
    for place in (harmed, folder / "trials"):
        for path in sorted(place.glob("/".join("*" * depth))):
            if path.is_dir():
                shutil.rmtree(path)
                path.write_text("x")
    _same(study, run_study(RECIPE, folder))


def test_verdicts_that_do_not_follow_from_the_curves_are_named(study, tmp_path, capsys):
    """Also where somebody wrote the checksums anew."""
    folder = shutil.copytree(study.folder, tmp_path / "out")
    rows = json.loads((folder / "verdicts.json").read_text())
    claim = next(row for row in rows if row["verdict"])
    claim["verdict"], claim["difference"] = "positive", claim["difference"] + 0.1
    (folder / "verdicts.json").write_text(json.dumps(rows))
    old = read_contents(folder, of="study")
    list_contents(folder, old.files, of="study", facts=old.facts)
    found = verify_study(folder)
    assert not found.damaged
    assert [line.split(": ")[1].split()[0] for line in found.differing] == ["difference", "verdict"]
    assert main(["verify", str(folder)]) == 1
    assert "verdict is 'positive', the curves give" in capsys.readouterr().out
    assert main(["verify", str(study.folder)]) == 0
    assert "is whole" in capsys.readouterr().out


def test_a_batch_that_is_lost_is_named_and_trials_may_be_left_away(study, tmp_path):
    folder = shutil.copytree(study.folder, tmp_path / "out")
    shutil.rmtree(next(folder.glob("trials/*/*")))
    assert "is missing" in verify_study(folder).damaged[0]
    shutil.rmtree(folder / "trials")
    assert verify_study(folder).whole
    assert run_study(RECIPE, folder).unchanged


def test_what_the_study_did_not_write_is_told_and_not_read(study, tmp_path):
    folder = shutil.copytree(study.folder, tmp_path / "out")
    pd.DataFrame({"a": [1]}).to_parquet(folder / "scores.parquet")
    found = verify_study(folder)
    assert found.whole
    assert [line.partition(":")[0] for line in found.unlisted] == ["scores.parquet"]
    assert "scores" not in load_results(folder).extras


@pytest.mark.slow
def test_a_page_that_was_changed_is_named_and_written_again(study, tmp_path, capsys):
    folder, recipe = shutil.copytree(study.folder, tmp_path / "out"), tmp_path / "stored.yaml"
    recipe.write_text(yaml.safe_dump(RECIPE))
    again = ["run", str(recipe), "--out", str(folder), "--workers", "1"]
    assert main(again) == 0
    page = folder / "report.html"
    whole = page.read_bytes()
    assert main(["verify", str(folder)]) == 0
    page.write_bytes(whole[:-100])
    assert main(["verify", str(folder)]) == 1
    assert f"biotransfer report {folder}" in capsys.readouterr().out
    assert main(again) == 0
    assert len(page.read_bytes()) > len(whole) - 100
    assert verify_study(folder).whole
