"""A whole study in a real browser, with made-up answers: prepared, answered by keyboard, collected, and put into the results."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from conftest import REPOSITORY, fails, succeeds
from playwright.sync_api import sync_playwright

from align.rating.answers import order_of, read_key

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian: apt-get install chromium)")
PAGE = (REPOSITORY / "docs/rating.md").read_text()
IMAGES = 8
LOCAL = ("file:", "data:", "blob:")
OVERALL = {"align": 4, "erm": 2, "sgt": 3, "dre": 2, "true mask": 5, "random mask": 1}


def rate(folder, *arguments):
    program = [str(Path(sys.executable).with_name("align")), "rate", *map(str, arguments)]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def study(tiny_results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "masks"
    printed = re.search(r"^align rate prepare results/tiny study (.*)$", PAGE, re.MULTILINE)
    done = rate(tiny_results, "prepare", "results/tiny", folder, *printed[1].split(), "--trial")
    assert done.returncode == 0, done.stderr
    assert "8 images with the masks of ERM, SGT, DRE, ALIGN." in done.stdout
    return folder


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def answered(study, browser):
    """Return the study with the files of three raters, who clicked or typed through the page."""
    key = read_key(study)
    for rater in (1, 2, 3):
        context = browser.new_context(accept_downloads=True, viewport={"width": 390, "height": 844})
        heard: list[str] = []
        page = opened(context, study, heard)
        begin(page, rater)
        for position, (item, _) in enumerate(order_of(key, rater)):
            if position == 5:  # closed and opened again
                page.close()
                page = opened(context, study, heard)
                page.get_by_role("button", name=f"Go on as rater {rater}: 5 answered").click()
            assert page.locator("#place").inner_text() == f"Mask {position + 1} of {len(key.orders[0])}"
            answer(page, OVERALL[key.items[item].method], by_keyboard=rater != 3)
        with page.expect_download() as download:
            page.get_by_role("button", name="Save the answers").click()
        assert download.value.suggested_filename == f"trial-rater-{rater}.json"
        download.value.save_as(study / "answers" / download.value.suggested_filename)
        context.close()
        assert heard == []
    return study


def opened(context, study, heard):
    """Return the page in a new tab. What the console and the network say is added to ``heard``."""
    page = context.new_page()
    page.on("console", lambda message: heard.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda asked: heard.append(asked.url) if not asked.url.startswith(LOCAL) else None)
    page.goto((study / "index.html").as_uri())
    return page


def begin(page, rater):
    page.get_by_label("Your number").fill(str(rater))
    page.get_by_role("button", name="Begin").click()


def answer(page, overall, by_keyboard):
    values = (overall, 6 - overall, overall)
    if by_keyboard:
        for value in values:
            page.keyboard.press(str(value))
        page.keyboard.press("Enter")
    else:
        for field, value in zip(page.locator("fieldset").all(), values):
            field.get_by_text(str(value), exact=True).click()
        page.get_by_role("button", name="Next").click()


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_sticks_out(study, browser, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce")
    page.goto((study / "index.html").as_uri())
    for step in range(2):
        if step:
            begin(page, 1)
            page.keyboard.press("3")
        found = Axe().run(page).response["violations"]
        assert [(violation["id"], violation["nodes"][0]["html"]) for violation in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.close()


def test_the_page_does_not_name_a_method(study):
    text = (study / "index.html").read_text().lower()
    assert "align_" not in text
    assert not any(f'"{name}"' in text for name in OVERALL)
    assert "trial" in text


def test_one_can_go_back_and_change_an_answer(study, browser):
    page = browser.new_page()
    page.goto((study / "index.html").as_uri())
    begin(page, 2)
    answer(page, 4, by_keyboard=True)
    page.get_by_role("button", name="Back").click()
    assert page.locator("fieldset").first.locator(":checked").input_value() == "4"
    page.locator("fieldset").first.get_by_text("1", exact=True).click()
    page.keyboard.press("Enter")
    kept = page.evaluate("JSON.parse(Object.values(localStorage)[0])")
    assert [kept["answers"][0][name] for name in ("coverage", "background", "overall")] == [1, 2, 4]
    assert len(kept["answers"]) == 1
    page.close()


def test_nothing_goes_on_before_all_is_answered(study, browser):
    page = browser.new_page()
    page.goto((study / "index.html").as_uri())
    begin(page, 1)
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    assert page.locator("#place").inner_text().startswith("Mask 1 ")
    assert page.get_by_role("button", name="Next").is_disabled()
    page.close()


def test_what_was_answered_is_collected(answered):
    done = rate(answered, "collect", answered)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("The answers are made up: this is a trial of the study, and no person rated anything.")
    assert "3 raters count, of 3." in done.stdout
    assert "overall 1.00" in done.stdout  # all raters agree
    ratings = pd.read_csv(answered / "ratings.csv")
    rated = ratings[ratings["kind"] == "rated"]
    assert rated.groupby("method")["overall"].mean().to_dict() == {name: OVERALL[name] for name in ("align", "dre", "erm", "sgt")}
    assert len(rated) == 3 * 4 * IMAGES
    assert ratings["seconds"].ge(0).all()


def test_a_second_study_does_not_overwrite_one_with_answers(answered, tiny_results):
    done = rate(tiny_results, "prepare", "results/tiny", answered)
    assert done.returncode == 1
    assert "found a study with answers, expected a new folder, so that none is lost" in done.stderr


def test_bad_arguments(tiny_results, tmp_path):
    for arguments, said in (
        (["results/none", tmp_path], "found no configuration.yaml, expected the results of a configuration"),
        (["results/tiny", tmp_path / "a", "--method", "algn"], "unknown method 'algn': did you mean 'align'?"),
        (["results/tiny", tmp_path / "a", "--source", "chin"], "unknown source 'chin': did you mean 'china'?"),
    ):
        done = rate(tiny_results, "prepare", *arguments)
        assert done.returncode == 1
        assert said in done.stderr.replace("\n", " ")
    assert not (tmp_path / "a").exists()


class TestResults:
    """The study is part of the results: a table, a figure, the claim, and the results page."""

    @pytest.fixture
    def configured(self, finished: Path, answered: Path) -> Path:
        shutil.copytree(answered, finished / "study")
        content = yaml.safe_load((finished / "config/tiny.yaml").read_text()) | {"ratings": "study"}
        (finished / "config/tiny.yaml").write_text(yaml.safe_dump(content))
        return finished

    def test_a_trial_stands_on_the_page_as_made_up_and_decides_nothing(self, configured):
        succeeds(configured, "results/tiny/index.html", "--configfile", "config/tiny.yaml")
        page = (configured / "results/tiny/index.html").read_text()
        assert 'id="table-human_ratings"' in page
        assert 'id="figure-rated_masks"' in page
        assert "no person rated anything" in page
        verdict = pd.read_csv(configured / "results/tiny/verdict.csv").set_index("claim")
        assert verdict.loc["people_prefer_learned_masks", "verdict"] == "not tested"
        table = pd.read_csv(configured / "results/tiny/tables/human_ratings.csv").set_index(["method", "question"])
        assert table.loc[("align", "overall"), "value"] == OVERALL["align"]

    def test_ratings_of_people_are_judged_and_those_of_other_models_refused(self, configured):
        key = json.loads((configured / "study/key.json").read_text()) | {"trial": False}
        (configured / "study/key.json").write_text(json.dumps(key))
        assert "trial-rater-1.json: found answers to study" in fails(
            configured, "results/tiny/ratings.csv", "--configfile", "config/tiny.yaml"
        )
        key["checkpoints"]["align"] = "0" * 64
        (configured / "study/key.json").write_text(json.dumps(key))
        said = fails(configured, "results/tiny/ratings.csv", "--configfile", "config/tiny.yaml")
        assert "found ratings of masks by align that these results do not have" in " ".join(said.split())
