"""What stands on the results page, and what does not."""

import re

import pandas as pd

from align.page.content import caption_html, figure_parts, page_content, strip, table_parts
from align.page.listing import write_list_of_results
from align.page.render import render_page
from align.tables.main_results import main_results
from align.tables.printing import Block, Cell, Table
from align.tables.writing import write_table
from align.verdict.answers import Answer

BEST = Answer(
    "best_in_distribution", "ALIGN is <best>", "a table", "by analogy", "digit_scenes", metric="accuracy", ours=0.9, low=0.8,
    high=1.0,
    other="erm", difference=0.1, difference_low=0.0, difference_high=0.2, p=0.04, corrected_p=0.08, seeds=3, verdict="reproduced",
    align_plus="inconclusive", sentence="It is.",
)  # fmt: skip
ELSEWHERE = Answer(
    "best_in_distribution", "ALIGN is best", "a table", "named", "VLCS", metric="accuracy", paper=86.91, remarks="No VLCS"
)
ACCOUNT = {
    "settings": {"dataset": "digit_scenes", "protocol": "single_source", "domain": "china", "method": "align", "seed": "0"},
    "wall_seconds": 1800.0,
    "device": "CPU, AMD EPYC",
    "precision": "float32",
    "versions": {"torch": "2.15.0"},
    "git_revision": None,
    "failures": [{"name": "mask collapse", "epoch": 3, "detail": "…"}],
}


def metrics():
    rows = [
        (method, "china", target, seed, name, value + seed / 100)
        for method, value in (("erm", 0.5), ("align", 0.6))
        for target in ("china", "flower")
        for name in ("accuracy", "sufficiency")
        for seed in range(3)
    ]
    frame = pd.DataFrame(rows, columns=["method", "source_domain", "target_domain", "seed", "metric", "value"])
    where = frame["source_domain"].eq(frame["target_domain"]).map({True: "in", False: "out"})
    return frame.assign(study="comparison", dataset="digit_scenes", protocol="single_source", distribution=where, n=10)


def written(folder, name, table):
    files = {kind: folder / f"{name}.{kind}" for kind in ("csv", "md", "tex", "html")}
    write_table(table, **files)
    return files["html"]


def page(tmp_path, **changes):
    tables = {
        "main_results": written(tmp_path, "main_results", main_results(metrics())),
        "theory": written(tmp_path, "theory", Table(pd.DataFrame(), [])),
        "runs": written(tmp_path, "runs", Table(pd.DataFrame(), [Block("All runs", ["Method"], [[Cell("ERM")]])])),
    }
    content = {
        "name": "config", "answers": [BEST, ELSEWHERE], "accounts": [ACCOUNT], "tables": tables, "figures": {}, "explorers": [],
        "left_out": {"digit_scenes": {"align-masker=sam": "no checkpoint"}}, "shown": {"evenly": 12, "disagreements": 4},
    }  # fmt: skip
    return render_page(**page_content(**(content | changes)))


def test_main_results_are_accuracy_in_and_out_and_explanations():
    (block,) = main_results(metrics()).blocks
    assert block.header == ["Method", "Accuracy ↑, % (in)", "Accuracy ↑, % (out)", "Sufficiency ↓ (in)"]
    assert [cell.text for cell in block.rows[1]] == ["ALIGN", "61.0 ± 1.0", "61.0 ± 1.0", "0.610 ± 0.010"]
    assert [[cell.best for cell in row] for row in block.rows] == [[False, False, False, True], [False, True, True, False]]


def test_empty_tables_and_figures_are_left_out(tmp_path):
    empty, full = (
        written(tmp_path, name, Table(pd.DataFrame(), blocks))
        for name, blocks in (("a", []), ("b", [Block("B", ["x"], [[Cell("1")]])]))
    )
    assert [part.anchor for part in table_parts({"theory": empty, "runs": full})] == ["table-runs"]
    for name, rows in (("sensitivity", 0), ("costs", 1)):
        (tmp_path / f"{name}.svg").write_text("<svg/>")
        pd.DataFrame({"value": [1.0] * rows}).to_csv(tmp_path / f"{name}.csv", index=False)
    figures = {name: tmp_path / f"{name}.svg" for name in ("sensitivity", "costs")}
    assert [part.anchor for part in figure_parts(figures)] == ["figure-costs"]


