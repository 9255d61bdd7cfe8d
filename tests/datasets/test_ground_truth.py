"""The mask of an image from each kind of annotation: right masks by hand, and why others are not used."""

import numpy as np
import pytest
from PIL import Image

from align.datasets.annotation import AMBIGUOUS, EVERYTHING, NO_OBJECT, NOTHING, SHAPE, NotUsedError
from align.datasets.decoding import Frame, read_frame, read_rgb
from align.datasets.ground_truth import NO_COLOUR, RESIZED, TURNED, colours_in, read_annotation
from align.datasets.object_pixels import ALPHA, NOT_GIVEN, THRESHOLD, UNKNOWN, VALUES
from align.datasets.settings import GroundTruth
from align.datasets.voc_boxes import BAD_BOX, CUT, FILLS, NO_SIZE, OUTSIDE
from align.errors import InputError

ANNOTATION = """<annotation><size><width>{width}</width><height>{height}</height><depth>3</depth></size>{objects}</annotation>"""
OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox>{}</object>"
SIZE = (12, 8)


def upright(width: int, height: int) -> Frame:
    return Frame((width, height), 1, (width, height))


FRAME = upright(*SIZE)


def box(top: int, bottom: int, left: int, right: int, shape: tuple[int, int] = (8, 12)) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[top:bottom, left:right] = True
    return mask


def levels(mask: np.ndarray, on: int = 255, off: int = 0) -> Image.Image:
    return Image.fromarray(np.where(mask, on, off).astype(np.uint8))


@pytest.fixture
def read(tmp_path):
    """Return a function that saves a picture and reads the object of an image in it."""

    def read(picture: Image.Image, frame: Frame = FRAME, name: str = "1.png", save: dict | None = None, **settings):
        picture.save(tmp_path / name, **save or {})
        return read_annotation(tmp_path / name, GroundTruth(kind="masks", folder=tmp_path, **settings), "c", frame)

    return read


def refusal(read, *arguments, **settings) -> tuple[str, str]:
    with pytest.raises(NotUsedError) as error:
        read(*arguments, **settings)
    return error.value.reason, error.value.detail


class TestColours:
    """A mask picture is judged by what a viewer shows."""

    EXPECTED = box(2, 5, 3, 9)

    @pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB", "RGBA", "LA", "P", "CMYK"])
    def test_black_and_white_of_any_mode(self, read, mode):
        image = levels(self.EXPECTED)
        image = Image.fromarray(self.EXPECTED.astype(np.uint16) * 256) if mode == "I;16" else image.convert(mode)
        name = "1.tif" if mode == "CMYK" else "1.png"
        found = read(image, name=name)
        assert found.mask.dtype == bool
        assert np.array_equal(found.mask, self.EXPECTED)
        assert found.remarks == ()

    @pytest.mark.parametrize("on", [1, 7, 128, 255])
    def test_any_one_level_beside_black_is_the_object(self, read, on):
        assert np.array_equal(read(levels(self.EXPECTED, on)).mask, self.EXPECTED)

    @pytest.mark.parametrize("name", ["1.gif", "1.bmp", "1.tif", "1.webp"])
    def test_other_formats(self, read, name):
        assert np.array_equal(read(levels(self.EXPECTED), name=name, save={"lossless": True}).mask, self.EXPECTED)

    def test_floating_point(self, read):
        assert np.array_equal(read(Image.fromarray(self.EXPECTED.astype(np.float32)), name="1.tif").mask, self.EXPECTED)

    @pytest.mark.parametrize("white", [0, 1])
    def test_a_palette_s_indices_mean_nothing(self, read, white):
        image = Image.fromarray(np.where(self.EXPECTED, white, 1 - white).astype(np.uint8))
        image.putpalette([255, 255, 255, 0, 0, 0] if white == 0 else [0, 0, 0, 255, 255, 255])
        assert np.array_equal(read(image).mask, self.EXPECTED)

    def test_a_palette_s_colour_beside_black_is_the_object(self, read):
        image = Image.fromarray(self.EXPECTED.astype(np.uint8) * 15)
        image.putpalette([value for index in range(256) for value in (0, index * 4 % 256, 0)])
        assert np.array_equal(read(image).mask, self.EXPECTED)

    def test_a_cut_out_is_the_object(self, read):
        pixels = np.full((8, 12, 4), 200, np.uint8)
        pixels[..., 3] = self.EXPECTED * 255
        found = read(Image.fromarray(pixels))
        assert np.array_equal(found.mask, self.EXPECTED)
        assert found.remarks == (ALPHA,)
        soft = np.where(self.EXPECTED, 200, 30).astype(np.uint8)
        assert np.array_equal(read(Image.merge("LA", [levels(~self.EXPECTED), Image.fromarray(soft)])).mask, self.EXPECTED)

    def test_a_palette_with_a_transparent_index_is_a_cut_out(self, read):
        image = Image.fromarray(self.EXPECTED.astype(np.uint8) + 1)
        image.putpalette([9, 9, 9, 255, 255, 255, 255, 255, 255])
        assert np.array_equal(read(image, save={"transparency": 1}).mask, self.EXPECTED)

    @pytest.mark.parametrize("alpha", [0, 128, 255])
    def test_the_same_transparency_everywhere_says_nothing(self, read, alpha):
        image = levels(self.EXPECTED).convert("RGBA")
        image.putalpha(alpha)
        assert np.array_equal(read(image).mask, self.EXPECTED)

    def test_nothing_and_everything(self, read):
        for mode in ("1", "L", "RGB", "P"):
            assert refusal(read, Image.new(mode, SIZE))[0] == NOTHING
        for value in (1, 255):
            assert refusal(read, Image.new("L", SIZE, value))[0] == EVERYTHING
        assert refusal(read, Image.new("RGB", SIZE, "white"))[0] == EVERYTHING


