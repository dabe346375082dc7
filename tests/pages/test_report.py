"""The report says what the Results say, in one file that needs nothing else."""

from __future__ import annotations

import copy
import os
import pickle
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.evidence.checks import mappings_without_meaning
from biotransfer.evidence.reading import direction_label, outcome_label
from biotransfer.evidence.stats import mixed
from biotransfer.pages.report import methods_text, write_methods, write_report
from biotransfer.pages.report import text as write
from biotransfer.pages.report.page import render
from biotransfer.results import LEDGER, PREDICTIONS, SOURCES, Direction, Results, load_results, save_results
from tests.factories import ARMS, DIRECTIONS, make_results

SAID_OF_SIMULATED = (
    "(simulated data)",
    "Nothing here says anything about real",
    "All signals were simulated",
)
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Elements, names, references, text and tables of a page; refuses tags that do not close."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.tables: list[list[list[str]]] = []
        self.captions: list[str] = []
        self.sections: dict[str, str] = {}
        self._section, self.text, self.code = "", "", ""
        self.feed(html)
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self._section = dict(attrs)["id"]
        if tag == "table":
            self.tables.append([])
            self.captions.append("")
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        if tag == "section":
            self._section = ""

    def handle_data(self, data):
        if "style" in self.open or "script" in self.open:
            self.code += data
            return
        self.text += data
        self.sections[self._section] = self.sections.get(self._section, "") + data
        if "caption" in self.open:
            self.captions[-1] += data
        elif "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data

    def table(self, start: str, nth: int = 0) -> list[list[str]]:
        """Rows of the n-th table whose caption starts so, without its head."""
        found = [t for t, c in zip(self.tables, self.captions, strict=True) if c.startswith(start)]
        return found[nth][1:]


@pytest.fixture(scope="module")
def results() -> Results:
    return make_results(published=True)


@pytest.fixture(scope="module")
def html(results: Results) -> str:
    return render(results)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def tiny(**changes) -> Results:
    options = {"directions": ["emg->eeg"], "arms": ["scratch", "transferred"], "protocols": ["subject"],
               "n_subjects": 3, "n_seeds": 1, "n_epochs": 2}  # fmt: skip
    return without_pictures(make_results(**{**options, **changes}))


def without_pictures(results: Results) -> Results:
    data = {m: {**f, "excerpts": {}, "psd": {}, "notes": [], "history": []} for m, f in results.data.items()}
    return replace(results, data=data)


def test_one_file_needs_no_other(html, page):
    assert html.startswith("<!DOCTYPE html>")
    assert not {"link", "img", "iframe", "object", "embed"} & {tag for tag, _ in page.tags}
    assert not [attributes for tag, attributes in page.tags if tag == "script" and "src" in attributes]
    for tag, attributes in page.tags:
        for name, value in attributes.items():
            outside = re.match(r"\s*(https?:)?//", value or "")
            assert not outside or (tag == "a" and name == "href"), (tag, name, value)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    assert "@import" not in style
    assert "url(" not in style
    assert not re.findall(r"url\((?!#)", html)


def test_names_are_unique_and_references_resolve(page):
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    for _, attributes in page.tags:
        target = attributes.get("href") or ""
        if target.startswith("#"):
            assert target[1:] in names, target
        for used in re.findall(r"url\(#([^)]+)\)", " ".join(v or "" for v in attributes.values())):
            assert used in names, used


def test_verdict_comes_first(page):
    order = [a["id"] for tag, a in page.tags if tag == "section"]
    before = ["verdict", "findings", "comparisons", "arms", "published", "curves", "people", "gains",
              "confusion", "carried", "sources"]  # fmt: skip
    after = ["data", "methods", "provenance", "cite", "glossary"]
    assert order[: len(before)] == before
    assert order[-len(after) :] == after
    assert {"otherwise", "levels"} <= set(order[len(before) : -len(after)])


@pytest.mark.parametrize("installed", [True, False])
def test_a_mixed_model_that_is_not_fitted_is_said(monkeypatch, installed):
    if not installed:
        monkeypatch.setattr(mixed, "find_spec", lambda name: None)
    study = make_results(directions=["emg->eeg"], arms=["scratch", "transferred"], protocols=["subject"],
                         n_subjects=6, n_seeds=2, n_epochs=2)  # fmt: skip
    page = Page(render(without_pictures(study)))
    said = "pip install 'biotransfer[evidence]'" in page.sections["otherwise"]
    head, row = next(t for t in page.tables if "mixed model" in t[0])
    assert head[1:3] == ["mixed model", "its p"]
    assert said is not installed
    assert (row[1:3] == ["–", "–"]) is not installed


