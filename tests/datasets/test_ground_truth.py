import numpy as np
import pytest
from PIL import Image

from align.datasets.ground_truth import read_mask
from align.datasets.settings import GroundTruth
from align.errors import InputError

ANNOTATION = """<annotation><size><width>{width}</width><height>{height}</height><depth>3</depth></size>{objects}</annotation>"""
OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>{}</object>"


def box(top: int, bottom: int, left: int, right: int, shape: tuple[int, int] = (8, 12)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.fixture
def masks(tmp_path):
    (tmp_path / "d" / "c").mkdir(parents=True)
    return GroundTruth(kind="masks", folder=tmp_path)


@pytest.fixture
def boxes(tmp_path):
    return GroundTruth(kind="voc_boxes", folder=tmp_path)


def annotate(truth: GroundTruth, objects: str, width: float = 12, height: float = 8) -> None:
    (truth.folder / "1.xml").write_text(ANNOTATION.format(width=width, height=height, objects=objects))


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "RGB", "RGBA", "LA"])
def test_masks_of_any_mode_are_true_where_not_zero(masks, mode):
    expected = box(2, 5, 3, 9)
    if mode == "I;16":
        image = Image.fromarray(expected.astype(np.uint16) * 256)
    elif mode == "P":
        image = Image.fromarray(expected.astype(np.uint8))
        image.putpalette([9, 9, 9, 0, 0, 0])  # the object is the index that is not zero, whatever its colour
    else:
        image = Image.fromarray(expected.astype(np.uint8) * 255).convert(mode)
    image.save(masks.folder / "d" / "c" / "1.png")
    mask = read_mask("d/c/1.jpg", "d", "c", (12, 8), [masks])
    assert mask.dtype == bool
    assert np.array_equal(mask, expected)


def test_a_mask_of_another_size_is_resized_to_the_image(masks):
    Image.fromarray(box(2, 6, 4, 8).astype(np.uint8) * 255).save(masks.folder / "d" / "c" / "1.png")
    assert np.array_equal(read_mask("d/c/1.png", "d", "c", (6, 4), [masks]), box(1, 3, 2, 4, (4, 6)))


def test_no_mask_and_an_empty_mask_are_no_ground_truth(masks):
    assert read_mask("d/c/1.png", "d", "c", (12, 8), [masks]) is None
    Image.new("L", (12, 8)).save(masks.folder / "d" / "c" / "1.png")
    assert read_mask("d/c/1.png", "d", "c", (12, 8), [masks]) is None
    assert read_mask("d/c/1.png", "d", "c", (12, 8), []) is None


def test_a_broken_mask_is_named(masks):
    (masks.folder / "d" / "c" / "1.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match=r"1\.png: found no whole image"):
        read_mask("d/c/1.png", "d", "c", (12, 8), [masks])


def test_boxes_of_the_class_count_from_one_and_end_with_their_last_pixel(boxes):
    annotate(
        boxes,
        OBJECT.format("dog", 1, 1, 3, 2, "") + OBJECT.format("dog", 10, 8, 12, 8, "") + OBJECT.format("cat", 5, 5, 6, 6, ""),
    )
    assert np.array_equal(read_mask("d/dog/1.jpg", "d", "dog", (12, 8), [boxes]), box(0, 2, 0, 3) | box(7, 8, 9, 12))
    assert np.array_equal(read_mask("d/cat/1.jpg", "d", "cat", (12, 8), [boxes]), box(4, 6, 4, 6))
    assert read_mask("d/bird/1.jpg", "d", "bird", (12, 8), [boxes]) is None


def test_boxes_are_scaled_to_the_image(boxes):
    annotate(boxes, OBJECT.format("dog", 5, 5, 16, 8, ""), width=24, height=16)
    assert np.array_equal(read_mask("d/dog/1.jpg", "d", "dog", (12, 8), [boxes]), box(2, 4, 2, 8))


def test_boxes_beyond_the_image_are_cut_and_parts_of_objects_do_not_count(boxes):
    part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    annotate(boxes, OBJECT.format("dog", -3, 6.0, 40, 99, part))
    assert np.array_equal(read_mask("d/dog/1.jpg", "d", "dog", (12, 8), [boxes]), box(5, 8, 0, 12))
    assert read_mask("d/head/1.jpg", "d", "head", (12, 8), [boxes]) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<annotation><size>", "no element found"),
        ("", "no element found"),
        ("<annotation></annotation>", "no <size/width> in <annotation>"),
        (ANNOTATION.format(width=0, height=8, objects=""), "division by zero"),
        (ANNOTATION.format(width=12, height=8, objects=OBJECT.format("dog", "x", 1, 2, 2, "")), "could not convert"),
        (ANNOTATION.format(width=12, height=8, objects=OBJECT.format("dog", "nan", 1, 2, 2, "")), "cannot convert float NaN"),
        (
            ANNOTATION.format(width=12, height=8, objects=OBJECT.format("dog", "inf", 1, 2, 2, "")),
            "cannot convert float infinity",
        ),
        (ANNOTATION.format(width=12, height=8, objects="<object><name>dog</name></object>"), "no <bndbox/xmin> in <object>"),
    ],
)
def test_a_malformed_annotation_is_named(boxes, content, problem):
    (boxes.folder / "1.xml").write_text(content)
    with pytest.raises(InputError, match=rf"1\.xml: found no PASCAL VOC annotation \(.*{problem}"):
        read_mask("d/dog/1.jpg", "d", "dog", (12, 8), [boxes])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_never_expanded(boxes, encoding):
    document = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY b "{"b" * 9}"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    (boxes.folder / "1.xml").write_bytes(document.encode(encoding))
    with pytest.raises(InputError, match=r"1\.xml: .*document type"):
        read_mask("d/dog/1.jpg", "d", "dog", (12, 8), [boxes])


