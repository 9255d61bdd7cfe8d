"""Which annotation file belongs to which image, by names alone: real folders of empty files."""

import unicodedata
from pathlib import Path

import pytest

from align.datasets.annotation_files import annotated_domains, annotation_files, find_annotations, require_annotations
from align.datasets.settings import GroundTruth
from align.errors import InputError

IMAGES = ["paris/cat/1.jpg", "paris/cat/2.jpg", "paris/dog/3.jpg", "rome/cat/4.jpg"]


def truth(folder: Path, *files: str, kind: str = "masks", **settings) -> GroundTruth:
    """Return an entry whose folder has these files."""
    folder.mkdir(exist_ok=True)
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).touch()
    colours = {"cat": (1, 2, 3)} if kind == "colours" else {}
    return GroundTruth(kind=kind, folder=folder, colours=colours, **settings)


def found(folder: Path, *files: str, images=IMAGES, kind="masks", **settings) -> dict[str, list[str]]:
    return dict(find_annotations(truth(folder, *files, kind=kind, **settings), folder / "images", images).images)


@pytest.mark.parametrize(
    "name",
    [
        *(f"1{suffix}" for suffix in (".png", ".PNG", ".jpg", ".JPEG", ".bmp", ".tif", ".TIFF", ".gif", ".webp")),
        *("1_mask.png", "1-mask.png", "1 mask.png", "1.mask.png", "1_Mask.PNG", "1_masks.png", "1_segmentation.tif"),
        *("1_seg.png", "1_gt.png", "1_GT.bmp", "1_label.png", "1_trimap.png", "1.jpg.png", "1.jpg_mask.png"),
    ],
)
@pytest.mark.parametrize("place", ["paris/cat/", "paris/", "cat/", ""])
def test_common_names_and_places(tmp_path, name, place):
    assert found(tmp_path / "masks", place + name) == {place + name: ["paris/cat/1.jpg"]}


@pytest.mark.parametrize("name", ["1.txt", "11.png", "1_object.png", "01.png", "1_mask_old.png"])
def test_other_names_are_no_image_s(tmp_path, name):
    annotations = find_annotations(truth(tmp_path, f"paris/cat/{name}"), tmp_path / "images", IMAGES)
    assert not annotations.images
    assert [*annotations.without_image, *annotations.others] == [f"paris/cat/{name}"]


@pytest.mark.parametrize("place", ["rome/cat/", "paris/dog/", "paris/cat/old/", "PARIS/cat/"])
def test_another_folder_is_another_image_s(tmp_path, place):
    assert found(tmp_path, f"{place}1.png") == {}


def test_a_name_that_is_an_image_s_as_it_stands_has_no_ending(tmp_path):
    images = ["paris/cat/dog.jpg", "paris/cat/dog_gt.jpg"]
    files = ["paris/cat/dog.png", "paris/cat/dog_gt.png"]
    assert found(tmp_path, *files, images=images) == {files[0]: [images[0]], files[1]: [images[1]]}


def test_composed_and_decomposed_letters_are_the_same(tmp_path):
    decomposed = unicodedata.normalize("NFD", "münchen/café/é.png")
    image = unicodedata.normalize("NFC", "münchen/café/é.jpg")
    assert found(tmp_path, decomposed, images=[image]) == {decomposed: [image]}


def test_only_the_entry_s_domain_is_served(tmp_path):
    images = ["paris/cat/1.jpg", "rome/cat/1.jpg"]
    assert found(tmp_path, "1.xml", images=images, kind="voc_boxes", domain="rome") == {"1.xml": ["rome/cat/1.jpg"]}
    own = found(tmp_path / "cats", "cat/1.xml", images=images, kind="voc_boxes", domain="paris")
    assert own == {"cat/1.xml": ["paris/cat/1.jpg"]}


def test_images_beside_their_masks_are_no_masks(tmp_path):
    beside = truth(tmp_path / "photographs", *IMAGES, "paris/cat/1_mask.png")
    assert find_annotations(beside, tmp_path / "photographs", IMAGES) == ({"paris/cat/1_mask.png": ["paris/cat/1.jpg"]}, [], [])
    above = GroundTruth(kind="masks", folder=tmp_path)
    assert find_annotations(above, tmp_path / "photographs", IMAGES).without_image == ["photographs/paris/cat/1_mask.png"]


def test_everything_else_in_the_folder_is_told(tmp_path):
    entry = truth(tmp_path, "paris/cat/1.png", "paris/cat/9.png", "README.txt", ".hidden", ".git/x.png")
    annotations = find_annotations(entry, tmp_path / "images", IMAGES)
    assert (annotations.without_image, annotations.others) == (["paris/cat/9.png"], ["README.txt"])