def test_headline_is_the_stored_sentence(results, page):
    honest = [
        v["sentence"]
        for v in results.verdict_list
        if v["arm"] == "transferred" and v["protocol"] == "subject"
    ]
    assert len(honest) == 2
    for sentence in honest:
        assert sentence in page.sections["verdict"]
    assert "This split leaks" in page.sections["verdict"]


def test_comparisons_equal_the_verdicts(results, page):
    rows = [row for row in page.table("Every comparison") if len(row) > 1]
    assert len(rows) == len(results.verdict_list) == 28
    for row, v in zip(rows, results.verdict_list, strict=True):
        assert row[0] == v["arm"].replace("_", " ")
        assert float(row[2].replace("−", "-")) == pytest.approx(100 * v["difference"], abs=0.05001)
        ends = [float(end.replace("−", "-")) for end in row[3].split(" to ")]
        assert ends == pytest.approx([100 * v["ci_low"], 100 * v["ci_high"]], abs=0.05001)
        assert row[4] == f"{v['p']:.3g}"
        assert row[5] == ("–" if v["p_holm"] is None else f"{v['p_holm']:.3g}")
        assert row[6:8] == ["5", "3"]
        assert row[9] == outcome_label(v)


def test_arm_tables_equal_the_curves(results, page):
    table = results.curves
    kept = table[
        (table["direction"] == "eeg->emg") & (table["protocol"] == "shuffled_windows")
        & (table["metric"] == "balanced_accuracy") & (table["split_part"] == "test")
    ]  # fmt: skip
    rows = {row[0]: row for row in page.table("shuffled windows", 1)}
    assert set(rows) == {arm.replace("_", " ") for arm in ARMS}
    for arm in ARMS:
        mine = kept[kept["arm"] == arm]

        def level(epochs, mine=mine):
            people = [mine[(mine["subject"] == s) & mine["epoch"].isin(epochs)] for s in set(mine["subject"])]
            return f"{100 * np.mean([p['value'].mean() for p in people]):.1f} %"

        shown = rows[arm.replace("_", " ")]
        assert shown[1:4] == [level([0]), level([1]), level([4, 5, 6])]


def test_other_points_of_the_curve_are_compared(results, page):
    table = results.curves
    kept = table[
        (table["direction"] == "emg->eeg") & (table["protocol"] == "subject") & (table["epoch"] == 1)
        & (table["metric"] == "balanced_accuracy") & (table["split_part"] == "test")
    ]  # fmt: skip
    people = kept.groupby(["subject", "arm"])["value"].mean().unstack("arm")
    rows = page.table("Gains over scratch at other points")
    start = rows.index(["After epoch 1, new people"])
    assert rows[start + 1][0] == "transferred"
    gain = 100 * (people["transferred"] - people["scratch"]).mean()
    assert float(rows[start + 1][2].replace("−", "-")) == pytest.approx(gain, abs=0.05001)
    assert not any("last epochs" in row[0] for row in rows)


def test_published_numbers_stand_beside_ours(results, page):
    final, start = page.table("The paper's own numbers")
    assert final[5] == "62.4 %"
    assert re.fullmatch(r"\d+\.\d %", final[6])
    assert re.fullmatch(r"\d+\.\d → \d+\.\d %", start[6])
    chance = float(start[6].split(" → ")[0])
    assert abs(chance - 100 / 3) < 2


def test_every_arm_and_direction_appears(page):
    for arm in ARMS:
        assert arm.replace("_", " ") in page.sections["arms"]
        assert arm.replace("_", " ") in page.sections["curves"]
        assert arm.replace("_", " ") in page.sections["carried"]
    for direction in DIRECTIONS:
        label = direction_label(Direction.read(direction))
        for section in ("verdict", "comparisons", "arms", "curves", "people", "gains", "confusion", "carried",
                        "sources"):  # fmt: skip
            assert label in page.sections[section], (label, section)


def test_findings_say_how_to_mend(results, page):
    text = page.sections["findings"]
    places = [text.index(c["message"]) for c in results.checks]
    assert places == sorted(places)
    assert "Use split: {by: subject}." in text


