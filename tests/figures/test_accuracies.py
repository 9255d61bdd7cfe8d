"""Macro accuracy in figures: beside accuracy where classes differ in their number of images, and nowhere else."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from align.figures.accuracy_vs_explanation import accuracy_vs_explanation
from align.figures.average_ranks import average_ranks
from align.figures.mask_degradation import mask_degradation
from align.figures.sensitivity import sensitivity
from align.figures.style import style
from align.results.accuracies import accuracies

RUN = {"protocol": "single_source", "source_domain": "a", "target_domain": "a", "distribution": "in", "seed": 0, "n": 10}
BOTH = ["accuracy, %", "macro accuracy, %"]


@pytest.fixture(autouse=True)
def drawing():
    with style():
        yield
    plt.close("all")


def rows(study, dataset, method, **values):
    base = RUN | {"study": study, "dataset": dataset, "method": method}
    return [base | {"metric": metric, "value": value} for metric, value in values.items()]


def metrics(study, **methods):
    """Runs on photographs with the given accuracy and macro accuracy, and on digits, where both are the first one."""
    made = []
    for method, (accuracy, macro) in methods.items():
        made += rows(study, "photographs", method, accuracy=accuracy, macro_accuracy=macro, sufficiency=0.3)
        made += rows(study, "digits", method, accuracy=accuracy, macro_accuracy=accuracy, sufficiency=0.3)
    return pd.DataFrame(made)


def labels(figure):
    return [panel.get_ylabel() for panel in figure.axes]


def test_macro_accuracy_is_left_out_where_the_difference_cannot_be_seen():
    given = metrics("comparison", erm=(0.8, 0.5), align=(0.7, 0.7))
    digits = given["dataset"].eq("digits") & given["metric"].eq("macro_accuracy")
    given.loc[digits, "value"] += 0.009
    kept = accuracies(given)[["dataset", "method", "metric", "value"]].to_numpy().tolist()
    assert kept == [
        ["photographs", "erm", "accuracy", 0.8],
        ["photographs", "erm", "macro_accuracy", 0.5],
        ["digits", "erm", "accuracy", 0.8],
        ["photographs", "align", "accuracy", 0.7],
        ["photographs", "align", "macro_accuracy", 0.7],
        ["digits", "align", "accuracy", 0.7],
    ]


def test_results_without_macro_accuracy_keep_their_accuracy():
    given = metrics("comparison", erm=(0.8, 0.5)).query("metric != 'macro_accuracy'")
    assert list(accuracies(given)["value"]) == [0.8, 0.8]


def test_accuracy_against_explanation_has_a_panel_for_each():
    drawn = accuracy_vs_explanation(metrics("comparison", erm=(0.8, 0.5)))
    assert labels(drawn.figure) == [*BOTH, "accuracy, %"]
    heights = [panel.collections[0].get_offsets()[0, 1] for panel in drawn.figure.axes]
    assert heights == pytest.approx([80, 50, 80])
    assert {panel.get_xlabel() for panel in drawn.figure.axes} == {"Sufficiency ↓"}


def test_sensitivity_has_a_panel_for_each():
    variants = {"align": {"lambda3": 1.0}, "align-lambda3=0.0": {"lambda3": 0.0}}
    given = metrics("sensitivity", **{"align": (0.8, 0.5), "align-lambda3=0.0": (0.7, 0.6)})
    figure = sensitivity(given, variants, {"align": variants["align"]}).figure
    assert sorted(labels(figure)) == ["accuracy, %", *BOTH]
    (macro,) = (panel for panel in figure.axes if panel.get_ylabel() == "macro accuracy, %")
    assert macro.get_title() == "ALIGN, photographs · single source"
    assert list(macro.lines[0].get_ydata()) == pytest.approx([60, 50])


def test_degraded_masks_have_a_panel_for_each():
    as_it_is, eroded = {"mask": "ground_truth", "degradation": "none", "degree": 0.0}, "masked_erm-degradation=eroded-degree=0.1"
    variants = {"masked_erm": as_it_is, eroded: as_it_is | {"degradation": "eroded", "degree": 0.1}}
    given = metrics("mask_quality", **{"masked_erm": (0.8, 0.5), eroded: (0.7, 0.4)})
    figure = mask_degradation(given, variants).figure
    assert sorted(labels(figure)) == ["accuracy, %", *BOTH]
    (macro,) = (panel for panel in figure.axes if panel.get_ylabel() == "macro accuracy, %")
    assert sorted(macro.collections[0].get_offsets()[:, 1]) == pytest.approx([40, 50])


def test_ranks_by_each_are_drawn_apart():
    """ERM is first by accuracy and last by macro accuracy in five settings."""
    given = metrics("comparison", erm=(0.8, 0.5), sgt=(0.7, 0.6), align=(0.6, 0.7)).query("dataset == 'photographs'")
    settings = [given.assign(source_domain=name, target_domain=name) for name in "abcde"]
    drawn = average_ranks(pd.concat(settings, ignore_index=True))
    ranks = drawn.data.query("distribution == 'in'").set_index(["metric", "method"])["average_rank"]
    assert ranks["accuracy"].to_dict() == {"erm": 1, "sgt": 2, "align": 3}
    assert ranks["macro_accuracy"].to_dict() == {"align": 1, "sgt": 2, "erm": 3}
    titles = [panel.get_title() for panel in drawn.figure.axes]
    assert [title.split(" in ")[0] for title in titles] == ["Accuracy", "Accuracy", "Macro accuracy", "Macro accuracy"]
