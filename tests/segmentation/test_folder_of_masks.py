"""Masks that a user has in a folder guide, and are never taken for the truth."""

import json

import numpy as np
import pytest
import yaml
from conftest import PHOTOGRAPHS, copy_workflow, fails, only, succeeds, write_images
from PIL import Image

from align.results.collect import read_results


@pytest.fixture
def folder(tmp_path):
    """Return a workflow with photographs, a mask for three of five of each class and domain, and a configuration."""
    folder = copy_workflow(tmp_path / "workflow")
    write_images(folder / "photographs")
    levels = np.zeros((20, 20), np.uint8)
    levels[5:15, 5:15] = 255
    for image in (folder / "photographs").glob("*/*/[012].png"):
        mask = folder / "masks" / image.relative_to(folder / "photographs")
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(levels).save(mask)
    return folder


def write_configuration(folder, /, **entry):
    content = yaml.safe_load(PHOTOGRAPHS)
    content["datasets"]["photographs"]["guiding_masks"] = [{"kind": "probability", "folder": "masks"} | entry]
    content["experiments"]["one"]["methods"] = ["erm", {"align": {"masker": "folder"}}, {"masked_erm": {"mask": "folder"}}]
    (folder / "my.yaml").write_text(yaml.safe_dump(content))


def test_masks_of_a_folder_guide_and_are_no_ground_truth(folder):
    write_configuration(folder)
    succeeds(folder, "results/my/metrics.csv", "--configfile", "my.yaml")
    account = json.loads(only(folder, "results/runs/**/align-masker=folder/seed0/*/run.json").read_text())
    assert 0 < account["training_images_with_masks"] < account["training_images"]
    measured = set(read_results(folder / "results/my/metrics.csv")["metric"])
    assert "learned_mask_area" in measured
    assert not measured & {"iou", "learned_mask_iou", "ground_truth_area"}  # they need the truth
    packed = np.load(only(folder, "results/data/photographs/*/*/guiding-*/paris.npy"))
    assert sorted(np.unique(packed)) == [0, 254, 255]
    assert "Nothing to be done" in succeeds(folder, "results/my/metrics.csv", "--configfile", "my.yaml")

    Image.new("L", (20, 20), 255).crop((0, 0, 10, 20)).resize((20, 20)).save(folder / "masks/paris/cat/0.png")
    again = succeeds(folder, "-n", "results/my/metrics.csv", "--configfile", "my.yaml")
    assert "pack_guiding_masks" in again
    assert "Training erm" not in again  # it is given no masks
    assert "Training align-masker=folder" in again


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"folder": "absent"}, "datasets.photographs.guiding_masks.0: found no folder absent; correct the path"),
        ({"domain": "pariss"}, "unknown domain in datasets.photographs.guiding_masks.0 'pariss': did you mean 'paris'"),
        ({"kind": "voc_boxes"}, "datasets.photographs.guiding_masks.0: found no file with the name of an image"),
    ],
)
def test_a_folder_that_cannot_be_used_is_an_error_before_the_first_job(folder, change, said):
    write_configuration(folder, **change)
    output = " ".join(fails(folder, "-n", "results/my/metrics.csv", "--configfile", "my.yaml").split())
    assert said in output


def test_masks_of_another_shape_are_named(folder):
    for mask in (folder / "masks/paris").glob("*/*"):
        Image.new("L", (20, 10), 255).save(mask)
    write_configuration(folder)
    output = " ".join(fails(folder, "results/my/metrics.csv", "--configfile", "my.yaml").split())
    assert "datasets.photographs.guiding_masks.0: found 6 files in masks for images of paris, none of which can be used" in output
    assert "found 20×10, expected the shape of 20×20" in output
    assert not list((folder / "results").glob("data/**/guiding-*/paris.npy"))


def test_without_a_folder_the_variant_is_left_out(folder):
    content = yaml.safe_load(PHOTOGRAPHS)
    content["experiments"]["one"]["methods"] = ["erm", {"align": {"masker": "folder"}}]
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    output = " ".join(succeeds(folder, "-n", "train", "--configfile", "my.yaml").split())
    assert "left out: align-masker=folder on photographs: the data set has no folder of masks (guiding_masks)" in output