def test_a_figure_with_pages_names_its_page(tmp_path):
    (tmp_path / "stripes.svg").write_text("<svg/>")
    pd.DataFrame({"value": [1.0]}).to_csv(tmp_path / "stripes.csv", index=False)
    name = "training_curves/digit_scenes/leave_one_domain_out/stripes"
    (part,) = figure_parts({name: tmp_path / "stripes.svg"})
    assert part.title == "Training curves: digit scenes · leave one domain out · all but stripes"
    assert "Training on all but stripes of digit scenes." in part.caption


def test_a_caption_becomes_html():
    assert caption_html("*In* it:\n\n- one\n- two\n").split() == [
        "<p><em>In</em>",
        "it:</p>",
        "<ul",
        'class="simple">',
        *["<li><p>one</p></li>", "<li><p>two</p></li>", "</ul>"],
    ]


def test_the_first_screen_warns(tmp_path):
    text = page(tmp_path)
    warnings = re.search(r'<aside class="warnings".*?</aside>', text, re.DOTALL)[0]
    assert "1 of 1 runs failed" in warnings
    assert "mask collapse from epoch 3" in warnings
    assert "Left out on digit scenes: m-SAM; no checkpoint." in warnings
    assert "fewer than 3 seeds" not in warnings
    assert "fewer than 3 seeds" in page(tmp_path, answers=[BEST._replace(seeds=2)])


def test_without_anything_to_warn_of_there_is_no_box(tmp_path):
    assert '<aside class="warnings"' not in page(tmp_path, accounts=[ACCOUNT | {"failures": []}], left_out={})


def test_claims_that_are_not_tested_are_folded(tmp_path):
    text = page(tmp_path)
    assert "<summary>1 claim is not tested:" in text
    assert '<th scope="col">Paper</th>' not in text
    assert text.index("digit scenes: by analogy") < text.index("VLCS: where the paper makes the claim")


def test_a_claim_has_its_word_our_value_and_the_difference(tmp_path):
    (row,) = re.findall(r"<tr><td><span.*?</tr>", page(tmp_path), re.DOTALL)
    assert re.findall(r"<td[^>]*>(?:<span[^>]*>)?([^<]*)", row) == [
        "reproduced", "90.0 [80.0, 100.0]", "+10.0 to ERM [0.0, 20.0], p = 0.040", "3", "inconclusive",
    ]  # fmt: skip
    assert "<summary>It is.</summary>" in row


def test_texts_are_escaped(tmp_path):
    text = page(tmp_path)
    assert "ALIGN is &lt;best&gt;" in text
    assert "ALIGN is <best>" not in text


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_undefined(tmp_path):
    text = page(tmp_path)
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)
    assert not re.search(r"\bnan\b|\[, \]|Nothing of this kind", text)


def test_all_results_are_listed_with_their_headline(tmp_path):
    for name in ("tiny", "config"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(f'<h1 id="headline">{name} &amp; more</h1>', encoding="utf-8")
    (tmp_path / "logs").mkdir()
    write_list_of_results(tmp_path)
    assert re.findall(r"<li>(.*?)</li>", (tmp_path / "index.html").read_text()) == [
        '<a href="config/index.html">config</a>: config &amp; more',
        '<a href="tiny/index.html">tiny</a>: tiny &amp; more',
    ]


def test_the_first_screen_shows_an_image_of_each_domain_by_models_that_can_be_compared():
    images = [{"target": target, "path": path} for target, path in (("a", "a/0"), ("a", "a/1"), ("b", "b/0"))]
    without_align = {"methods": {"erm": "ERM", "irm": "IRM"}, "images": images[::-1], "classes": ["cat"]}
    with_both = {"methods": {"align": "ALIGN", "erm": "ERM"}, "images": images, "classes": ["dog"]}
    assert strip([without_align, with_both]) == {"images": [images[0], images[2]], "classes": ["dog"]}
    assert strip([without_align]) == {"images": [], "classes": []}
