"""The results page of a whole run in a real browser: at two sizes, in light and dark, by mouse and by keyboard."""

import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")
QUIET = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
LARGEST = 15_000_000  # bytes
OPEN_ALL = "for (const part of document.querySelectorAll('details')) part.open = true"


@pytest.fixture(scope="module")
def address(tiny_results: Path) -> str:
    return (tiny_results / "results/tiny/index.html").absolute().as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Return a function that opens the page in a window. At the end, the console was silent and nothing was fetched."""
    pages, heard = [], []

    def opened(width=1440, scheme="light", address=address) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
        page.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
        page.goto(address)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert heard == []


@pytest.fixture
def page(open_page) -> Page:
    return open_page()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(open_page, width, scheme):
    page = open_page(width, scheme)
    page.evaluate(OPEN_ALL)
    found = Axe().run(page).response["violations"]
    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_first_screen_says_what_came_out(page):
    assert page.locator("h1").inner_text().endswith(".")
    numbers = [int(text.split()[0]) for text in page.locator(".counts li").all_inner_texts()]
    assert sum(numbers) > 20
    in_window = "element => element.getBoundingClientRect().bottom < innerHeight"
    assert page.locator(".counts").evaluate(in_window)
    assert page.locator(".first table tbody tr").count() > 1
    assert page.locator(".strip figure").count() > 1


def test_every_image_has_a_text(page):
    page.evaluate(OPEN_ALL)
    texts = page.evaluate("[...document.images].map(image => image.alt)")
    assert len(texts) > 20
    assert all(texts)


def test_every_header_has_a_scope(page):
    assert page.locator("table th").count() == page.locator("table th[scope]").count() > 10


@pytest.mark.parametrize("by_keyboard", [True, False])
def test_a_table_is_sorted_by_a_heading(page, by_keyboard):
    table = page.locator(".first table").first
    header = table.locator("thead th").nth(1)
    values = "table => [...table.tBodies[0].rows].map(row => Number(row.cells[1].dataset.sort))"
    for direction, is_reversed in (("descending", True), ("ascending", False)):
        if by_keyboard:
            header.locator("button").focus()
            page.keyboard.press("Enter")
        else:
            header.locator("button").click()
        table.locator(f"th[aria-sort={direction}]").wait_for()
        found = table.evaluate(values)
        assert found == sorted(found, reverse=is_reversed)


def test_headings_stay_where_a_table_scrolls(page):
    assert page.locator(".first thead th").first.evaluate("header => getComputedStyle(header).position") == "sticky"


def test_claims_that_are_not_tested_are_folded(page):
    folded = page.locator("#verdict details.folded")
    assert not folded.evaluate("details => details.open")
    folded.locator("> summary").click()
    assert folded.locator("li").count() > 5


def test_words_of_the_verdict_have_a_colour_and_a_text(page):
    words = page.locator(".verdict .word")
    plain = page.locator("body").evaluate("body => getComputedStyle(body).color")
    for word in words.all()[:5]:
        assert word.inner_text() in ("reproduced", "not reproduced", "inconclusive", "not tested")
        assert word.evaluate("word => getComputedStyle(word).color") != plain


def test_the_explorer_filters_and_compares(page):
    explorer = page.locator("#explorer")
    cards = explorer.locator(".cards > li")
    everything = cards.count()
    assert everything > 4
    assert explorer.locator(".found").inner_text() == f"{everything} of {everything} images"
    explorer.get_by_label("Target domain").select_option(index=1)
    assert 0 < cards.count() < everything
    explorer.get_by_label("Show").select_option("align")
    captions = cards.first.locator("figcaption").all_inner_texts()
    assert [text.split("\n")[0] for text in captions] == ["image", "true mask", "ALIGN", captions[3]]
    assert captions[3].startswith("ALIGN: mask, area")
    explorer.get_by_label("beside").select_option("erm")
    assert "ERM" in [text.split("\n")[0] for text in cards.first.locator("figcaption").all_inner_texts()]
    explorer.get_by_label("Target domain").select_option("")
    explorer.get_by_label("Predictions of").select_option("align")
    counted = []
    for judged, sign in (("right", "✓"), ("wrong", "✗")):
        explorer.locator("select[name=right]").select_option(judged)
        counted.append(cards.count())
        signs = cards.locator("figure", has=page.locator("b", has_text="ALIGN")).locator(".said").all_inner_texts()
        assert all(text.startswith(sign) for text in signs)
    assert sum(counted) == everything
    explorer.get_by_label("Data set and source").select_option(index=1)
    assert "all but" in explorer.get_by_label("Data set and source").locator("option:checked").inner_text()


def test_an_image_is_enlarged_and_closed_by_keyboard(page):
    page.locator("#explorer .cards button").first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#explorer dialog")
    assert dialog.locator("img").is_visible()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_probabilities_stand_beside_the_maps(page):
    bars = page.locator("#explorer .cards > li").first.locator(".bars").first
    values = [float(text) for text in bars.locator("span:nth-child(3n)").all_inner_texts()]
    assert values == sorted(values, reverse=True)
    assert 0 < sum(values) <= 1.01


def test_a_link_opens_its_table(open_page, address):
    page = open_page(address=f"{address}#table-runs")
    assert page.locator("#table-runs table").first.is_visible()
    assert not page.locator("#table-data table").first.is_visible()


def test_nothing_empty_is_shown(page):
    page.evaluate(OPEN_ALL)
    text = page.locator("main").inner_text()
    assert "Nothing of this kind" not in text
    assert "[, ]" not in text
    assert "nan" not in text.lower().split()


def test_the_page_is_small_and_listed(open_page, tiny_results):
    assert (tiny_results / "results/tiny/index.html").stat().st_size < LARGEST
    listed = open_page(address=(tiny_results / "results/index.html").absolute().as_uri())
    assert Axe().run(listed).violations_count == 0
    listed.get_by_role("link", name="tiny").click()
    assert listed.locator("#verdict").count() == 1