def test_pictures_can_be_read_without_seeing_them(page):
    pictures = [a for tag, a in page.tags if tag == "svg"]
    assert len(pictures) == 4 + 2 * 6 + 2 * 2
    titles = [a["id"] for tag, a in page.tags if tag == "title" and "id" in a]
    assert [a["aria-labelledby"] for a in pictures] == titles


def test_what_others_wrote_is_escaped():
    bad = "<script>alert('x')</script>"
    odd = tiny(title=bad, eeg_classes=[f"{bad}1", "b&b", "c"], arms=["scratch", f"arm {bad}"])
    checks = [{**odd.checks[0], "message": bad, "mend": bad}]
    odd = replace(odd, checks=checks, recipe={**odd.recipe, "question": bad, "source": bad})
    page, usual = (Page(render(study)) for study in (odd, tiny(arms=["scratch", "transferred"])))
    scripts = [[a for tag, a in one.tags if tag == "script"] for one in (page, usual)]
    assert {str(a) for a in scripts[0]} == {str(a) for a in scripts[1]}
    assert bad not in page.code
    assert bad in page.sections["findings"]


def test_links_go_to_the_web_only():
    assert str(write.linked('javascript:alert(1) "><b>')).count("<a") == 0
    link = str(write.linked("see (doi:10.1000/a_(b)), https://x.org/?a=1&b=2."))
    assert '<a href="https://doi.org/10.1000/a_(b)">' in link
    assert '<a href="https://x.org/?a=1&amp;b=2">' in link
    assert link.endswith("</a>.")


def test_simulated_data_are_named_in_the_title():
    page = Page(render(tiny(simulated=True)))
    for said in SAID_OF_SIMULATED:
        assert said in page.text


def test_real_data_are_not_called_simulated(page):
    for said in SAID_OF_SIMULATED:
        assert said not in page.text


def test_methods_name_what_was_used(results, page):
    text = methods_text(results)
    for package, version in results.provenance["versions"].items():
        assert f"{package} {version}" in text
    for facts in results.data.values():
        assert facts["dataset"] in text
        assert facts["citation"] in text
        assert facts["preprocessing_text"] in text
    facts = ("3.12.3", "f00dfeed12345678", "0123456789ab", "3 seeds", "Adam", "hidden 64-32", "ACCESS",
             "Holm", "sign-flip", "0.0625", "within 2 points", "480 trainings", "statistical")  # fmt: skip
    for expected in facts:
        assert expected in text, expected
    plain = " ".join(page.sections["methods"].split())
    for paragraph in re.findall(r"^\*\*.*$", text, re.MULTILINE):
        assert " ".join(paragraph.replace("*", "").split()) in plain


