"""The table of classes, by hand."""

import numpy as np
import pandas as pd
import pytest

from align.tables.by_class import MOST_CLASSES, by_class, class_means


def images(**columns):
    """Return results of three photographs of class cat and one of class dog, in two domains."""
    labels = ["cat", "cat", "cat", "dog"] * 2
    return pd.DataFrame(
        {"target_domain": np.repeat(["a", "b"], 4), "class": labels, "accuracy": [1.0, 1, 0, 1, 1, 0, 0, 0]} | columns
    )


def run(method="erm", seed=0, studies=("comparison",)):
    return {"dataset": "pets", "protocol": "single_source", "domain": "a", "method": method, "seed": seed, "studies": studies}


def cells(table):
    return {block.title: {row[0].text: [cell.text for cell in row[1:]] for row in block.rows} for block in table.blocks}


def test_each_class_has_its_mean_in_and_out_of_distribution():
    found = by_class([(run(), ["a"], images()), (run("dre"), ["a"], images(accuracy=1.0))])
    assert [block.header for block in found.blocks] == [["Method", "cat (3)", "dog (1)"]] * 2
    assert cells(found) == {
        "pets · single source · comparison, in distribution: Accuracy ↑, %": {
            "ERM": ["66.7", "100.0"],
            "DRE": ["100.0", "100.0"],
        },
        "pets · single source · comparison, out of distribution: Accuracy ↑, %": {
            "ERM": ["33.3", "0.0"],
            "DRE": ["100.0", "100.0"],
        },
    }


def test_each_study_has_blocks_of_its_own():
    """ALIGN belongs to both studies. A variant that ran on one domain only must not be compared with means over two."""
    on_b = run() | {"domain": "b"}
    runs = [
        (run("align", studies=("comparison", "masker_ablation")), ["a"], images()),
        (run("align-masker=grey", studies=("masker_ablation",)), ["a"], images(accuracy=1.0)),
        (on_b | {"method": "align"}, ["b"], images(accuracy=0.0)),
    ]
    found = cells(by_class(runs))
    assert found["pets · single source · comparison, in distribution: Accuracy ↑, %"] == {"ALIGN": ["33.3", "50.0"]}
    ablation = found["pets · single source · masker ablation, in distribution: Accuracy ↑, %"]
    assert ablation == {"ALIGN": ["66.7", "100.0"], "m-Gray": ["100.0", "100.0"]}


def test_only_images_with_a_value_count():
    """One cat of the first domain has a box, and no dog has."""
    boxes = [0.25, np.nan, 0.75, np.nan, np.nan, np.nan, np.nan, np.nan]
    table = by_class([(run("align"), ["a"], images(learned_mask_box_iou=boxes))])
    block = table.blocks[1]
    assert block.title == "pets · single source · comparison, in distribution: Learned mask: IoU of bounding boxes ↑"
    assert (block.header, [cell.text for cell in block.rows[0]]) == (["Method", "cat (2)"], ["ALIGN", "0.500"])


def test_the_mean_over_all_images_is_that_of_the_classes_weighted_by_their_number():
    means = class_means(images(), run(), ["a"])
    inside = means[means["distribution"] == "in"]
    assert (inside["value"] * inside["n"]).sum() / inside["n"].sum() == pytest.approx(0.75)


def test_many_classes_are_in_the_data_and_not_on_the_page():
    many = pd.concat([images().assign(**{"class": f"class {number}"}) for number in range(MOST_CLASSES + 1)])
    table = by_class([(run(), ["a"], many)])
    assert table.blocks == []
    assert table.data["class"].nunique() == MOST_CLASSES + 1