def test_a_colour_means_a_class(tmp_path):
    truth = GroundTruth(kind="colours", folder=tmp_path, colours={"car": (128, 0, 128)})
    image = np.zeros((8, 12, 4), dtype=np.uint8)
    image[1:4, 2:6] = (128, 0, 128, 255)
    image[5:7, 2:6] = (128, 0, 127, 255)
    Image.fromarray(image).save(tmp_path / "street.png")
    assert np.array_equal(read_mask("d/car/street.jpg", "d", "car", (12, 8), [truth]), box(1, 4, 2, 6))
    assert np.array_equal(read_mask("d/car/street.jpg", "d", "car", (24, 16), [truth]), box(2, 8, 4, 12, (16, 24)))
    assert read_mask("d/dog/street.jpg", "d", "dog", (12, 8), [truth]) is None
    assert read_mask("d/car/other.jpg", "d", "car", (12, 8), [truth]) is None


def test_the_first_that_knows_the_object_counts_and_only_in_its_domain(masks, tmp_path):
    boxes = GroundTruth(kind="voc_boxes", folder=tmp_path, domain="e")
    annotate(boxes, OBJECT.format("c", 1, 1, 1, 1, ""))
    Image.new("L", (12, 8), 255).save(masks.folder / "d" / "c" / "1.png")
    assert read_mask("d/c/1.png", "d", "c", (12, 8), [boxes, masks]).sum() == 96
    assert read_mask("e/c/1.png", "e", "c", (12, 8), [masks, boxes]).sum() == 1


def test_real_annotations(shared_data):
    boxes = GroundTruth(kind="voc_boxes", folder=shared_data / "vlcs_annotations" / "voc2007_boxes", domain="VOC2007")
    # 500×281 with boxes 195–213 × 180–229 and 26–44 × 189–238 of persons.
    persons = read_mask("VOC2007/person/000032.jpg", "VOC2007", "person", (500, 281), [boxes])
    assert persons.sum() == 19 * 50 + 19 * 50
    assert np.array_equal(persons, box(179, 229, 194, 213, (281, 500)) | box(188, 238, 25, 44, (281, 500)))
    assert read_mask("LabelMe/person/000032.jpg", "LabelMe", "person", (500, 281), [boxes]) is None
    colours = GroundTruth(
        kind="colours",
        folder=shared_data / "vlcs_annotations" / "labelme_masks",
        colours={"car": (128, 0, 128)},
        domain="LabelMe",
    )
    car = read_mask("LabelMe/car/static_outdoor_mallorca_spain__IMG_8456.jpg", "LabelMe", "car", (342, 256), [boxes, colours])
    assert car.shape == (256, 342)
    assert 0.01 < car.mean() < 0.5
