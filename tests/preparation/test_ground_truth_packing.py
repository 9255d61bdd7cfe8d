"""Packed masks lie on the object of their packed image, whatever the annotations look like; the account counts these."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from align.datasets.annotation import AMBIGUOUS, EVERYTHING, NO_OBJECT, NOTHING, SHAPE
from align.datasets.ground_truth import NO_COLOUR, TURNED
from align.datasets.image_folder import index
from align.datasets.object_pixels import ALPHA, THRESHOLD, UNKNOWN, VALUES
from align.datasets.settings import GroundTruth
from align.errors import InputError
from align.imaging.normalisation import to_soft_masks
from align.preparation.ground_truth import EARLIER, Packing, log_account, pack_ground_truth
from align.preparation.packing import pack_domain

BOX = (10, 5, 30, 20)  # left, top, right, bottom of the bright object
SIZE = (60, 40)
OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def photograph(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 60, (*SIZE[::-1], 3)).astype(np.uint8)
    pixels[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 255
    return Image.fromarray(pixels)


def mask(on: int = 255, off: int = 0) -> np.ndarray:
    values = np.full(SIZE[::-1], off, np.uint8)
    values[BOX[1] : BOX[3], BOX[0] : BOX[2]] = on
    return values


def store(path: Path, image: Image.Image, **save) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **save)


@pytest.fixture
def root(tmp_path) -> Path:
    """Return a data set of two domains, two classes and three images of each."""
    for domain in ("paris", "rome"):
        for number, label in enumerate(("cat", "dog")):
            for image in range(3):
                store(tmp_path / f"images/{domain}/{label}/{label}{image}.png", photograph(10 * number + image))
    return tmp_path / "images"


def annotate(root: Path, folder: Path, domain: str, picture: Callable[[], Image.Image], name: str = "{}.png", **save) -> None:
    """Store a mask picture for every image of a domain."""
    for image in sorted((root / domain).glob("*/*")):
        store(folder / domain / image.parent.name / name.format(image.stem), picture(), **save)


def packed(root: Path, domain: str, *entries: GroundTruth, resize: str = "stretch") -> tuple[np.ndarray, np.ndarray, dict]:
    """Return the packed images and masks of a domain, and the account."""
    out, rows = root.parent / "out", index(root).manifest
    pack_domain(root, rows[rows["domain"] == domain], 48, resize, out / "images.npy")
    named = {f"entry {number}": entry for number, entry in enumerate(entries)}
    account = pack_ground_truth(Packing(root, 48, resize), rows, domain, named, out / "masks.npy")
    assert json.loads(json.dumps(account, allow_nan=False)) == account
    return np.load(out / "images.npy"), np.load(out / "masks.npy"), account


def agreement(images: np.ndarray, masks: np.ndarray) -> float:
    """Return the least intersection over union of a packed mask and the bright object in its packed image."""
    bright, objects = images.min(axis=3) > 150, masks == 1
    assert len(bright) == len(objects)
    return float(((bright & objects).sum(axis=(1, 2)) / (bright | objects).sum(axis=(1, 2))).min())


def turn_photographs(root: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    for path in root.glob("*/*/*"):
        Image.open(path).save(path.with_suffix(".jpg"), quality=95, exif=exif)
        path.unlink()


def palette(white: int) -> Image.Image:
    image = Image.fromarray(mask(white, 1 - white))
    image.putpalette([255, 255, 255, 0, 0, 0] if white == 0 else [0, 0, 0, 255, 255, 255])
    return image


def trimap() -> Image.Image:
    left, top, right, bottom = BOX
    values = mask(1, 2)
    border = np.zeros_like(values, bool)
    border[top - 2 : bottom + 2, left - 2 : right + 2] = True
    return Image.fromarray(np.where(border & (values != 1), 3, values).astype(np.uint8))


def voc_labels() -> Image.Image:
    left, top, right, bottom = BOX
    values = mask(8)
    values[top - 4 : bottom + 4, left - 4 : right + 4] = 255
    return Image.fromarray(np.where(mask() > 0, 8, values))


def cut_out() -> Image.Image:
    return Image.fromarray(np.dstack([np.full((*SIZE[::-1], 3), 255, np.uint8), mask()]))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_masks_of_photographs_that_exif_turns(root, tmp_path, orientation):
    turn_photographs(root, orientation)
    annotate(root, tmp_path / "masks", "paris", lambda: Image.fromarray(mask()))
    images, masks, account = packed(root, "paris", GroundTruth(kind="masks", folder=tmp_path / "masks"))
    assert agreement(images, masks) > 0.9
    assert account["entries"][0]["remarks"][TURNED]["files"] == 6


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_photographs_that_exif_turns(root, tmp_path, orientation):
    turn_photographs(root, orientation)
    (tmp_path / "boxes").mkdir()
    for image in root.glob("paris/*/*"):
        boxes = OBJECT.format(image.parent.name, BOX[0] + 1, BOX[1] + 1, BOX[2], BOX[3])
        text = f"<annotation><size><width>60</width><height>40</height></size>{boxes}</annotation>"
        (tmp_path / f"boxes/{image.stem}.xml").write_text(text)
    entry = GroundTruth(kind="voc_boxes", folder=tmp_path / "boxes", domain="paris")
    images, masks, _ = packed(root, "paris", entry)
    assert agreement(images, masks) > 0.9


def test_a_photograph_upside_down_needs_the_setting(root, tmp_path):
    turn_photographs(root, 3)
    annotate(root, tmp_path / "masks", "paris", lambda: Image.fromarray(mask()))
    with pytest.raises(InputError, match=r"found 6 files in .* for images of paris, none of which can be used") as error:
        packed(root, "paris", GroundTruth(kind="masks", folder=tmp_path / "masks"))
    assert AMBIGUOUS in str(error.value)
    images, masks, _ = packed(root, "paris", GroundTruth(kind="masks", folder=tmp_path / "masks", drawn_on="stored"))
    assert agreement(images, masks) > 0.9


@pytest.mark.parametrize(
    ("picture", "settings", "name", "save", "remark"),
    [
        (lambda: palette(0), {}, "{}.png", {}, None),
        (lambda: palette(1), {}, "{}.gif", {}, None),
        (cut_out, {}, "{}.png", {}, ALPHA),
        (lambda: Image.fromarray(mask()), {}, "{}_mask.jpg", {"quality": 60}, THRESHOLD),
        (lambda: Image.fromarray(mask()), {}, "{}.PNG", {"format": "PNG"}, None),
        (lambda: Image.fromarray(mask(1)), {}, "{}.png.png", {}, None),
        (trimap, {"object": [1]}, "{}_trimap.png", {}, None),
        (voc_labels, {"unknown": [255]}, "{}.png", {}, UNKNOWN),
        (voc_labels, {"object": 8, "unknown": 255}, "{}.png", {}, UNKNOWN),
    ],
)
def test_masks_lie_on_the_object(root, tmp_path, picture, settings, name, save, remark):
    annotate(root, tmp_path / "masks", "rome", picture, name, **save)
    images, masks, account = packed(root, "rome", GroundTruth(kind="masks", folder=tmp_path / "masks", **settings))
    assert agreement(images, masks) > 0.97
    assert (account["images"], account["images_with_mask"]) == (6, 6)
    assert account["mean_area"] == pytest.approx(0.125, abs=0.01)
    (entry,) = account["entries"]
    assert (entry["files"], entry["used"], entry["not_used"]) == (6, 6, {})
    assert list(entry["remarks"]) == ([remark] if remark else [])


@pytest.mark.parametrize("picture", [trimap, voc_labels, lambda: Image.new("L", SIZE, 1), lambda: Image.new("L", SIZE[::-1], 1)])
def test_masks_none_of_which_can_be_used_are_an_error_that_leaves_nothing(root, tmp_path, picture):
    annotate(root, tmp_path / "masks", "rome", picture)
    with pytest.raises(InputError) as error:
        packed(root, "rome", GroundTruth(kind="masks", folder=tmp_path / "masks"))
    assert str(error.value).startswith(
        f"entry 0: found 6 files in {tmp_path / 'masks'} for images of rome, none of which can be used"
    )
    assert any(
        f"\n  {reason}: 6, such as rome/cat/cat0.png: found " in str(error.value) for reason in (VALUES, EVERYTHING, SHAPE)
    )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["images.npy"]


def test_the_account_counts_everything(root, tmp_path, caplog):
    annotate(root, tmp_path / "masks", "paris", lambda: Image.fromarray(mask()))
    masks = tmp_path / "masks/paris"
    Image.new("L", SIZE, 255).save(masks / "cat/cat0.png")
    Image.new("L", SIZE[::-1]).save(masks / "cat/cat1.png")
    Image.fromarray(mask()).resize((120, 80), Image.Resampling.NEAREST).save(masks / "dog/dog0.png")
    (masks / "dog/dog1.png").unlink()
    store(masks / "dog/unknown.png", Image.fromarray(mask()))
    (tmp_path / "masks/README.txt").touch()
    images, found, account = packed(root, "paris", GroundTruth(kind="masks", folder=tmp_path / "masks"))
    assert [(mask == 255).all() for mask in found] == [True, True, False, False, True, False]
    assert agreement(images[[2, 3, 5]], found[[2, 3, 5]]) > 0.97
    (entry,) = account.pop("entries")
    assert account == {"images": 6, "images_with_mask": 3, "mean_area": pytest.approx(0.125)}
    assert entry == {
        "kind": "masks",
        "folder": str(tmp_path / "masks"),
        "files": 5,
        "used": 3,
        "not_used": {
            EVERYTHING: {"files": 1, "examples": ["paris/cat/cat0.png: found 255 (100.0%)"]},
            SHAPE: {"files": 1, "examples": ["paris/cat/cat1.png: found 40×60, expected the shape of 60×40"]},
        },
        "remarks": {"of another size than its image; resized": {"files": 1, "examples": ["paris/dog/dog0.png"]}},
        "without_image": {"files": 1, "examples": ["paris/dog/unknown.png"]},
        "other_files": {"files": 1, "examples": ["README.txt"]},
    }
    with caplog.at_level(logging.INFO):
        log_account(account | {"entries": [entry]}, "paris")
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 4
    assert f"{tmp_path / 'masks'}: 1 files have no image's name; such as paris/dog/unknown.png" in warnings
    assert caplog.records[0].getMessage() == "paris: 3 of 6 images have a mask"


def test_the_first_entry_that_knows_the_object_counts_and_only_in_its_domain(root, tmp_path):
    annotate(root, tmp_path / "masks", "paris", lambda: Image.fromarray(mask()))
    annotate(root, tmp_path / "masks", "rome", lambda: Image.fromarray(mask()))
    annotate(root, tmp_path / "others", "paris", lambda: Image.fromarray(255 - mask()))
    Image.new("L", SIZE).save(tmp_path / "others/paris/cat/cat0.png")
    others = GroundTruth(kind="masks", folder=tmp_path / "others", domain="paris")
    every = GroundTruth(kind="masks", folder=tmp_path / "masks")
    _, masks, account = packed(root, "paris", others, every)
    assert masks.mean(axis=(1, 2)).tolist() == pytest.approx([0.125] + [0.875] * 5, abs=0.01)
    assert account["entries"][1]["not_used"][EARLIER]["files"] == 5
    images, masks, account = packed(root, "rome", others, every)
    assert agreement(images, masks) > 0.97
    assert len(account["entries"]) == 1


def test_without_any_annotation_in_a_domain_there_are_no_masks(root, tmp_path):
    annotate(root, tmp_path / "masks", "paris", lambda: Image.fromarray(mask()))
    _, masks, account = packed(root, "rome", GroundTruth(kind="masks", folder=tmp_path / "masks"))
    assert masks.shape == (0, 48, 48)
    assert (account["images"], account["images_with_mask"], account["mean_area"]) == (6, 0, None)


def test_masks_that_guide_are_packed_as_those_of_a_network(root, tmp_path):
    annotate(root, tmp_path / "masks", "paris", lambda: Image.fromarray(mask()))
    (tmp_path / "masks/paris/cat/cat0.png").unlink()
    entry, rows, path = GroundTruth(kind="masks", folder=tmp_path / "masks"), index(root).manifest, tmp_path / "masks.npy"
    account = pack_ground_truth(Packing(root, 48, "stretch"), rows, "paris", {"an entry": entry}, path, soft=True)
    soft = to_soft_masks(torch.from_numpy(np.load(path)))
    assert soft[0].isnan().all()
    assert soft[1:].unique().tolist() == [0, 1]
    assert account["mean_area"] == pytest.approx(0.125)
    pack_ground_truth(Packing(root, 48, "stretch"), rows, "rome", {"an entry": entry}, path, soft=True)
    assert (np.load(path) == 255).all()
    assert np.load(path).shape == (6, 48, 48)


@pytest.mark.parametrize("white", [255, 65535])
def test_of_a_probability_one_half_and_more_is_the_object(root, tmp_path, white):
    """A soft mask as a network gives it: many grey levels, which fill areas."""
    levels = np.linspace(0, white, SIZE[0])[None].repeat(SIZE[1], axis=0).astype(np.uint8 if white == 255 else np.uint16)
    annotate(root, tmp_path / "masks", "paris", lambda: Image.fromarray(levels))
    _, masks, account = packed(root, "paris", GroundTruth(kind="probability", folder=tmp_path / "masks"))
    assert account["images_with_mask"] == 6
    assert (masks == np.repeat([0, 1], 24)).all()
    Image.new("L", SIZE, 100).save(tmp_path / "masks/paris/cat/cat0.png")
    _, masks, account = packed(root, "paris", GroundTruth(kind="probability", folder=tmp_path / "masks"))
    assert account["entries"][0]["not_used"] == {NOTHING: {"files": 1, "examples": ["paris/cat/cat0.png"]}}
    assert (masks[0] == 255).all()


def boxes_of(folder: Path, stem: str, label: str, told: str = "") -> None:
    folder.mkdir(exist_ok=True)
    boxes = OBJECT.format(label, BOX[0] + 1, BOX[1] + 1, BOX[2], BOX[3])
    size = "<size><width>60</width><height>40</height></size>"
    (folder / f"{stem}.xml").write_text(f"<annotation>{told}{size}{boxes}</annotation>")


@pytest.mark.parametrize(
    "told",
    [
        "<folder>paris/cat</folder>",
        r"<folder>C:\photos\paris\cat</folder>",
        "<folder>paris</folder>",
        "<folder>photos</folder><path>/somewhere/photos/paris/cat/cat0.png</path>",
    ],
)
def test_a_file_of_boxes_that_says_whose_it_is(root, tmp_path, told):
    boxes_of(tmp_path / "boxes", "cat0", "cat", told)
    entry = GroundTruth(kind="voc_boxes", folder=tmp_path / "boxes")
    images, masks, account = packed(root, "paris", entry)
    assert agreement(images[:1], masks[:1]) > 0.97
    assert (masks[1:] == 255).all()
    assert account["entries"][0]["files"] == 1
    assert packed(root, "rome", entry)[1].shape == (0, 48, 48)


@pytest.mark.parametrize("told", ["", "<folder>photos</folder><filename>cat0.png</filename>", "<folder>cat</folder>"])
def test_a_file_of_boxes_that_fits_two_domains_is_an_error(root, tmp_path, told):
    boxes_of(tmp_path / "boxes", "cat0", "cat", told)
    with pytest.raises(InputError) as error:
        packed(root, "paris", GroundTruth(kind="voc_boxes", folder=tmp_path / "boxes"))
    assert "cat0.xml, with the name of the images 'paris/cat/cat0.png' and 'rome/cat/cat0.png'" in str(error.value)
    assert "<folder> and <filename> say whose it is" in str(error.value)


def test_object_names_that_are_no_class_are_named(root, tmp_path):
    for stem in ("cat0", "cat1"):
        boxes_of(tmp_path / "boxes", stem, "Cat")
    entry = GroundTruth(kind="voc_boxes", folder=tmp_path / "boxes", domain="paris")
    with pytest.raises(
        InputError, match=rf"none of which can be used.*\n  {NO_OBJECT}: 2, such as cat0\.xml: found Cat, expected cat"
    ):
        packed(root, "paris", entry)


def colour_maps(root: Path, folder: Path, domain: str, **colours: tuple[int, int, int]) -> None:
    for image in (root / domain).glob("*/*"):
        pixels = np.zeros((*SIZE[::-1], 3), np.uint8)
        pixels[mask() > 0] = colours.get(image.parent.name, (9, 9, 9))
        store(folder / f"{image.stem}.png", Image.fromarray(pixels))


def test_a_colour_that_occurs_nowhere_is_an_error_with_the_nearest(root, tmp_path):
    colour_maps(root, tmp_path / "colours", "paris", cat=(128, 0, 128), dog=(0, 128, 0))
    entry = {"kind": "colours", "folder": tmp_path / "colours", "domain": "paris"}
    with pytest.raises(
        InputError, match=r"entry 0\.colours\.cat: found no pixel of \[128, 0, 127\] in 6 files .* is \[128, 0, 128\]"
    ):
        packed(root, "paris", GroundTruth(**entry, colours={"cat": (128, 0, 127), "dog": (0, 128, 0)}))
    images, masks, account = packed(root, "paris", GroundTruth(**entry, colours={"cat": (128, 0, 128)}))
    assert agreement(images[:3], masks[:3]) > 0.97
    assert (masks[3:] == 255).all()
    assert account["entries"][0]["not_used"] == {
        NO_COLOUR: {"files": 3, "examples": [f"dog{number}.png: dog" for number in range(3)]}
    }


def test_a_colour_that_occurs_in_files_of_another_class_is_counted(root, tmp_path):
    colour_maps(root, tmp_path / "colours", "paris", cat=(128, 0, 128), dog=(128, 0, 128))
    colours = {"cat": (128, 0, 128), "dog": (128, 0, 128)}
    for number in range(3):
        Image.new("RGB", SIZE).save(tmp_path / f"colours/dog{number}.png")
    entry = GroundTruth(kind="colours", folder=tmp_path / "colours", domain="paris", colours=colours)
    _, _, account = packed(root, "paris", entry)
    assert account["entries"][0]["not_used"][NO_OBJECT]["files"] == 3


def test_real_annotations_fit_their_photographs(shared_data, tmp_path):
    """Every box of VOC2007 and every label map of LabelMe has the shape of its photograph."""
    root, folder = shared_data / "vlcs_subset/VLCS", shared_data / "vlcs_annotations"
    manifest = index(root, ["LabelMe", "VOC2007"]).manifest
    entries = {
        "boxes": GroundTruth(kind="voc_boxes", folder=folder / "voc2007_boxes", domain="VOC2007"),
        "colours": GroundTruth(kind="colours", folder=folder / "labelme_masks", domain="LabelMe", colours={"car": (128, 0, 128)}),
    }
    voc, labelme = (
        pack_ground_truth(Packing(root, 64, "stretch"), manifest, domain, entries, tmp_path / "masks.npy")
        for domain in ("VOC2007", "LabelMe")
    )
    assert (voc["images"], voc["images_with_mask"], voc["entries"][0]["not_used"]) == (298, 298, {})
    assert 0.2 < voc["mean_area"] < 0.4
    without = {reason: some["files"] for reason, some in labelme["entries"][0]["not_used"].items()}
    assert without == {NO_COLOUR: 397, NO_OBJECT: 2}  # two photographs of cars have no pixel of a car
    assert (labelme["images"], labelme["images_with_mask"]) == (597, 198)
