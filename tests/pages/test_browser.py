"""The report in a real browser: what a reader sees first, and what can be pressed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from biotransfer.evidence.side_by_side import compare_studies
from biotransfer.pages.report import write_comparison, write_index, write_report
from biotransfer.results import save_results
from biotransfer.studies.running.listing import list_studies
from tests.factories import ARMS, make_results

playwright = pytest.importorskip("playwright.sync_api")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine: apt install chromium"),
]
LOCAL = ("file:", "data:", "blob:")
SIZES = {"desktop": (1280, 800), "phone": (390, 800)}
LONG = "source_whose_labels_were_permuted_once"
LEADING = {"question": "", "how": "", "mend": "", "accepted": "", "leads": True}
CUT = """() => {
  const out = (inner, outer) => inner.left < outer.left - 1 || inner.right > outer.right + 1
    || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
  const words = [...document.querySelectorAll("figure svg text")].filter((t) => t.textContent.trim());
  const box = (e) => e.getBoundingClientRect();
  const letters = words.filter((t) => out(box(t), box(t.ownerSVGElement)));
  const boxes = [...document.querySelectorAll("main *")].filter((e) => e.checkVisibility()
    && !e.closest(".scroll") && e.clientWidth && e.scrollWidth > e.clientWidth + 1);
  return [...letters, ...boxes].map((e) => e.textContent.trim().slice(0, 60));
}"""
ASIDE = """() => [...document.querySelectorAll(".scroll")]
  .filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth)
  .map((e) => [e.ariaLabel.slice(0, 60), e.tabIndex, getComputedStyle(e).backgroundImage])"""


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    results = make_results(published=True, arms=[*ARMS, LONG], labels={LONG: "shuffled_source"})
    hum = {"id": "C14", "name": "mains_carries_label", "severity": "warning", **LEADING,
           "message": "Mains hum tells the classes apart. EEG, tested on new people: 80 %.",
           "touches": [{"target": "eeg", "protocol": "subject", "source": ""}]}  # fmt: skip
    return write_report(replace(results, checks=[*results.checks, hum]), folder)


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> dict[str, Path]:
    """Pages of two studies side by side, and of the folder that holds them."""
    folder = tmp_path_factory.mktemp("several")
    first = make_results(arms=[*ARMS[:3], LONG], labels={LONG: "shuffled_source"}, n_epochs=2)
    second = replace(first, recipe={**first.recipe, "seeds": [9], "title": "Another"},
                     verdict_list=first.verdict_list[:-3])  # fmt: skip
    for name, results in (("one", first), ("two", second)):
        save_results(results, folder / name)
    return {
        "comparison": write_comparison(compare_studies(folder / "one", folder / "two"), folder / "c.html"),
        "index": write_index(list_studies(folder), folder),
    }


@pytest.fixture
def opened(chromium, request):
    """Return a function that opens a page; no network may be asked, nothing complained of."""
    heard: list[str] = []
    pages = []

    def open_at(size="desktop", scheme="light", which=None):
        width, height = SIZES[size]
        page = chromium.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
        )
        page.on("console", lambda m: heard.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on(
            "request",
            lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else heard.append(r.url),
        )
        shown = request.getfixturevalue("several")[which] if which else request.getfixturevalue("report")
        page.goto(shown.as_uri())
        pages.append(page)
        return page

    yield open_at
    for page in pages:
        page.close()
    assert not heard


@pytest.mark.parametrize("size", SIZES)
def test_the_verdict_is_on_the_first_screen(opened, size):
    page = opened(size)
    word = page.locator("#verdict .card .word").first
    box = word.bounding_box()
    assert box["y"] + box["height"] < 800
    assert word.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


@pytest.mark.parametrize("size", SIZES)
def test_no_text_is_cut(opened, size):
    page = opened(size)
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert not page.evaluate(CUT)
    labels = page.locator("#verdict .card").first.locator("svg text").all_text_contents()
    assert LONG.replace("_", " ") in " ".join(" ".join(labels).split())
    aside = page.evaluate(ASIDE)
    assert not aside or size == "phone"
    assert all(place == 0 and "gradient" in shade for _, place, shade in aside)


def test_a_leading_warning_stands_in_the_card_it_is_about(opened):
    page = opened()
    warned = page.locator("#verdict .lead")
    assert warned.count() == page.locator("#verdict .card .lead").count() == 1
    assert warned.inner_text().split("\n")[0].lower().startswith("warning mains hum tells the classes apart.")
    card = page.locator("#verdict .card").filter(has=page.locator(".lead"))
    assert card.get_attribute("aria-label") == "EMG \u2192 EEG, tested on new people"


def test_every_direction_has_its_picture_beside_the_verdict(opened):
    page = opened()
    cards = page.locator("#verdict .card")
    assert cards.count() == page.locator("#verdict .card figure svg").count() > 1


def test_a_table_is_sorted_and_filtered(opened):
    page = opened()
    table = page.locator("#comparisons table")
    head = table.locator("thead th")
    column = [text.strip() for text in head.all_inner_texts()].index("p")
    press = head.nth(column).get_by_role("button")
    for way in ("ascending", "descending"):
        press.click()
        assert head.nth(column).get_attribute("aria-sort") == way
        rows = table.locator("tbody tr").all()
        runs, run = [], []
        for row in rows:
            if "group" in (row.get_attribute("class") or ""):
                runs.append(run)
                run = []
            else:
                run.append(float(row.locator("th, td").nth(column).inner_text()))
        for values in [*runs, run]:
            assert values == sorted(values, reverse=way == "descending")
    page.locator("#comparisons input[type=search]").fill("permuted")
    shown = [row for row in table.locator("tbody tr:not(.group)").all() if row.is_visible()]
    assert shown
    assert all("permuted" in row.inner_text() for row in shown)


@pytest.mark.parametrize(("where", "kind", "starts"), [
    ("#comparisons .tools", "CSV", "group,arm"),
    ("#verdict figure", "CSV", "panel,series,x,y,value"),
    ("#verdict figure", "SVG", "<svg"),
    ("#verdict figure", "PNG", "\x89PNG"),
])  # fmt: skip
def test_what_is_shown_can_be_saved(opened, tmp_path, where, kind, starts):
    page = opened()
    with page.expect_download() as waited:
        page.locator(where).first.get_by_text(kind, exact=True).click()
    saved = tmp_path / waited.value.suggested_filename
    waited.value.save_as(saved)
    assert saved.suffix == f".{kind.lower()}"
    assert saved.read_bytes().decode("latin-1").startswith(starts)


def test_everything_can_be_reached_by_the_keyboard(opened):
    page = opened()
    wanted = page.evaluate(
        "[...document.querySelectorAll('a[href], button, input, summary, [tabindex=\"0\"]')]"
        ".filter((e) => e.checkVisibility()).length"
    )
    reached = set()
    for _ in range(wanted + 5):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(() => { const e = document.activeElement;"
                " return [...document.querySelectorAll('*')].indexOf(e); })()"
            )
        )
    assert len(reached - {-1}) >= wanted


def test_one_person_is_lit_through_all_figures(opened):
    page = opened()
    mark = page.locator("#people [data-is^='person:']").first
    name = mark.get_attribute("data-is")
    mark.scroll_into_view_if_needed()
    mark.dispatch_event("pointerover", {"bubbles": True})
    lit = page.locator(".marked")
    assert lit.count() == page.locator(f"[data-is='{name}']").count() > 1
    assert page.locator(".note-at-pointer").inner_text() == name.removeprefix("person:")


def test_print_loses_nothing(opened):
    page = opened()
    assert page.locator("details:not([open])").count()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert not page.locator("details:not([open])").count()
    assert not page.locator("nav").first.is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details:not([open])").count()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(opened, size, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(size, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    found = axe.Axe().run(page).response["violations"]
    assert not [(v["id"], v["nodes"][0]["html"][:200]) for v in found]


@pytest.mark.parametrize("which", ["comparison", "index"])
@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desktop", "light")])
def test_pages_of_several_studies_are_whole_and_axe_finds_nothing(opened, which, size, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(size, scheme, which)
    page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    assert not page.evaluate(CUT)
    assert size == "phone" or not page.evaluate(ASIDE)
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    found = axe.Axe().run(page).response["violations"]
    assert not [(v["id"], v["nodes"][0]["html"][:200]) for v in found]


def test_it_reads_without_its_script(chromium, report):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#verdict .card .word").first.is_visible()
    assert not page.get_by_text("Copy BibTeX").is_visible()
    context.close()