def test_methods_references_are_cited_and_listed(results):
    text = methods_text(results)
    body, listed = text.split("## References")
    cited = {int(n) for part in re.findall(r"\[([^\]]*)\]", body) for n in re.findall(r"\b\d+\b", part)}
    numbers = [int(n) for n in re.findall(r"^(\d+)\. ", listed, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert cited == set(numbers)
    dois = re.findall(r"10\.\d{4,}/\S+|arXiv:\S+", listed)
    assert len(dois) == len(set(dois))


def test_methods_name_every_feature_set_once(results):
    which = ["HTD", {"name": "AR", "order": 2}]
    sets = [{"name": "band_power", "bands": {"low": [1, 8]}}, {"name": "emg_family", "which": which}]
    text = " ".join(methods_text(replace(results, recipe={**results.recipe, "features": sets})).split())
    assert "by the feature sets band_power (" in text
    assert "bands low 1-8) and emg_family (" in text
    assert "which HTD + AR (order 2))" in text
    assert text.count("316 for EEG") == 1


def test_methods_know_what_was_not_done(results):
    recipe = copy.deepcopy(results.recipe)
    recipe.update(
        features=None, split=[{"by": "subject"}], arms=[{"name": "scratch"}, {"name": "transferred"}]
    )
    recipe["train"]["weight_decay"] = 0.01
    data = {m: {**facts, "features": None} for m, facts in results.data.items()}
    rows = [{**row, "controls": []} for row in results.verdict_list if row["arm"] == "transferred"]
    text = methods_text(replace(results, recipe=recipe, data=data, verdict_list=rows))
    assert "AdamW" in text
    assert "feature set" not in text
    assert "near copies" not in text
    assert "permuted" not in text


def test_methods_say_where_columns_do_not_mean_the_same(results):
    ranked = {**results.recipe, "align": {"name": "top_k", "k": 8, "score": "anova"}}
    text = " ".join(methods_text(replace(results, recipe=ranked)).split())
    for mapping in mappings_without_meaning(replace(results, recipe=ranked)):
        assert mapping in text
    assert "a null result may measure the mapping" in text
    same = {**results.recipe, "align": {"name": "matched"}}
    assert "may measure the mapping" not in " ".join(methods_text(replace(results, recipe=same)).split())


def test_methods_say_how_training_ended_and_what_was_done_to_windows(results):
    assert "no early stopping" in methods_text(results)
    recipe = copy.deepcopy(results.recipe)
    recipe["train"] |= {"patience": 3, "augment": {"name": "ft_surrogate"}, "precision": "mixed"}
    text = methods_text(replace(results, recipe=recipe))
    assert "no early stopping" not in text
    for said in ("3 epochs without a lower loss", "phases are randomised", "1806.08675", "bfloat16"):
        assert said in text


def test_a_saved_study_gives_the_same_report(tmp_path):
    results = tiny()
    save_results(results, tmp_path)
    path = write_report(load_results(tmp_path), tmp_path)
    assert path == tmp_path / "report.html"
    assert path.read_bytes() == write_report(results, tmp_path / "again" / "report.html").read_bytes()
    assert write_methods(results, tmp_path).read_text(encoding="utf-8") == methods_text(results)


def test_parts_made_elsewhere_in_any_order_give_the_same_page(tmp_path):
    results = tiny()
    save_results(results, tmp_path)

    def backwards(function, shared, arguments):
        return [function(pickle.loads(pickle.dumps(shared)), *given) for given in reversed(arguments)]

    whole = write_report(results, tmp_path / "whole.html").read_bytes()
    spread = write_report(results, tmp_path / "spread.html", folder=tmp_path, spread=backwards)
    assert spread.read_bytes() == whole
    with pytest.raises(BiotransferError, match="Give both"):
        write_report(results, tmp_path / "spread.html", spread=backwards)


@pytest.mark.slow
def test_a_large_study_stays_small():
    large = make_results(
        networks=["mlp", "cnn_image"], n_subjects=6, n_epochs=20, n_seeds=1,
        emg_classes=[f"gesture_{i}" for i in range(10)],
    )  # fmt: skip
    assert len(render(large).encode()) < 5e6


def test_nothing_half_written_stays(html, results, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("before", encoding="utf-8")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("biotransfer.pages.report.page.render", lambda *_: html)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(BiotransferError, match="No space left"):
        write_report(results, path)
    assert path.read_text(encoding="utf-8") == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_cannot_be_made_is_named(results, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(BiotransferError, match="cannot be made"):
        write_methods(results, tmp_path / "file" / "sub" / "methods.md")


def without_tables(results: Results) -> Results:
    return replace(
        results,
        predictions=pd.DataFrame(columns=PREDICTIONS),
        ledger=pd.DataFrame(columns=LEDGER),
        sources=pd.DataFrame(columns=SOURCES),
        checks=[],
    )


def without_intervals(results: Results) -> Results:
    gone = {"ci_low": None, "ci_high": None, "p": None, "p_holm": None, "detectable_difference": None}
    return replace(results, verdict_list=[{**v, **gone} for v in results.verdict_list])


def without_facts(results: Results) -> Results:
    return replace(results, provenance={})


def same(results: Results) -> Results:
    return results


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ({"n_subjects": 1}, same),
        ({"arms": ["scratch"]}, same),
        ({"arms": ["scratch", "permuted"]}, same),
        ({"eeg_classes": ["a" * 60, "b" * 60, "c"], "title": "long " * 60}, same),
        ({}, without_tables),
        ({}, without_intervals),
        ({}, without_facts),
        ({"n_epochs": 1, "n_subjects": 2}, same),
    ],
    ids=["one person", "scratch only", "no transfer", "long names", "empty tables", "no intervals",
         "no provenance", "one epoch"],
)  # fmt: skip
def test_little_is_enough(options, change):
    page = Page(render(change(tiny(**options))))
    assert "EMG → EEG" in page.sections["curves"]
    for wrong in ("nan", "None", "NaN"):
        assert not re.search(rf"\b{wrong}\b", page.text), wrong