class TestNoise:
    """Grey levels between black and white are noise only at borders."""

    EXPECTED = box(10, 40, 16, 56, (64, 96))
    FRAME = upright(96, 64)

    @pytest.mark.parametrize("quality", [20, 40, 60, 75, 90, 95])
    @pytest.mark.parametrize("mode", ["L", "RGB"])
    def test_a_jpeg(self, read, quality, mode):
        found = read(levels(self.EXPECTED).convert(mode), self.FRAME, "1.jpg", {"quality": quality})
        assert (found.mask != self.EXPECTED).mean() < 0.003
        assert found.remarks == (THRESHOLD,)

    def test_a_jpeg_of_a_curved_object(self, read):
        down, right = np.mgrid[:200, :300]
        disc = (down - 90) ** 2 + (right - 140) ** 2 < 70**2
        for quality in (10, 30, 60, 90):
            found = read(levels(disc), upright(300, 200), "1.jpg", {"quality": quality})
            assert (found.mask != disc).mean() < 0.005

    @pytest.mark.parametrize("resample", [Image.Resampling.BILINEAR, Image.Resampling.LANCZOS, Image.Resampling.BOX])
    @pytest.mark.parametrize("scale", [2, 3])
    def test_soft_borders(self, read, resample, scale):
        image = levels(self.EXPECTED)
        size = (image.width // scale, image.height // scale)
        found = read(image.resize(size, resample), upright(*size))
        assert (found.mask != np.asarray(image.resize(size, Image.Resampling.NEAREST)) // 255).mean() < 0.05

    def labelled(self, *regions: tuple[int, int]) -> Image.Image:
        """Return nested boxes: a value and how far the box is from the border, for each."""
        picture = np.full((64, 96), regions[0][0], np.uint8)
        for value, margin in regions[1:]:
            picture[margin:-margin, margin:-margin] = value
        return Image.fromarray(picture)

    @pytest.mark.parametrize(
        "regions",
        [
            [(2, 0), (3, 10), (1, 12)],  # a trimap: 2 background, 3 border, 1 object
            [(2, 0), (1, 12)],
            [(0, 0), (255, 10), (8, 14)],  # PASCAL VOC: 255 unknown
            [(0, 0), (255, 10), (1, 14)],
            [(0, 0), (255, 10), (8, 11)],
            [(0, 0), (3, 5), (9, 12), (15, 20)],
            [(0, 0), (128, 10), (255, 20)],
            [(0, 0), (250, 10), (255, 20)],
            [(100, 0), (200, 12)],
            [(255, 0), (254, 12)],
        ],
    )
    def test_several_values_are_not_guessed_at(self, read, regions):
        reason, detail = refusal(read, self.labelled(*regions), self.FRAME)
        assert reason == VALUES
        assert f"{regions[-1][0]} (" in detail

    def test_a_label_map_of_many_classes(self, read):
        labels = np.kron(np.arange(24, dtype=np.uint8).reshape(4, 6), np.ones((16, 16), np.uint8))
        labels[labels == 23] = 255
        assert refusal(read, Image.fromarray(labels), self.FRAME)[0] == VALUES

    def test_several_colours_are_not_guessed_at(self, read):
        pixels = np.zeros((64, 96, 3), np.uint8)
        pixels[10:30, 10:30], pixels[10:30, 50:70] = (128, 0, 0), (0, 128, 0)
        reason, detail = refusal(read, Image.fromarray(pixels), self.FRAME)
        assert (reason, detail) == (VALUES, "found [0, 0, 0] (87.0%), [0, 128, 0] (6.5%), [128, 0, 0] (6.5%)")

    def test_the_object_s_value_can_be_given(self, read):
        trimap = self.labelled((2, 0), (3, 10), (1, 12))
        inner, outer = box(12, 52, 12, 84, (64, 96)), box(10, 54, 10, 86, (64, 96))
        assert np.array_equal(read(trimap, self.FRAME, object=1).mask, inner)
        assert np.array_equal(read(trimap, self.FRAME, object=[1, 3]).mask, outer)
        assert np.array_equal(read(trimap.convert("RGB"), self.FRAME, object=[1]).mask, inner)
        assert refusal(read, trimap, self.FRAME, object=[7]) == (NOT_GIVEN, "found 1 (46.9%), 2 (45.6%), 3 (7.6%)")

    def test_the_unknown_value_can_be_given_and_is_not_the_object(self, read):
        voc = self.labelled((0, 0), (255, 10), (8, 14))
        found = read(voc, self.FRAME, unknown=255)
        assert np.array_equal(found.mask, box(14, 50, 14, 82, (64, 96)))
        assert found.remarks == (UNKNOWN,)
        assert read(self.labelled((0, 0), (8, 14)), self.FRAME, unknown=[255]).remarks == ()
        assert refusal(read, self.labelled((0, 0), (255, 14)), self.FRAME, unknown=[255])[0] == NOTHING

    def test_numbers_are_a_palette_s_indices_and_colours_those_shown(self, read):
        voc = self.labelled((0, 0), (255, 10), (8, 14))
        voc.putpalette([0] * 24 + [64, 0, 0] + [0] * (246 * 3) + [224, 224, 192])
        expected = box(14, 50, 14, 82, (64, 96))
        assert refusal(read, voc, self.FRAME)[0] == VALUES
        for settings in ({"object": 8}, {"object": [[64, 0, 0]]}, {"unknown": [255]}, {"unknown": [[224, 224, 192]]}):
            assert np.array_equal(read(voc, self.FRAME, **settings).mask, expected)

    def test_an_object_that_is_everything_by_its_value(self, read):
        assert refusal(read, Image.new("L", SIZE, 3), object=[3])[0] == EVERYTHING


class TestShape:
    def test_a_mask_of_another_size_is_resized_to_the_image(self, read):
        found = read(levels(box(2, 6, 4, 8)), upright(6, 4))
        assert np.array_equal(found.mask, box(1, 3, 2, 4, (4, 6)))
        assert found.remarks == (RESIZED,)

    @pytest.mark.parametrize(
        ("mask", "image"), [((512, 384), (342, 256)), ((500, 333), (256, 170)), ((61, 40), (60, 40)), ((7, 5), (300, 200))]
    )
    def test_rounded_sizes_have_the_same_shape(self, read, mask, image):
        assert read(levels(box(1, 3, 1, 3, mask[::-1])), upright(*image)).mask.shape == image[::-1]

    @pytest.mark.parametrize(
        ("mask", "image"), [((40, 60), (60, 40)), ((60, 44), (60, 40)), ((256, 256), (342, 256)), ((300, 190), (300, 200))]
    )
    def test_another_shape_is_not_used(self, read, mask, image):
        reason, detail = refusal(read, levels(box(1, 3, 1, 3, mask[::-1])), upright(*image))
        assert (reason, detail) == (SHAPE, f"found {mask[0]}×{mask[1]}, expected the shape of {image[0]}×{image[1]}")

    @pytest.fixture(params=range(1, 9))
    def turned(self, request, tmp_path):
        """Return a photograph with a white box that EXIF turns, its mask as stored and its mask upright."""
        stored = box(5, 20, 10, 30, (40, 60))
        exif = Image.Exif()
        exif[0x0112] = request.param
        levels(stored).save(tmp_path / "photo.jpg", exif=exif, quality=95)
        shown = np.asarray(read_rgb(tmp_path / "photo.jpg")[0])[..., 0] > 128
        return request.param, read_frame(tmp_path / "photo.jpg"), stored, shown

    def test_a_mask_is_turned_where_its_size_says_so(self, read, turned):
        orientation, frame, stored, shown = turned
        assert (frame.orientation, frame.stored, frame.decoded) == (orientation, (60, 40), shown.shape[::-1])
        if 2 <= orientation <= 4:
            assert refusal(read, levels(stored), frame)[0] == AMBIGUOUS
            return
        found = read(levels(stored), frame)
        assert np.array_equal(found.mask, shown)
        assert found.remarks == ((TURNED,) if orientation > 1 else ())
        assert np.array_equal(read(levels(shown), frame).mask, shown)
        small = levels(stored).resize((30, 20), Image.Resampling.NEAREST)
        assert (read(small, frame).mask != shown).mean() < 0.05

    def test_a_setting_says_what_the_size_cannot(self, read, turned):
        _, frame, stored, shown = turned
        assert np.array_equal(read(levels(stored), frame, drawn_on="stored").mask, shown)
        assert np.array_equal(read(levels(shown), frame, drawn_on="upright").mask, shown)

    def test_a_size_against_the_setting_is_not_used(self, read):
        frame = Frame((60, 40), 6, (40, 60))
        assert refusal(read, levels(box(5, 20, 10, 30, (40, 60))), frame, drawn_on="upright")[0] == SHAPE
        assert refusal(read, levels(box(5, 20, 10, 30, (60, 40))), frame, drawn_on="stored")[0] == SHAPE

    def test_a_square_image_that_is_turned_needs_the_setting(self, read):
        frame, mask = Frame((40, 40), 6, (40, 40)), box(0, 10, 0, 20, (40, 40))
        assert refusal(read, levels(mask), frame)[0] == AMBIGUOUS
        assert np.array_equal(read(levels(mask), frame, drawn_on="stored").mask, np.rot90(mask, -1))

    def test_a_nearly_square_image_is_told_by_the_very_size(self, read):
        frame = Frame((41, 40), 6, (40, 41))
        mask = box(0, 10, 0, 20, (40, 41))
        assert np.array_equal(read(levels(mask), frame).mask, np.rot90(mask, -1))
        assert refusal(read, levels(mask).resize((20, 20)), frame)[0] == AMBIGUOUS

    def test_a_mask_with_metadata_of_its_own_is_upright(self, read):
        exif = Image.Exif()
        exif[0x0112] = 6
        mask = box(5, 20, 10, 30, (40, 60))
        assert np.array_equal(read(levels(mask), Frame((60, 40), 6, (40, 60)), save={"exif": exif}).mask, np.rot90(mask, -1))

    def test_an_image_that_is_decoded_smaller(self, read, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.new("RGB", (640, 480)).save(tmp_path / "photo.jpg", exif=exif)
        frame = read_frame(tmp_path / "photo.jpg", 100)
        assert frame.decoded == read_rgb(tmp_path / "photo.jpg", 100)[0].size == (120, 160)
        mask = box(48, 96, 64, 128, (480, 640))
        assert np.array_equal(read(levels(mask), frame).mask, np.rot90(box(12, 24, 16, 32, (120, 160)), -1))


def test_a_broken_mask_is_named(tmp_path):
    (tmp_path / "1.png").write_bytes(b"\x89PNG")
    with pytest.raises(InputError, match=r"1\.png: found no whole"):
        read_annotation(tmp_path / "1.png", GroundTruth(kind="masks", folder=tmp_path), "c", FRAME)


class TestBoxes:
    @pytest.fixture
    def annotated(self, tmp_path):
        """Return a function that writes an annotation and reads the boxes of a class in it."""

        def read(objects: str, label: str = "dog", frame: Frame = FRAME, size=SIZE, **settings):
            annotation = (
                ANNOTATION.format(width=size[0], height=size[1], objects=objects)
                if size
                else f"<annotation>{objects}</annotation>"
            )
            (tmp_path / "1.xml").write_text(annotation)
            return read_annotation(tmp_path / "1.xml", GroundTruth(kind="voc_boxes", folder=tmp_path, **settings), label, frame)

        return read

    def test_boxes_of_the_class_count_from_one_and_end_with_their_last_pixel(self, annotated):
        objects = (
            OBJECT.format("dog", 1, 1, 3, 2, "") + OBJECT.format("dog", 10, 8, 12, 8, "") + OBJECT.format("cat", 5, 5, 6, 6, "")
        )
        assert np.array_equal(annotated(objects).mask, box(0, 2, 0, 3) | box(7, 8, 9, 12))
        assert np.array_equal(annotated(objects, "cat").mask, box(4, 6, 4, 6))
        assert refusal(annotated, objects, "bird") == (NO_OBJECT, "found cat, dog, expected bird")
        assert refusal(annotated, "") == (NO_OBJECT, "found no object")

    def test_boxes_are_scaled_to_the_image(self, annotated):
        found = annotated(OBJECT.format("dog", 5, 5, 16, 8, ""), size=(24, 16))
        assert np.array_equal(found.mask, box(2, 4, 2, 8))

    def test_boxes_beyond_the_image_are_cut_and_parts_of_objects_do_not_count(self, annotated):
        part = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
        objects = OBJECT.format("dog", -3, 6.0, 40, 99, part)
        assert np.array_equal(annotated(objects).mask, box(5, 8, 0, 12))
        assert annotated(objects).remarks == (CUT,)
        assert refusal(annotated, objects, "head")[0] == NO_OBJECT

    def test_boxes_that_count_from_zero_are_no_more_than_a_pixel_off(self, annotated):
        found = annotated(OBJECT.format("dog", 0, 0, 12, 8, ""))
        assert (found.mask.all(), found.remarks) == (True, (FILLS,))

    @pytest.mark.parametrize(
        ("sides", "reason"),
        [((9, 2, 3, 5), BAD_BOX), ((2, 6, 3, 5), BAD_BOX), ((30, 2, 40, 5), OUTSIDE), ((-9, 1, -3, 5), OUTSIDE)],
    )
    def test_boxes_that_cannot_be(self, annotated, sides, reason):
        assert refusal(annotated, OBJECT.format("dog", *sides, ""))[0] == reason

    def test_a_size_of_another_shape(self, annotated):
        objects = OBJECT.format("dog", 1, 1, 3, 2, "")
        assert refusal(annotated, objects, size=(8, 12)) == (SHAPE, "found 8×12, expected the shape of 12×8")

    def test_boxes_are_turned_where_their_size_says_so(self, annotated):
        objects, frame = OBJECT.format("dog", 1, 1, 3, 2, ""), Frame((12, 8), 6, (8, 12))
        found = annotated(objects, frame=frame)
        assert np.array_equal(found.mask, np.rot90(box(0, 2, 0, 3), -1))
        assert found.remarks == (TURNED,)
        assert np.array_equal(annotated(objects, frame=frame, size=(8, 12)).mask, box(0, 2, 0, 3, (12, 8)))

    @pytest.mark.parametrize("size", [(0, 0), (0, 8), None])
    def test_without_a_size_the_image_s_counts_if_the_boxes_fit(self, annotated, size):
        objects = OBJECT.format("dog", 1, 1, 3, 2, "")
        found = annotated(objects, size=size)
        assert np.array_equal(found.mask, box(0, 2, 0, 3))
        assert found.remarks == (NO_SIZE,)
        assert refusal(annotated, OBJECT.format("dog", 1, 1, 30, 2, ""), size=size)[0] == SHAPE
        turned = Frame((12, 8), 6, (8, 12))
        assert refusal(annotated, objects, frame=turned, size=size)[0] == AMBIGUOUS
        assert np.array_equal(annotated(objects, frame=turned, size=size, drawn_on="stored").mask, np.rot90(box(0, 2, 0, 3), -1))
        wide = annotated(OBJECT.format("dog", 1, 1, 12, 2, ""), frame=turned, size=size)  # it fits in 12×8 only
        assert np.array_equal(wide.mask, np.rot90(box(0, 2, 0, 12), -1))

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            ("<annotation><size>", "no element found"),
            ("", "no element found"),
            ("<annotations></annotations>", "it begins with <annotations>"),
            (ANNOTATION.format(width="wide", height=8, objects=""), "could not convert"),
            (ANNOTATION.format(width=12, height=8, objects=OBJECT.format("dog", "x", 1, 2, 2, "")), "could not convert"),
            (ANNOTATION.format(width=12, height=8, objects=OBJECT.format("dog", "nan", 1, 2, 2, "")), "<bndbox/xmin> is nan"),
            (ANNOTATION.format(width=12, height=8, objects=OBJECT.format("dog", "inf", 1, 2, 2, "")), "<bndbox/xmin> is inf"),
            (ANNOTATION.format(width=12, height=8, objects="<object><name>dog</name></object>"), "no <bndbox/xmin> in <object>"),
        ],
    )
    def test_a_malformed_annotation_is_named(self, tmp_path, content, problem):
        (tmp_path / "1.xml").write_text(content)
        with pytest.raises(InputError, match=rf"1\.xml: found no PASCAL VOC annotation \(.*{problem}"):
            read_annotation(tmp_path / "1.xml", GroundTruth(kind="voc_boxes", folder=tmp_path), "dog", FRAME)

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
    def test_entities_are_never_expanded(self, tmp_path, encoding):
        document = (
            f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY b "{"b" * 9}"><!ENTITY c "&b;&b;">]><a>&c;</a>'
        )
        (tmp_path / "1.xml").write_bytes(document.encode(encoding))
        with pytest.raises(InputError, match=r"1\.xml: .*document type"):
            read_annotation(tmp_path / "1.xml", GroundTruth(kind="voc_boxes", folder=tmp_path), "dog", FRAME)


