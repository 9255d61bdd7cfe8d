"""Masks of a network for salient objects: a real one where it is at hand, small ONNX networks for what is refused."""

import shutil
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
import yaml
from conftest import PHOTOGRAPHS, copy_workflow, fails, only, succeeds, write_images
from torch import nn

from align.datasets.decoding import read_rgb
from align.errors import InputError
from align.imaging.masks import UNKNOWN
from align.segmentation.salient_object import load_salient_object_model, salient_mask
from align.segmentation.writing import write_masks


class Brightness(nn.Module):
    """A network whose mask is the brightness of the normalised image, through a sigmoid."""

    def __init__(self, shift=0.0):
        super().__init__()
        self.shift = shift

    def forward(self, images):
        return (images.mean(1, keepdim=True) + self.shift).sigmoid()


def save_network(path, network=None, shape=(1, 3, 16, 16)):
    torch.onnx.export(network or Brightness(), (torch.zeros(shape),), str(path), verbose=False)
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return save_network(tmp_path_factory.mktemp("network") / "brightness.onnx")


def test_the_mask_has_the_size_of_the_image_and_lies_where_the_network_says(network):
    image = np.zeros((40, 40, 3), np.uint8)
    image[10:30, 20:40] = 200
    mask = salient_mask(load_salient_object_model(network), image)
    assert mask.shape == (40, 40)
    # The largest value is 200, so white there, and black elsewhere, both normalised as for ImageNet.
    white = np.mean((1 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225]))
    assert mask[20, 30] == pytest.approx(1 / (1 + np.exp(-white)), abs=1e-5)
    assert mask[20, 5] == pytest.approx(1 / (1 + np.exp(np.mean([0.485 / 0.229, 0.456 / 0.224, 0.406 / 0.225]))), abs=1e-5)


def test_an_image_without_an_object_has_no_mask(tmp_path):
    session = load_salient_object_model(save_network(tmp_path / "dark.onnx", Brightness(-9.0)))
    images = np.random.default_rng(0).integers(0, 256, (2, 20, 20, 3), np.uint8)
    assert salient_mask(session, images[0]) is None
    masks = [np.full((20, 20), 0.5), None]
    assert write_masks(images, lambda image: masks.pop(0), tmp_path / "masks.npy") == 1
    written = np.load(tmp_path / "masks.npy")
    assert written.dtype == np.uint8
    assert (written[0] == 127).all()
    assert (written[1] == UNKNOWN).all()


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(b"no network"), "found no ONNX network"),
        (lambda path: None, "found no ONNX network"),
        (lambda path: save_network(path, shape=(1, 4, 16, 16)), "found a network from [[1, 4, 16, 16]] to [1, 1, 16, 16]"),
        (lambda path: save_network(path, shape=(1, 3, 16, 20)), "found a network from [[1, 3, 16, 20]]"),
        (lambda path: save_network(path, nn.Flatten()), "to [1, 768], expected one input N×3×S×S"),
    ],
    ids=["no ONNX", "absent", "four channels", "not square", "no mask"],
)
def test_a_network_that_cannot_be_used_is_refused(tmp_path, write, said):
    path = tmp_path / "network.onnx"
    write(path)
    with pytest.raises(InputError) as error:
        load_salient_object_model(path)
    assert str(error.value).startswith(f"salient_object.model: {path}: ")
    assert said in str(error.value)


def test_masks_are_made_once_and_guide_align(tmp_path, network):
    folder = copy_workflow(tmp_path / "workflow")
    write_images(folder / "photographs")
    shutil.copy(network, folder / "network.onnx")
    content = yaml.safe_load(PHOTOGRAPHS)
    content["experiments"]["one"]["methods"] = [
        "erm",
        {"align": {"masker": "salient_object"}},
        {"masked_erm": {"mask": "salient_object"}},
    ]
    content["salient_object"] = {"model": "network.onnx"}
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    succeeds(folder, "results/my/metrics.csv", "--configfile", "my.yaml")
    account = only(folder, "results/runs/**/align-masker=salient_object/seed0/*/run.json").read_text()
    assert '"training_images_with_masks": null' not in account
    for masks in (folder / "results/data").glob("**/salient_object/*.npy"):
        assert np.load(masks).shape[1:] == np.load(masks.parents[1] / masks.name).shape[1:3]
    assert "Nothing to be done" in succeeds(folder, "results/my/metrics.csv", "--configfile", "my.yaml")

    (folder / "network.onnx").unlink()
    said = fails(folder, "results/my/metrics.csv", "--configfile", "my.yaml")
    assert "salient_object.model: network.onnx: found no such file, expected an ONNX file" in " ".join(said.split())


def test_a_real_network_finds_the_one_object_of_a_photograph(shared_data):
    session = load_salient_object_model(shared_data / "salient_object_model/u2netp.onnx")
    inside: list[float] = []
    for annotation in sorted((shared_data / "vlcs_annotations/voc2007_boxes").glob("*.xml")):
        content = ElementTree.parse(annotation).getroot()
        if len(content.findall("object")) != 1 or len(inside) == 8:
            continue
        (photograph,) = (shared_data / "vlcs_photographs/VLCS/VOC2007").glob(f"*/{annotation.stem}.jpg")
        image = np.asarray(read_rgb(photograph).image)
        scale = image.shape[1] / int(content.findtext("size/width"))  # the photographs were made smaller
        left, top, right, bottom = (
            round(scale * float(content.findtext(f"object/bndbox/{end}"))) for end in ("xmin", "ymin", "xmax", "ymax")
        )
        mask = salient_mask(session, image)
        if mask is not None and (right - left) * (bottom - top) < 0.4 * mask.size:
            assert mask.shape == image.shape[:2]
            inside.append(mask[top:bottom, left:right].sum() / mask.sum())
    assert len(inside) == 8
    assert np.median(inside) > 0.9  # a box covers at most 0.4 of the photograph
    assert salient_mask(session, np.full((112, 112, 3), 128, np.uint8)) is None