def test_the_files_of_a_domain(tmp_path):
    masks = truth(tmp_path / "masks", "paris/cat/1.png", "rome/cat/4.png", "paris/cat/unknown.png")
    boxes = truth(tmp_path / "boxes", "2.xml", "4.xml", kind="voc_boxes")
    files = annotation_files([masks, boxes], tmp_path / "images", IMAGES, "paris")
    assert [file.relative_to(tmp_path).as_posix() for file in files] == ["boxes/2.xml", "masks/paris/cat/1.png"]
    assert annotated_domains([masks, boxes], tmp_path, IMAGES) == {"paris", "rome"}
    assert annotated_domains([truth(tmp_path / "one", "3.png")], tmp_path, IMAGES) == {"paris"}


def require(entry: GroundTruth, images=IMAGES) -> None:
    require_annotations("datasets.my.ground_truth.0", entry, find_annotations(entry, Path("images"), images), images)


def test_a_folder_without_an_image_s_name_is_an_error_with_one_name_found_and_one_expected(tmp_path):
    files = ("paris/cat/1_object.png", "paris/cat/2_object.png")
    with pytest.raises(InputError) as error:
        require(truth(tmp_path, *files))
    assert str(error.value) == (
        f"datasets.my.ground_truth.0: found no file with the name of an image, but 2 files in {tmp_path} such as "
        "'paris/cat/1_object.png', expected 'paris/cat/1.png' for the image 'paris/cat/1.jpg', or another of these (.bmp, .gif, "
        ".jpeg, .jpg, .png, .tif, .tiff, .webp); rename the files, or correct `folder:`"
    )
    with pytest.raises(
        InputError, match=r"but 1 files in .* such as '3_a\.xml', expected '3\.xml' for the image 'paris/dog/3\.jpg'"
    ):
        require(truth(tmp_path / "boxes", "3_a.xml", kind="voc_boxes"))


def test_an_empty_folder_and_one_of_other_files_are_errors(tmp_path):
    with pytest.raises(InputError, match=r"but nothing in .*, expected 'paris/cat/1\.png'"):
        require(truth(tmp_path / "empty"))
    with pytest.raises(InputError, match=r"but only 2 others such as '1\.json' in "):
        require(truth(tmp_path / "other", "1.json", "2.json"))
    with pytest.raises(InputError, match="found no such folder"):
        require(GroundTruth(kind="masks", folder=tmp_path / "absent"))


@pytest.mark.parametrize("kind", ["masks", "colours"])
def test_one_file_for_two_images_is_an_error_that_names_both(tmp_path, kind):
    with pytest.raises(InputError) as error:
        require(truth(tmp_path, "paris/cat/1.png", kind=kind), ["paris/cat/1.jpg", "paris/cat/1.png"])
    assert "'paris/cat/1.jpg' and 'paris/cat/1.png', expected a file for each; name it as the whole file" in str(error.value)
    assert "'1.jpg.png'" in str(error.value)
    with pytest.raises(InputError) as error:
        require(truth(tmp_path / "flat", "1.png", "2.png", kind=kind), ["a/x/1.jpg", "a/y/1.jpg", "b/x/1.jpg", "b/x/2.jpg"])
    assert "'a/x/1.jpg' and 'b/x/1.jpg', expected a file for each; put it into a folder <domain>/<class>/" in str(error.value)
    assert "`domain:`" in str(error.value)


def test_whole_names_tell_images_of_one_stem_apart(tmp_path):
    images = ["paris/cat/1.jpg", "paris/cat/1.png"]
    files = [f"{image}.png" for image in images]
    assert found(tmp_path, *files, images=images) == {file: [image] for file, image in zip(files, images)}


def test_a_file_of_boxes_may_say_itself_whose_it_is(tmp_path):
    require(truth(tmp_path, "1.xml", kind="voc_boxes"), ["a/x/1.jpg", "b/x/1.jpg"])


@pytest.mark.parametrize("names", [("1.png", "1_mask.png"), ("1.png", "1.PNG"), ("1.tif", "1.jpg.png")])
def test_two_files_for_one_image_are_an_error_that_names_both(tmp_path, names):
    with pytest.raises(InputError) as error:
        require(truth(tmp_path, *(f"paris/cat/{name}" for name in names), "paris/2.png", "2.png"))
    assert all(f"'paris/cat/{name}'" in str(error.value) for name in names) or "'2.png' and 'paris/2.png'" in str(error.value)
    assert "which both have the name of the image" in str(error.value)
    assert "(the same for 1 more)" in str(error.value)