def test_a_colour_means_a_class(tmp_path):
    truth = GroundTruth(kind="colours", folder=tmp_path, colours={"car": (128, 0, 128), "bus": (1, 2, 3)})
    image = np.zeros((8, 12, 4), dtype=np.uint8)
    image[1:4, 2:6] = (128, 0, 128, 255)
    image[5:7, 2:6] = (128, 0, 127, 255)
    file = tmp_path / "street.png"
    Image.fromarray(image).save(file)
    assert np.array_equal(read_annotation(file, truth, "car", FRAME).mask, box(1, 4, 2, 6))
    assert np.array_equal(read_annotation(file, truth, "car", upright(24, 16)).mask, box(2, 8, 4, 12, (16, 24)))
    assert colours_in(file) == {(0, 0, 0), (128, 0, 128), (128, 0, 127)}
    for label, frame, reason in (("dog", FRAME, NO_COLOUR), ("bus", FRAME, NO_OBJECT), ("car", upright(8, 12), SHAPE)):
        with pytest.raises(NotUsedError) as error:
            read_annotation(file, truth, label, frame)
        assert error.value.reason == reason
    Image.new("RGB", SIZE, (128, 0, 128)).save(file)
    with pytest.raises(NotUsedError, match=EVERYTHING):
        read_annotation(file, truth, "car", FRAME)


def test_real_annotations(shared_data):
    folder = shared_data / "vlcs_annotations"
    boxes = GroundTruth(kind="voc_boxes", folder=folder / "voc2007_boxes", domain="VOC2007")
    # 500×281 with boxes 195–213 × 180–229 and 26–44 × 189–238 of persons.
    persons = read_annotation(boxes.folder / "000032.xml", boxes, "person", upright(500, 281)).mask
    assert persons.sum() == 19 * 50 + 19 * 50
    assert np.array_equal(persons, box(179, 229, 194, 213, (281, 500)) | box(188, 238, 25, 44, (281, 500)))
    colours = GroundTruth(kind="colours", folder=folder / "labelme_masks", colours={"car": (128, 0, 128)}, domain="LabelMe")
    car = read_annotation(colours.folder / "static_outdoor_mallorca_spain__IMG_8456.png", colours, "car", upright(342, 256)).mask
    assert car.shape == (256, 342)
    assert 0.01 < car.mean() < 0.5
