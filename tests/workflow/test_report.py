"""The report in a real browser: every table and figure is listed and opens, without an error on the console."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, sync_playwright

from align.figures import FIGURES
from align.tables import TABLES

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TABLE_TITLES = {entry.title for entry in TABLES.values() if "ratings" not in entry.reads}
PAGES = [f"tiny_scenes {protocol} china" for protocol in ("single_source", "leave_one_domain_out")]
WITH_PAGES = {"Training curves", "Case studies"}
FIGURE_TITLES = {entry.title for entry in FIGURES.values() if "ratings" not in entry.reads}
FIGURE_ROWS = FIGURE_TITLES - WITH_PAGES | {f"{title} {page}" for title in WITH_PAGES for page in PAGES}


@pytest.fixture(scope="module")
def messages():
    """The errors on the console, filled while the page is used."""
    return []


@pytest.fixture(scope="module")
def page(tiny_results: Path, messages: list[str]):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        page.on("console", lambda message: messages.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("request", lambda request: messages.append(request.url) if request.url.startswith("http") else None)
        page.goto((tiny_results / "results/tiny/report.html").absolute().as_uri())
        yield page
        browser.close()


def entries(page: Page, category: str):
    """Open a category; return its rows by what is written in them."""
    page.reload()
    page.locator("li a", has_text=category).last.click()
    rows = page.locator("tbody tr")
    rows.first.wait_for()
    return {" ".join(row.inner_text().split()): row for row in rows.all()}


def open_figure(page: Page, row: Locator) -> Locator:
    """Open a row's figure; return its image, loaded."""
    row.locator("a").first.click()
    image = page.locator("div.p-3 > img")
    image.wait_for()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    return image


def test_first_page_says_what_it_is(page):
    assert page.get_by_role("heading", name="ALIGN, reproduced").is_visible()
    assert page.get_by_text("publishes the names of three").is_visible()


def test_every_table_opens(page):
    rows = entries(page, "Tables")
    assert rows.keys() == TABLE_TITLES
    for row in rows.values():
        row.locator("a").first.click()
        frame = page.frame_locator("iframe")
        frame.locator("table").first.wait_for()
        assert frame.locator("tbody tr").count() > 1


def test_the_verdict_opens(page):
    ((name, row),) = entries(page, "Verdict").items()
    assert name == "Claims"
    row.locator("a").first.click()
    table = page.frame_locator("iframe").locator("table", has_text="Claim")
    table.first.wait_for()
    assert table.locator("tbody tr").count() > 1


def test_every_figure_opens(page):
    rows = entries(page, "Figures")
    assert rows.keys() == FIGURE_ROWS
    assert len({open_figure(page, row).get_attribute("src") for row in rows.values()}) == len(FIGURE_ROWS)


def test_every_item_has_a_description(page):
    name_and_caption = "result => [result.labels.table ?? result.labels.figure, result.caption]"
    captions = page.evaluate(f"Object.fromEntries(Object.values(results).map({name_and_caption}))")
    assert captions.keys() == TABLE_TITLES | FIGURE_TITLES | {"Claims"}
    assert [name for name, caption in captions.items() if len(caption) < 150] == []


def test_top_of_a_tall_figure_can_be_reached(page):
    image = open_figure(page, entries(page, "Figures")["Case studies tiny_scenes single_source china"])
    box = image.bounding_box()
    assert box["height"] > 900
    assert box["y"] >= 0


def test_console_stays_silent_and_nothing_is_fetched(page, messages):
    assert page.title()
    assert messages == []
