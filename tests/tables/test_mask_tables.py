"""Tables and figure of the masker ablation and of mask quality: means by hand, the place of each value, and what is left out."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from align.figures.mask_degradation import degraded_accuracy, draw_mask_degradation
from align.figures.style import style
from align.methods.naming import method_title
from align.tables.mask_quality import mask_quality
from align.tables.masker_ablation import masker_ablation
from align.tables.printing import NOTHING, markdown
from align.tables.published import DOUBT_ABOUT_AUC

PUBLISHED = pd.DataFrame(
    [
        ("VLCS", "masker ablation", "m-Gray", "VOC2007", "VOC2007", "accuracy", 86.90),
        ("VLCS", "masker ablation", "m-SAM", "VOC2007", "VOC2007", "accuracy", 85.51),
        ("VLCS", "in-distribution", "ALIGN", "VOC2007", "VOC2007", "accuracy", 11.11),
    ],
    columns=["dataset", "setting", "method", "source_domain", "target_domain", "metric", "value"],
)
AS_IT_IS = {"mask": "ground_truth", "degradation": "none", "degree": 0.0}
MASKED = {
    "masked_erm": AS_IT_IS,
    "masked_erm-mask=none": AS_IT_IS | {"mask": "none"},
    "masked_erm-degradation=eroded-degree=0.1": AS_IT_IS | {"degradation": "eroded", "degree": 0.1},
    "masked_erm-degradation=eroded-degree=0.2": AS_IT_IS | {"degradation": "eroded", "degree": 0.2},
    "masked_erm-degradation=shifted-degree=0.1": AS_IT_IS | {"degradation": "shifted", "degree": 0.1},
}


def metrics(study, *rows):
    """Rows of method, source, target, seed, metric, value as ``results/metrics.csv`` has them."""
    frame = pd.DataFrame(rows, columns=["method", "source_domain", "target_domain", "seed", "metric", "value"])
    where = frame["source_domain"].eq(frame["target_domain"]).map({True: "in", False: "out"})
    return frame.assign(study=study, dataset="VLCS", protocol="single_source", distribution=where, n=10)


def everywhere(study, sources, **values):
    """Accuracies of each method in distribution and on the targets LabelMe and SUN09, for each source and two seeds."""
    rows = [
        (method, source, target, seed, "accuracy", accuracy + (-1) ** seed * 0.01)
        for method, accuracies in values.items()
        for source in sources
        for seed in (0, 1)
        for target, accuracy in zip((source, "LabelMe", "SUN09"), accuracies)
    ]
    return metrics(study, *rows)


def texts(block):
    return [[cell.text for cell in row] for row in [*block.rows, *block.apart]]


class TestMaskerAblation:
    def test_columns_are_in_and_out_of_distribution_beside_the_paper(self):
        other_study = everywhere("comparison", ["VOC2007"], sgt=(0.1, 0.1, 0.1))
        ablation = {"align": (0.9, 0.5, 0.7), "align-lambda3=0.0": (0.8, 0.4, 0.4), "align-masker=grey": (0.7, 0.3, 0.5)}
        given = pd.concat([everywhere("masker_ablation", ["VOC2007"], **ablation), other_study])
        (block,) = masker_ablation(given, PUBLISHED, {}).blocks
        assert block.title == "VLCS · single source: trained on VOC2007"
        assert block.header == ["Method", "Accuracy ↑, % (in)", "Accuracy ↑, % (out)"]
        assert texts(block) == [
            ["ALIGN", "90.0 ± 1.4", "60.0 ± 1.4"],
            ["w/o EG", "80.0 ± 1.4", "40.0 ± 1.4"],
            ["m-Gray", "70.0 ± 1.4", "40.0 ± 1.4"],
            ["m-Gray, paper", "86.90", ""],
        ]

    def test_columns_keep_their_order_whatever_that_of_the_metrics(self):
        rows = [
            ("align", "VOC2007", "VOC2007", 0, name, 0.5)
            for name in ("comprehensiveness", "insertion_auc", "iou", "auc", "sufficiency", "accuracy")
        ]
        (block,) = masker_ablation(metrics("masker_ablation", *rows), PUBLISHED, {}).blocks
        names = ["Method", "Accuracy", "ROC", "Insertion", "Sufficiency", "Comprehensiveness"]
        assert [name.split(" ")[0] for name in block.header] == names

    def test_the_paper_s_auc_stands_in_both_columns_with_a_doubt(self):
        rows = [("align-masker=sam", "VOC2007", "VOC2007", 0, name, 0.5) for name in ("accuracy", "auc", "insertion_auc")]
        paper = pd.read_csv(Path(__file__).parents[2] / "reference/align_paper.csv")
        (block,) = masker_ablation(metrics("masker_ablation", *rows), paper, {}).blocks
        assert texts(block)[1] == ["m-SAM, paper", "85.51", "80.32", "0.8032"]
        assert DOUBT_ABOUT_AUC in block.note

    def test_several_sources_have_an_average(self):
        given = everywhere("masker_ablation", ["VOC2007", "Caltech101"], align=(0.9, 0.5, 0.7))
        given.loc[given["source_domain"] == "Caltech101", "value"] -= 0.2
        blocks = masker_ablation(given, PUBLISHED, {}).blocks
        assert [block.title.split(": ")[1] for block in blocks] == [
            "trained on VOC2007",
            "trained on Caltech101",
            "average over source domains",
        ]
        assert texts(blocks[-1]) == [["ALIGN", "80.0 ± 1.4", "50.0 ± 1.4"]]

    def test_what_is_left_out_is_named_below_its_data_set(self):
        reasons = {"VLCS": {"align-masker=sam": "no checkpoint", "masked_erm-mask=sam": "none either"}, "other": {"align": "no"}}
        (block,) = masker_ablation(everywhere("masker_ablation", ["VOC2007"], align=(1, 1, 1)), PUBLISHED, reasons).blocks
        assert block.note.endswith(" Left out: m-SAM; no checkpoint.")


class TestMaskQuality:
    MEASURES = ("area", "iou", "energy_inside", "pointing_game", "pixel_average_precision")

    def masks(self, study, method, value, target="a"):
        rows = [(method, "a", target, 0, f"learned_mask_{name}", value) for name in self.MEASURES]
        return metrics(study, *rows, (method, "a", target, 0, "ground_truth_area", 0.25))

    def test_masks_of_every_masker_once(self):
        given = pd.concat(
            [
                self.masks("comparison", "align", 0.5),
                self.masks("masker_ablation", "align", 0.5),
                self.masks("masker_ablation", "align-masker=grey", 0.75),
                self.masks("masker_ablation", "align", 0.125, target="b"),
                self.masks("sensitivity", "align-lambda1=9.0", 0.9),
                self.masks("mask_quality", "masked_erm", 1.0),
                metrics("comparison", ("erm", "a", "a", 0, "ground_truth_area", 0.25)),  # it has no masks
            ]
        )
        inside, outside, blurred = mask_quality(given, MASKED, {}).blocks
        assert inside.header == [
            "Method",
            "Pointing game ↑ (in)",
            "Energy inside ↑ (in)",
            "IoU ↑ (in)",
            "Pixel average precision ↑ (in)",
            "Area (in)",
            "Ground truth: area (in)",
        ]
        assert texts(inside) == [
            ["ALIGN", *["0.500"] * 5, "0.250"],
            ["m-Gray", *["0.750"] * 5, "0.250"],
        ]
        assert texts(outside) == [["ALIGN", *["0.125"] * 5, "0.250"]]
        assert texts(blurred) == [["ERM on masked images", "1.000", "1.000"]]

    def test_masks_and_their_degradations_are_apart(self):
        given = everywhere("mask_quality", ["VOC2007"], **dict.fromkeys(MASKED, (0.9, 0.5, 0.7)))
        reasons = {"VLCS": {"masked_erm-mask=learned": "no teacher", "align-masker=sam": "no checkpoint"}}
        by_mask, worse = mask_quality(given, MASKED, reasons).blocks
        assert [row[0].text for row in by_mask.rows] == ["ERM on masked images (mask=none)"]
        assert [row[0].text for row in by_mask.apart] == ["ERM on masked images"]
        assert worse.rows == []
        assert texts(worse)[1] == ["ERM on masked images (degradation=eroded, degree=0.2)", "90.0 ± 1.4", "60.0 ± 1.4"]
        assert by_mask.note.endswith(" Left out: ERM on masked images (mask=learned); no teacher.")


@pytest.mark.parametrize(
    "table", [lambda given: masker_ablation(given, PUBLISHED, {}), lambda given: mask_quality(given, {}, {})]
)
def test_a_study_that_was_not_made_is_said(table):
    made = table(everywhere("comparison", ["VOC2007"], erm=(0.9, 0.5, 0.7)))
    assert markdown(made.blocks) == f"{NOTHING}\n"
    assert made.data.empty


class TestMaskDegradation:
    GIVEN = everywhere("mask_quality", ["VOC2007"], **{name: (0.9 - i / 10, 0.5, 0.7 - i / 5) for i, name in enumerate(MASKED)})

    @pytest.fixture(autouse=True)
    def drawing(self):
        with style():
            yield
        plt.close("all")

    def test_masks_as_they_are_begin_every_line(self):
        data = degraded_accuracy(self.GIVEN, MASKED).query("seed == 0")
        eroded = data.query("degradation == 'eroded'").sort_values("degree").set_index(["distribution", "degree"])["accuracy"]
        assert eroded["in"].to_dict() == pytest.approx({0.0: 0.91, 0.1: 0.71, 0.2: 0.61})
        assert eroded["out"].to_dict() == pytest.approx({0.0: 0.61, 0.1: 0.41, 0.2: 0.31})
        shifted = data.query("degradation == 'shifted' and distribution == 'in'").set_index("degree")["accuracy"]
        assert shifted.to_dict() == pytest.approx({0.0: 0.91, 0.1: 0.51})
        assert data.query("mask == 'none' and distribution == 'in'")["accuracy"].tolist() == pytest.approx([0.81])

    def test_figure_draws_them(self):
        figure = draw_mask_degradation(degraded_accuracy(self.GIVEN, MASKED))
        inside, _ = figure.axes
        assert inside.get_title() == "VLCS · single source\nmasks: ground truth, in distribution"
        eroded, shifted, as_they_are = [line for line in inside.lines if len(line.get_xdata())]
        assert list(eroded.get_xdata()) == [0.0, 0.1, 0.2]
        assert list(eroded.get_ydata()) == pytest.approx([90, 70, 60])
        assert list(shifted.get_ydata()) == pytest.approx([90, 50])
        assert list(as_they_are.get_ydata()) == pytest.approx([80, 80])
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["eroded", "shifted", "images as they are"]

    def test_nothing_degraded_is_said(self):
        figure = draw_mask_degradation(degraded_accuracy(self.GIVEN.query("method == 'masked_erm'"), MASKED))
        assert [text.get_text() for text in figure.texts] == ["No mask was degraded."]


def test_the_ablation_has_the_paper_s_names():
    names = {"align": "ALIGN", "align-lambda3=0.0": "w/o EG", "align-masker=sam": "m-SAM", "align-masker=grey": "m-Gray"}
    assert {variant: method_title(variant) for variant in names} == names
    assert method_title("align-masker=ground_truth") == "ALIGN, true masks"
    assert method_title("align-masker=grey-seed=1") == "ALIGN (masker=grey, seed=1)"
