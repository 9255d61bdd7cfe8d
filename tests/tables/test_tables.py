"""Tables: means and spreads worked out by hand, bold cells, the paper's numbers, and the printed forms."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.configuration.assumptions import declared_in
from align.configuration.schema import Configuration
from align.figures import FIGURES
from align.metrics.printing import mean_and_spread, number_text
from align.registry import load, module_of
from align.results.summary import averages, seed_summary
from align.tables import TABLES
from align.tables.assumptions import assumptions, defaults
from align.tables.captions import caption
from align.tables.data import DatasetCounts, data
from align.tables.explanation_quality import explanation_quality
from align.tables.in_distribution import in_distribution
from align.tables.leave_one_domain_out import leave_one_domain_out
from align.tables.main_results import main_results
from align.tables.out_of_distribution import out_of_distribution
from align.tables.printing import TRUE_MASKS, Block, Cell, html_page, latex, markdown
from align.tables.published import DOUBT_ABOUT_AUC, READINGS_OF_AUC
from align.tables.runs import runs
from align.tables.writing import write_table

REFERENCE = Path(__file__).parents[2] / "reference"
PUBLISHED = pd.DataFrame(
    [
        ("VLCS", "in-distribution", "ERM", "VOC2007", "VOC2007", "accuracy", 85.35),
        ("VLCS", "out-of-distribution", "ERM", "VOC2007", None, "accuracy", 11.11),
        ("VLCS", "out-of-distribution", "ERM", "VOC2007", "LabelMe", "accuracy", 22.22),
    ],
    columns=["dataset", "setting", "method", "source_domain", "target_domain", "metric", "value"],
)


def metrics(*rows, dataset="vlcs"):
    """Rows of method, source, target, seed, metric, value as ``results/metrics.csv`` has them."""
    frame = pd.DataFrame(rows, columns=["method", "source_domain", "target_domain", "seed", "metric", "value"])
    where = frame["source_domain"].eq(frame["target_domain"]).map({True: "in", False: "out"})
    return frame.assign(study="comparison", dataset=dataset, protocol="single_source", distribution=where, n=10)


def texts(block):
    return [[cell.text for cell in row] for row in block.rows]


def bold(block):
    return [[cell.best for cell in row] for row in block.rows]


def test_averages_leave_out_a_seed_that_lacks_a_domain():
    values = pd.DataFrame(
        [("erm", 0, "a", 0.2), ("erm", 0, "b", 0.4), ("erm", 1, "a", 1.0), ("sgt", 0, "a", 0.0), ("sgt", 0, "b", 0.6)],
        columns=["method", "seed", "domain", "value"],
    ).assign(metric="auc")
    found = averages(values, "domain")
    assert list(found["method"]) == ["erm", "sgt"]
    assert list(found["seed"]) == [0, 0]
    assert list(found["value"]) == pytest.approx([0.3, 0.3])
    assert set(found["domain"]) == {"average"}


def test_spread_is_that_of_a_sample_and_unknown_for_one_seed():
    values = pd.DataFrame(
        [("erm", 0, 1.0), ("erm", 1, 3.0), ("erm", 2, 5.0), ("sgt", 0, 7.0)], columns=["method", "seed", "value"]
    )
    erm, sgt = seed_summary(values).itertuples(index=False)
    assert tuple(erm) == ("erm", 3.0, 2.0, 3)
    assert (sgt.mean, sgt.seeds) == (7.0, 1)
    assert sgt.standard_deviation != sgt.standard_deviation


def test_printed_numbers():
    assert mean_and_spread("accuracy", 0.9663, 0.0123) == "96.6 ± 1.2"
    assert mean_and_spread("iou", 0.25, 0.0049) == "0.250 ± 0.005"
    assert mean_and_spread("iou", 0.25, float("nan")) == "0.250"
    assert number_text("ce_gap_bound", 123456.0) == "1.23e+05"


def test_in_distribution_beside_the_paper():
    rows = [
        ("erm", "VOC2007", "VOC2007", 0, "accuracy", 0.80),
        ("erm", "VOC2007", "VOC2007", 1, "accuracy", 0.90),
        ("erm", "SUN09", "SUN09", 0, "accuracy", 0.60),
        ("erm", "SUN09", "SUN09", 1, "accuracy", 0.60),
        ("align", "VOC2007", "VOC2007", 0, "accuracy", 0.84),
        ("align", "VOC2007", "VOC2007", 1, "accuracy", 0.84),
        ("align", "SUN09", "SUN09", 0, "accuracy", 0.70),
        ("align", "SUN09", "SUN09", 1, "accuracy", 0.70),
        ("align", "VOC2007", "SUN09", 0, "accuracy", 0.01),  # out of distribution: not here
    ]
    table = in_distribution(metrics(*rows), PUBLISHED)
    (block,) = table.blocks
    assert block.header == ["Method", "VOC2007", "SUN09", "average"]
    assert texts(block) == [
        ["ERM", "85.0 ± 7.1", "60.0 ± 0.0", "72.5 ± 3.5"],
        ["ALIGN", "84.0 ± 0.0", "70.0 ± 0.0", "77.0 ± 0.0"],
        ["ERM, paper", "85.35", "", ""],
    ]
    assert bold(block) == [[False] * 4] * 3  # two seeds tell nothing apart
    assert block.note == "Mean ± standard deviation over 2 seeds."
    voc = table.data.set_index(["method", "domain"]).loc[("erm", "VOC2007")]
    assert (voc["mean"], voc["seeds"], voc["published"]) == pytest.approx((0.85, 2, 0.8535))


def test_the_paper_s_auc_stands_beside_both_readings_with_a_doubt():
    measured = [
        ("align", "VOC2007", "VOC2007", 0, metric, 0.5) for metric in ("accuracy", "auc", "insertion_auc", "deletion_auc")
    ]
    accuracy, roc, insertion = in_distribution(metrics(*measured), pd.read_csv(REFERENCE / "align_paper.csv")).blocks
    assert [block.title.split(": ")[1] for block in (accuracy, roc, insertion)] == ["Accuracy, %", "ROC AUC, %", "Insertion AUC"]
    assert texts(roc) == [["ALIGN", "50.0", "50.0"], ["ALIGN, paper", "82.18", ""]]
    assert texts(insertion) == [["ALIGN", "0.500", "0.500"], ["ALIGN, paper", "0.8218", ""]]
    doubted = [DOUBT_ABOUT_AUC in block.note for block in (accuracy, roc, insertion)]
    assert doubted == [False, True, True]


def test_the_two_readings_of_the_paper_s_auc_are_one_number():
    paper = pd.read_csv(REFERENCE / "align_paper.csv")
    places = ["dataset", "setting", "method", "source_domain", "target_domain"]
    roc, insertion = (paper[paper["metric"] == metric].set_index(places)["value"] for metric in READINGS_OF_AUC)
    assert len(roc) == 8
    pd.testing.assert_series_equal(roc / 100, insertion)


def test_in_distribution_of_another_data_set_has_no_paper():
    table = in_distribution(metrics(("erm", "VOC2007", "VOC2007", 0, "accuracy", 0.8), dataset="vlcs_subset"), PUBLISHED)
    assert texts(table.blocks[0]) == [["ERM", "80.0", "80.0"]]
    assert table.data["published"].isna().all()
    assert table.blocks[0].note == "One seed: no spread is known."


def test_several_data_sets_have_a_block_each():
    both = pd.concat([metrics(("erm", "a", "a", 0, "auc", 0.5), dataset=name) for name in ("one", "two")])
    assert [block.title for block in in_distribution(both, PUBLISHED).blocks] == [
        "one · single source: ROC AUC, %",
        "two · single source: ROC AUC, %",
    ]


def test_out_of_distribution_averages_targets_then_sources():
    rows = [
        (method, source, target, 0, "accuracy", value)
        for method, values in {"erm": (0.1, 0.3, 0.5, 0.7), "align-lambda1=0.5": (0.2, 0.4, 0.4, 0.4)}.items()
        for (source, target), value in zip((("a", "b"), ("a", "c"), ("b", "a"), ("b", "c")), values)
    ]
    averaged, from_a, _ = out_of_distribution(metrics(*rows), PUBLISHED).blocks
    assert averaged.header == ["Method", "a →", "b →", "average"]
    assert texts(averaged) == [["ERM", "20.0", "60.0", "40.0"], ["ALIGN (lambda1=0.5)", "30.0", "40.0", "35.0"]]
    assert from_a.header == ["Method", "→ b", "→ c", "average"]
    assert texts(from_a) == [["ERM", "10.0", "30.0", "20.0"], ["ALIGN (lambda1=0.5)", "20.0", "40.0", "30.0"]]


def test_controls_stand_below_the_comparison_and_a_run_of_both_studies_once():
    compared, control = (
        metrics(*((method, "a", target, 0, "accuracy", value) for target, value in (("a", 0.8), ("b", high))))
        for method, high in (("erm", 0.4), ("align-masker=centre", 0.6))
    )
    both = [control.assign(study="controls"), compared, compared.assign(study="controls")]
    given = pd.concat([*both, control.assign(study="masker_ablation")])
    shown = [["ERM", "80.0", "40.0"], ["ALIGN, centred masks", "80.0", "60.0"]]
    assert texts(main_results(given).blocks[0]) == shown
    assert texts(in_distribution(given, PUBLISHED).blocks[0]) == [[name, inside, inside] for name, inside, _ in shown]
    assert texts(out_of_distribution(given, PUBLISHED).blocks[0]) == [[name, outside, outside] for name, _, outside in shown]


def test_pairs_that_the_paper_shows_are_marked_and_its_numbers_stand_where_they_belong():
    rows = [("erm", source, target, 0, "accuracy", 0.5) for source, target in (("VOC2007", "LabelMe"), ("VOC2007", "SUN09"))]
    _, voc = out_of_distribution(metrics(*rows), PUBLISHED).blocks
    assert voc.header == ["Method", "→ LabelMe *", "→ SUN09 *", "average"]
    assert texts(voc) == [["ERM", "50.0", "50.0", "50.0"], ["ERM, paper", "22.22", "", ""]]
    assert "* The paper shows this pair. It gives 11.11 (ERM) as its best setting, without saying which target." in voc.note
    _, other = out_of_distribution(metrics(("erm", "SUN09", "VOC2007", 0, "accuracy", 0.5)), PUBLISHED).blocks
    assert other.header == ["Method", "→ VOC2007", "average"]
    assert "paper" not in other.note
    _, elsewhere = out_of_distribution(metrics(*rows, dataset="mine"), PUBLISHED).blocks
    assert elsewhere.header == ["Method", "→ LabelMe", "→ SUN09", "average"]
    assert len(elsewhere.rows) == 1


GENERALISATION = pd.DataFrame(
    [
        ("VLCS", "ERM", "SUN09", "accuracy", 73.4),
        ("VLCS", "ERM", "VOC2007", "accuracy", 74.6),
        ("VLCS", "ERM", "average", "accuracy", 77.5),
        ("VLCS", "DRE", "SUN09", "accuracy", 78.4),
        ("VLCS", "ERM", "average", "insertion_auc", 0.819),
    ],
    columns=["dataset", "method", "target_domain", "metric", "value"],
)


def leaving_out(*rows, dataset="vlcs"):
    """Rows of method, the domain that is left out, target, seed, metric, value."""
    frame = metrics(*rows, dataset=dataset).assign(protocol="leave_one_domain_out")
    return frame.assign(source_domain="all but " + frame["source_domain"], distribution=frame["distribution"].map({"in": "out"}))


def test_leave_one_domain_out_beside_published_numbers():
    rows = [
        ("erm", "VOC2007", "VOC2007", 0, "accuracy", 0.70),
        ("erm", "VOC2007", "VOC2007", 1, "accuracy", 0.80),
        ("erm", "VOC2007", "SUN09", 0, "accuracy", 0.99),  # it was trained on
        ("erm", "VOC2007", "tested_only", 0, "accuracy", 0.98),  # never trained on, and not what is left out here
        ("erm", "SUN09", "SUN09", 0, "accuracy", 0.60),
        ("erm", "SUN09", "SUN09", 1, "accuracy", 0.60),
        ("group_dro", "VOC2007", "VOC2007", 0, "accuracy", 0.72),
        ("group_dro", "SUN09", "SUN09", 0, "accuracy", 0.62),
    ]
    single = metrics(("erm", "SUN09", "VOC2007", 0, "accuracy", 0.1))
    table = leave_one_domain_out(pd.concat([leaving_out(*rows), single]), GENERALISATION)
    (block,) = table.blocks
    assert block.title == "vlcs · leave one domain out: Accuracy, %"
    assert block.header == ["Method", "VOC2007", "SUN09", "average"]
    assert texts(block) == [
        ["ERM", "75.0 ± 7.1", "60.0 ± 0.0", "67.5 ± 3.5"],
        ["GroupDRO", "72.0", "62.0", "67.0"],
        ["ERM, published", "74.6", "73.4", "77.5"],
    ]
    assert "from another experiment: ResNet-50" in block.note
    assert table.data.set_index(["method", "left_out"])["published"]["erm", "SUN09"] == pytest.approx(0.734)


def test_a_published_average_over_other_domains_is_not_shown():
    (block,) = leave_one_domain_out(leaving_out(("erm", "SUN09", "SUN09", 0, "accuracy", 0.6)), GENERALISATION).blocks
    assert texts(block)[1] == ["ERM, published", "73.4", ""]
    (elsewhere,) = leave_one_domain_out(leaving_out(("erm", "SUN09", "SUN09", 0, "auc", 0.6), dataset="x"), GENERALISATION).blocks
    assert (texts(elsewhere), elsewhere.note) == ([["ERM", "60.0", "60.0"]], "One seed: no spread is known.")


def test_published_insertion_aucs_are_no_percentages():
    rows = [("erm", domain, domain, 0, "insertion_auc", 0.5) for domain in ("SUN09", "VOC2007")]
    (block,) = leave_one_domain_out(leaving_out(*rows), GENERALISATION).blocks
    assert block.title.endswith("Insertion AUC")
    assert texts(block) == [["ERM", "0.500", "0.500", "0.500"], ["ERM, published", "", "", "0.819"]]


def test_nobody_left_a_domain_out():
    table = leave_one_domain_out(metrics(("erm", "a", "a", 0, "auc", 0.5)), GENERALISATION)
    assert (len(table.data), list(table.blocks)) == (0, [])


def test_a_single_domain_has_nothing_out_of_distribution():
    table = out_of_distribution(metrics(("erm", "a", "a", 0, "auc", 0.5)), PUBLISHED)
    assert table.data.empty
    assert markdown(table.blocks) == "Nothing of this kind was measured.\n"


def test_explanation_quality_knows_directions_and_who_learns_a_mask():
    rows = [
        ("erm", "a", "a", 0, "sufficiency", 0.2),
        ("align", "a", "a", 0, "sufficiency", 0.1),
        ("erm", "a", "b", 0, "sufficiency", 0.3),
        ("erm", "a", "c", 0, "sufficiency", 0.5),
        ("align", "a", "b", 0, "sufficiency", 0.4),
        ("align", "a", "c", 0, "sufficiency", 0.6),
        ("erm", "a", "a", 0, "ground_truth_area", 0.11),
        ("align", "a", "a", 0, "ground_truth_area", 0.11),
        ("align", "a", "a", 0, "learned_mask_area", 0.2),
        ("align", "a", "a", 0, "learned_mask_iou", 0.5),
    ]
    inside, mask, outside = explanation_quality(metrics(*rows)).blocks
    assert inside.title == "vlcs · single source, in distribution: faithfulness of saliency maps"
    assert texts(inside) == [["ERM", "0.200"], ["ALIGN", "0.100"]]
    assert mask.header == ["Method", "IoU ↑", "Area", "Ground truth: area"]
    assert texts(mask) == [["ALIGN", "0.500", "0.200", "0.110"]]
    assert texts(outside) == [["ERM", "0.400"], ["ALIGN", "0.500"]]


@pytest.fixture
def configuration():
    return Configuration(
        datasets={"photographs": {"root": "photographs", "image_size": 64}},
        experiments={"first": {"dataset": "photographs"}},
        methods={"align": {"lambda3": 0.25}},
    )


def test_assumptions_are_every_declared_field_with_the_value_in_use(configuration):
    rows = {row.setting: row for row in declared_in(configuration)}
    assert rows["datasets.photographs.image_size"].value == "64"
    assert rows["datasets.photographs.image_size"].default == "224"
    assert rows["methods.align.lambda3"].value == "0.25"
    assert rows["augmentation.crop_scale"].value == "0.7, 1"
    assert "device" not in rows  # not a choice that the paper leaves open
    assert all(row.because and row.what for row in rows.values())


def test_a_reason_is_only_given_for_the_default(configuration):
    (block,) = assumptions(list(declared_in(configuration))).blocks
    reasons = {row[0].text: row[3].text for row in block.rows}
    assert reasons["augmentation.flip"] == "DomainBed's and DRE's"
    assert reasons["datasets.photographs.image_size"] == "set in the configuration; default 224: DomainBed's and DRE's"


ACCOUNT = {
    "settings": {"dataset": "vlcs", "protocol": "single_source", "domain": "SUN09", "method": "align", "seed": "1"},
    "selected_epoch": 7,
    "selected_phase": "warm_up",
    "validation_accuracy": 0.5,
    "wall_seconds": 12.34,
    "images_per_second": 99.6,
    "peak_memory_bytes": 2**30,
    "device": "CPU, AMD EPYC",
    "precision": "float32",
    "failures": [{"name": "mask collapse", "epoch": 9, "detail": "…"}],
    "versions": {"python": "3.11.7", "torch": "2.15.0"},
}


def test_runs_show_failures():
    table = runs([ACCOUNT, ACCOUNT | {"failures": []}])
    failed, fine = texts(table.blocks[0])
    run, account = ["SUN09", "ALIGN", "1", "7", "warm up", "50.0", "12.3"], ["100", "1024", "CPU, AMD EPYC", "float32"]
    assert failed == [*run, *account, "mask collapse from epoch 9"]
    assert fine[-1] == "none"
    assert list(table.data["peak_memory_bytes"]) == [2**30, 2**30]
    assert table.blocks[0].note == ""


def test_runs_say_where_versions_are_mixed():
    upgraded = ACCOUNT | {"versions": {"python": "3.11.7", "torch": "2.16.0", "transformers": "5.0"}}
    elsewhere = upgraded | {"settings": ACCOUNT["settings"] | {"dataset": "terra_incognita"}}
    table = runs([upgraded, ACCOUNT, elsewhere])
    mixed, alike = table.blocks
    assert "several versions of libraries (torch 2.15.0, 2.16.0), which" in mixed.note
    assert "snakemake --forcerun train_run" in mixed.note
    assert alike.note == ""  # beside this run there is none of another version
    assert list(table.data["torch"]) == ["2.16.0", "2.15.0", "2.16.0"]


def test_runs_say_where_precisions_are_mixed():
    def on_another_processor(dataset="vlcs"):
        settings = ACCOUNT["settings"] | {"dataset": dataset, "seed": "2"}
        return ACCOUNT | {"settings": settings, "device": "CPU, AMD EPYC 9V74", "precision": "bfloat16"}

    table = runs([ACCOUNT, on_another_processor(), ACCOUNT, on_another_processor("terra_incognita")])
    mixed, alike = table.blocks
    assert "trained in several precisions (1 in bfloat16, 2 in float32), because auto depends on the device" in mixed.note
    assert "training.precision" in mixed.note
    assert alike.note == ""  # the one run there is alone
    assert list(table.data["precision"]) == ["float32", "bfloat16", "float32", "bfloat16"]
    assert table.data["device"][1] == "CPU, AMD EPYC 9V74"


BLOCK = Block("A & B", ["Method", "IoU ↑"], [[Cell("x_1"), Cell("0.5 ± 0.1", best=True)], [Cell("a|b"), Cell("<5%")]], "Note.")


def test_markdown():
    assert markdown([BLOCK]) == (
        "### A & B\n\n| Method | IoU ↑ |\n| --- | --- |\n| x_1 | **0.5 ± 0.1** |\n| a\\|b | <5% |\n\nNote.\n"
    )


def test_latex():
    lines = latex([BLOCK]).splitlines()
    assert lines[1] == r"\caption{A \& B. Note.}"
    assert lines[4] == r"Method & IoU $\uparrow$ \\"
    assert lines[6] == r"x\_1 & \textbf{0.5 $\pm$ 0.1} \\"
    assert lines[7] == r"a|b & $<$5\% \\"


def test_html():
    page = html_page([BLOCK])
    assert "<h3>A &amp; B</h3>" in page
    assert '<th scope="col"><button type="button">IoU\N{NO-BREAK SPACE}↑</button></th>' in page
    cell = "<strong>0.5\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.1</strong>"
    assert f'<tr><th scope="row">x_1</th><td data-sort="0.5">{cell}</td></tr>' in page
    assert "<td>&lt;5%</td>" in page


def test_rows_with_true_masks_stand_apart():
    block = BLOCK._replace(apart=[[Cell("true"), Cell("1.000")]])
    assert markdown([block]).splitlines()[-3] == "| true | 1.000 |"
    assert latex([block]).splitlines()[8:10] == [r"\midrule", r"true & 1.000 \\"]
    page = html_page([block])
    assert '</tbody>\n<tbody class="apart">\n<tr><th scope="row">true</th>' in page
    assert f"<p>Note. {TRUE_MASKS}</p>" in page
    assert TRUE_MASKS not in html_page([BLOCK])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("95.8 ± 4.6", "95.8"),
        ("-7", "-7"),
        ("+0.1", "0.1"),
        ("1,500", "1500"),
        ("1.23e+05", "1.23e+05"),
        ("–", None),
        ("3x", None),
    ],
)
def test_columns_of_numbers_are_sorted_as_numbers(text, value):
    page = html_page([Block("", ["", ""], [[Cell("x"), Cell(text)]])])
    assert re.findall(r'data-sort="([^"]*)"', page) == ([] if value is None else [value])


def test_latex_of_the_assumptions_needs_no_special_fonts(configuration):
    assert latex(assumptions(list(declared_in(configuration))).blocks).isascii()


class _Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "td" or (tag == "th" and ("scope", "row") in attrs):
            self.found.append("")

    def handle_data(self, data):
        if self.found:
            self.found[-1] += data.strip("\n")


@given(st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"])), min_size=1, max_size=4))
def test_any_text_stays_in_its_cell(words):
    block = Block("", [""] * len(words), [[Cell(word) for word in words]])
    row = markdown([block]).splitlines()[-1]
    assert len(re.split(r"(?<!\\)\|", row)) == len(words) + 2
    cells = _Cells()
    cells.feed(html_page([block]).split("<tbody>")[1].split("</tbody>")[0])
    assert cells.found == words
    header = markdown([block._replace(header=words)]).splitlines()[2]
    assert len(re.split(r"(?<!\\)\|", header)) == len(words) + 2


def test_files_of_a_table(tmp_path):
    table = in_distribution(metrics(("erm", "a", "a", 0, "auc", 0.123456789)), PUBLISHED)
    paths = {kind: tmp_path / f"table.{kind}" for kind in ("csv", "md", "tex", "html")}
    write_table(table, **paths)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.csv", "table.html", "table.md", "table.tex"]
    assert pd.read_csv(paths["csv"])["mean"].tolist() == [0.123457, 0.123457]
    assert "12.3" in paths["md"].read_text()


def test_the_documented_assumptions_are_the_defaults_of_the_library() -> None:
    documented = (Path(__file__).parents[2] / "docs/assumptions.md").read_text()
    rows = markdown(defaults().blocks).splitlines()[2:]
    assert len(rows) > 40
    assert [row for row in rows if row not in documented] == []


def test_data_sets_with_splits_published_numbers_and_what_was_left_out():
    def counted(domains, published, acquisition):
        rows = [(domain, split) for domain, parts in domains.items() for split, n in parts.items() for _ in range(n)]
        counts = [(domain, "x", sum(parts.values()), published.get(domain)) for domain, parts in domains.items()]
        return DatasetCounts(
            pd.DataFrame(rows, columns=["domain", "split"]).assign(path=[str(n) for n in range(len(rows))]),
            pd.DataFrame(counts, columns=["domain", "class", "images", "published"]),
            pd.DataFrame(columns=["place", "kind", "number", "example"]),
            pd.DataFrame(columns=["path", "copy_of", "copy", "domain", "other_domain"]),
            acquisition,
        )

    whole = counted({"A": {"train": 1200, "validation": 400, "test": 400}, "B": {"test": 5}}, {"A": 2000, "B": 5}, {})
    partial = counted({"A": {"train": 3, "test": 1}, "B": {"train": 2}}, {"A": 5, "B": 2}, {"left_out": {"not_an_image": 1500}})
    own = counted({"A": {"train": 1}}, {}, {})
    table = data({"VLCS": whole, "vlcs_half": partial, "mine": own})
    first, second, third = table.blocks
    assert texts(first) == [
        ["A", "2,000", "1,200", "400", "400", "2,000", "0"],
        ["B", "5", "0", "0", "5", "5", "0"],
        ["all domains", "2,005", "1,200", "400", "405", "2,005", "0"],
    ]
    assert first.note == "Fewer than 20 test images, so means over them say little: B 5."
    assert texts(second)[-1] == ["all domains", "6", "5", "0", "1", "7", "-1"]
    assert second.note == (
        "Warning: not the published data set; numbers of images differ, and the configuration allows it. "
        "Fewer than 20 test images, so means over them say little: A 1. "
        "Left out, not an image: 1,500."
    )
    gone = pd.DataFrame([("A", "x", 1, 1), ("B", "x", 0, 7)], columns=["domain", "class", "images", "published"])
    (block,) = data({"VLCS": own._replace(counts=gone)}).blocks
    assert texts(block)[1:] == [["B", "0", "0", "0", "0", "7", "-7"], ["all domains", "1", "1", "0", "0", "8", "-7"]]
    assert texts(third) == [["A", "1", "1", "0", "0", "", ""], ["all domains", "1", "1", "0", "0", "", ""]]
    assert third.note == ""
    assert table.data.query("dataset == 'vlcs_half' and domain == 'A'")["difference"].item() == -1


def test_what_is_passed_over_and_copies_are_counted():
    paths = ["a/x/1", "a/x/2", "a/x/3", "b/x/1", "b/y/1"]
    mine = DatasetCounts(
        pd.DataFrame({"path": paths, "domain": list("aaabb"), "split": ["train", "train", "test", "test", "test"]}),
        pd.DataFrame([("a", "x", 3, None), ("b", "x", 2, None)], columns=["domain", "class", "images", "published"]),
        pd.DataFrame(
            [
                ("a/x", ".txt file", 2, "notes.txt"),
                ("b/x", ".txt file", 3, "more.txt"),
                (".", "image in no class folder", 1, "0.png"),
            ],
            columns=["place", "kind", "number", "example"],
        ),
        pd.DataFrame(
            [("b/x/1", "a/x/1", "exact", "b", "a"), ("a/x/3", "a/x/2", "near", "a", "a"), ("b/y/1", "b/x/1", "near", "b", "b")],
            columns=["path", "copy_of", "copy", "domain", "other_domain"],
        ),
        {},
    )
    counts, passed_over = data({"mine": mine}).blocks
    assert counts.note == (
        "Fewer than 20 test images, so means over them say little: a 1, b 2. "
        "1 images have the content of another image: 1 in another domain, 0 in another class, 1 in another split. "
        "2 images look nearly the same as another image: 0 in another domain, 1 in another class, 1 in another split."
    )
    assert texts(passed_over) == [[".txt file", "5", "2", "a/x: notes.txt"], ["image in no class folder", "1", "1", ".: 0.png"]]


def test_data_sets_with_ground_truth_have_a_block_on_it():
    def some(files, *examples):
        return {"files": files, "examples": list(examples)}

    entry = {
        "kind": "masks",
        "folder": "my_masks",
        "files": 5,
        "used": 3,
        "not_used": {"it shows no object": some(2, "A/x/1.png: found 0 (100.0%)")},
        "remarks": {"resized": some(1, "A/x/2.png")},
        "without_image": some(1, "A/x/unknown.png"),
        "other_files": some(0),
    }
    nothing = entry | {"files": 0, "used": 0, "not_used": {}, "remarks": {}}
    accounts = {
        "A": {"images": 1200, "images_with_mask": 3, "mean_area": 0.125, "entries": [entry]},
        "B": {"images": 1, "images_with_mask": 0, "mean_area": None, "entries": [nothing]},
    }
    counts = pd.DataFrame([("A", "x", 1, None), ("B", "x", 1, None)], columns=["domain", "class", "images", "published"])
    splits = pd.DataFrame([("1", "A", "train"), ("2", "B", "train")], columns=["path", "domain", "split"])
    nothing_else = (pd.DataFrame(columns=["kind"]), pd.DataFrame(columns=["copy"]), {})
    mine, other = DatasetCounts(splits, counts, *nothing_else, accounts), DatasetCounts(splits, counts, *nothing_else)
    table = data({"mine": mine, "other": other})
    assert [block.title for block in table.blocks] == ["mine", "mine: ground truth", "other"]
    assert texts(table.blocks[1]) == [["A", "1,200", "5", "3", "2", "3", "12.5"], ["B", "1", "0", "0", "0", "0", ""]]
    assert table.blocks[1].note == (
        "A, my_masks: 2 not used, because it shows no object; such as A/x/1.png: found 0 (100.0%). "
        "A, my_masks: 1 used, resized; such as A/x/2.png. "
        "my_masks: 1 files have no image's name; such as A/x/unknown.png."
    )
    row = table.data.query("dataset == 'mine' and domain == 'A'").iloc[0]
    assert (row["annotations"], row["annotations_used"], row["images_with_mask"], row["mean_area"]) == (5, 3, 3, 0.125)
    assert table.data.query("dataset == 'other'")["annotations"].isna().all()


@pytest.mark.parametrize(("folder", "registry"), [("tables", TABLES), ("figures", FIGURES)])
def test_every_table_and_figure_is_registered(folder, registry):
    files = (Path(__file__).parents[2] / "src/align" / folder).glob("*.py")
    with_caption = {path.stem for path in files if "\nCAPTION = " in path.read_text()}
    assert with_caption - {"verdict"} == set(registry)  # the verdict is no table of results/tables
    for name, entry in registry.items():
        assert module_of(entry.implementation) == f"align.{folder}.{name}"


def test_a_caption_is_read_without_importing_its_module():
    entries = [*TABLES.values(), *FIGURES.values()]
    assert [caption(entry.implementation) for entry in entries] == [
        load(entry.implementation.split(":")[0] + ":CAPTION") for entry in entries
    ]
    names = [entry.implementation for entry in entries]
    heavy = "sys.modules.keys() & {'pandas', 'matplotlib', 'torch'}"
    check = f"import sys; from align.tables.captions import caption; [*map(caption, {names})]; sys.exit(len({heavy}))"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0


def test_a_missing_caption_is_refused():
    with pytest.raises(ValueError, match=r"writing\.py: found no caption, expected a constant CAPTION"):
        caption("align.tables.writing:write_table")
