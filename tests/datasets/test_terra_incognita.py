import copy
import csv
import io
import json
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY
from PIL import Image

from align.acquisition.archive_file import ArchiveFile, Layout
from align.datasets.published_counts import published_counts
from align.datasets.source_settings import TerraIncognitaSettings
from align.datasets.terra_incognita import (
    CLASSES,
    LOCATIONS,
    Photograph,
    destination,
    index_annotations,
    parse_annotations,
    read_list,
    summary,
    unpack_archives,
)
from align.errors import InputError

RANDOM = np.random.default_rng(0)
NAMES = ("cis_test", "cis_val", "train", "trans_test", "trans_val")
CATEGORIES = {name: number for number, name in enumerate([*sorted(CLASSES), "skunk", "car"])}
CURRENT = TerraIncognitaSettings(version="current")
PAPER = TerraIncognitaSettings()
LISTING = REPOSITORY / "reference/terra_incognita_24788.csv.gz"
SEQUENCE = "6f0a3ccf-5567-11e8-92fb-dca9047ef277"


def annotation_file(**images: tuple[int | str, str]) -> dict[str, Any]:
    """Return the content of an annotation file. Each image has a location and its classes, separated by commas."""
    pairs = [(image, label) for image, (_, labels) in images.items() for label in labels.split(",") if label]
    return {
        "info": {"version": "Caltech Camera Traps - ECCV18", "year": 2018},
        "categories": [{"id": number, "name": name} for name, number in CATEGORIES.items()],
        "images": [
            {"file_name": f"{image}.jpg", "id": image, "location": location, "seq_id": SEQUENCE, "frame_num": 1, "width": 2048}
            for image, (location, _) in images.items()
        ],
        "annotations": [
            {"image_id": image, "category_id": CATEGORIES[label], "id": f"{image}/{number}", "bbox": [1.5, 2.5, 3.0, 4.0]}
            for number, (image, label) in enumerate(pairs)
        ],
    }


def parse(**files: dict[str, Any]):
    return {name: parse_annotations(json.dumps(content).encode(), name) for name, content in files.items()}


def archive(path: Path, members: dict[str, bytes]) -> ArchiveFile:
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name, content in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return ArchiveFile(path, 10**9)


def annotation_archive(folder: Path, files: dict[str, Any]) -> ArchiveFile:
    members = {f"eccv_18_annotation_files/{name}_annotations.json": json.dumps(files[name]).encode() for name in files}
    return archive(folder / "eccv_18_annotations.tar.gz", {"eccv_18_annotation_files/._train_annotations.json": b"mac"} | members)


def image_archive(folder: Path, images: dict[str, bytes]) -> ArchiveFile:
    return archive(
        folder / "eccv_18_all_images_sm.tar.gz", {f"eccv_18_all_images_sm/{name}": content for name, content in images.items()}
    )


def jpeg() -> bytes:
    """Return another small image at each call."""
    file = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (12, 16, 3), np.uint8)).save(file, "JPEG")
    return file.getvalue()


def domainbed(files: dict[str, Any], held: set[str]) -> set[tuple[str, str, str]]:
    """Return location, class and name of the files that DomainBed makes: one for every pair of image and annotation."""
    made = set()
    for content in files.values():
        categories = {category["id"]: category["name"] for category in content["categories"]}
        images = [image for image in content["images"] if str(image["location"]) in LOCATIONS and image["file_name"] in held]
        for image in images:
            for annotation in content["annotations"]:
                if annotation["image_id"] == image["id"] and categories[annotation["category_id"]] in CLASSES:
                    made.add((str(image["location"]), categories[annotation["category_id"]], image["file_name"]))
    return made


@pytest.fixture(scope="module")
def genuine(shared_data) -> dict[str, Any]:
    return json.loads((shared_data / "camera_traps/cis_val_annotations.json").read_text())


@pytest.fixture(scope="module")
def unpacked(shared_data, genuine, tmp_path_factory) -> tuple[Path, dict[str, Any], dict[str, bytes]]:
    """Return the data set's folder, its annotation files, one of them genuine, and its images, some of them real."""
    folder = tmp_path_factory.mktemp("terra")
    with (shared_data / "camera_traps/labels.csv").open() as file:
        labels = {row["file"]: (int(row["location"]), row["label"]) for row in csv.DictReader(file)}
    real = {name: (shared_data / "camera_traps/images" / name).read_bytes() for name in labels}
    listed = {image["file_name"] for image in genuine["images"]}
    others = {name.removesuffix(".jpg"): label for name, label in labels.items() if name not in listed}
    repeated = genuine["images"][0]
    files = {
        "cis_val": genuine,
        "train": annotation_file(**others),
        "trans_val": annotation_file(t1=("46", "bird,bird"), t2=(100, "cat,dog"), t3=(100, "skunk"), t4=(100, "skunk,cat")),
        "trans_test": annotation_file(t5=(46, ""), t6=(46, "empty"), t7=(7, "bird")),
        "cis_test": {**genuine, "images": [repeated], "annotations": []},
    }
    files["trans_test"]["annotations"].append({"image_id": "of nothing", "category_id": 0, "id": "x"})
    names = {image["file_name"] for content in files.values() for image in content["images"]} - {"t6.jpg"}
    images = {name: real.get(name) or jpeg() for name in sorted(names)}
    assert len(real) == 11 and set(real) <= names
    unpack_archives(folder / "data", CURRENT, image_archive(folder, images), annotation_archive(folder, files), LISTING)
    return folder / "data", files, images


def test_images_of_one_class_are_where_domainbed_puts_them(unpacked):
    root, files, images = unpacked
    expected = domainbed(files, set(images))
    classes = Counter(name for _, _, name in expected)
    written = {(path.parts[-3], path.parts[-2], path.name.split("_")[-1]) for path in root.glob("*/*/*")}
    assert written == {(f"L{location}", label, name) for location, label, name in expected if classes[name] == 1}
    assert {name for name, count in classes.items() if count > 1} == {"t2.jpg"}


def test_the_bytes_are_the_archives(unpacked):
    root, _, images = unpacked
    assert all(path.read_bytes() == images[path.name.split("_")[-1]] for path in root.glob("*/*/*"))
    real = "5971f8b0-23d2-11e8-a6a3-ec086b02610b.jpg"
    assert [path.parent for path in root.glob(f"*/*/*_{real}")] == [root / "L38/squirrel"]


def test_everything_is_counted(unpacked, genuine):
    root, files, images = unpacked
    report = json.loads((root / "acquisition.json").read_text())
    # The genuine file lists 799 and 520 images at locations 38 and 43; 9 of them show a skunk only. See its README.
    at_four = [image["id"] for image in genuine["images"] if str(image["location"]) in LOCATIONS]
    per_image = Counter(annotation["image_id"] for annotation in genuine["annotations"])
    assert len(at_four) == 799 + 520
    expected = 799 + 520 - 9 + 4 + 2  # of camera_traps/images, and t1 and t4
    assert report == {
        "annotation_files": sorted(f"eccv_18_annotation_files/{name}_annotations.json" for name in files),
        "incomplete": ["the archive lacks 1 of the images that are listed for it"],
        "images": expected,
        "left_out": {
            "annotation of a class outside the ten": 9 + 2,
            "annotation of an image that no file lists": 1,
            "image names no class of the ten": 9 + 1,
            "image names several of the ten classes": 1,
            "image not in the archive": 1,
            "image without annotation": 1,
        },
        "several_annotations": sum(per_image[image] > 1 for image in at_four) + 3,
        "published_by_DomainBed": 24788,
        "difference": expected - 24788,
        "images_by_DomainBed_rule": len(domainbed(files, set(images))),
    }
    assert report["images_by_DomainBed_rule"] == expected + 2
    assert len(list(root.glob("L*/*/*"))) == expected


def test_a_burst_of_frames_has_one_prefix(unpacked, genuine):
    root, _, _ = unpacked
    sequences = {image["file_name"]: image["seq_id"] for image in genuine["images"]}
    names = [path.name for path in root.glob("L38/*/*") if path.name.split("_")[-1] in sequences]
    groups = {name: re.search("^([0-9a-f-]{36})_", name)[1] for name in names}
    assert groups == {name: sequences[name.split("_")[-1]] for name in names}
    assert len(set(groups.values())) < len(groups)


def test_several_annotations_of_one_class_are_one_image():
    photographs = index_annotations(parse(a=annotation_file(x=(38, "cat,cat,cat")))).photographs
    assert photographs == {"x.jpg": Photograph("38", SEQUENCE, ("cat",), 3)}


def test_an_image_of_several_files_counts_once():
    content = annotation_file(x=(38, "cat"), y=(38, "cat"))
    counted = index_annotations(parse(a=content, b=annotation_file(x=("38", "cat")), c=annotation_file(x=(38, ""))))
    assert counted.photographs == {name: Photograph("38", SEQUENCE, ("cat",), 1) for name in ("x.jpg", "y.jpg")}


def test_annotations_may_stand_in_another_file_than_their_image():
    files = parse(a=annotation_file(x=(38, "")), b=annotation_file(y=(38, "dog")))
    files["b"].annotations[0].image_id = "x"
    photographs = index_annotations(files).photographs
    assert photographs["x.jpg"].classes == ("dog",)
    assert photographs["y.jpg"].annotations == 0


def test_categories_are_those_of_each_file():
    other = annotation_file(y=(38, "cat"))
    other["categories"] = [{"id": CATEGORIES["cat"], "name": "coyote"}]
    photographs = index_annotations(parse(a=annotation_file(x=(38, "cat")), b=other)).photographs
    assert [photographs[name].classes for name in ("x.jpg", "y.jpg")] == [("cat",), ("coyote",)]


def test_outside_and_unlisted_annotations_are_counted():
    content = annotation_file(x=(38, "skunk,car,cat"), y=(7, "skunk"))
    content["annotations"] += [{"image_id": "z", "category_id": 0, "id": 1}] * 3
    counted = index_annotations(parse(a=content))
    assert (counted.outside, counted.unlisted) == (2, 3)
    assert list(counted.photographs) == ["x.jpg"]


def test_files_that_disagree_are_refused():
    with pytest.raises(InputError, match=r"b: found x\.jpg at location 43, expected location 38 as in another file"):
        index_annotations(parse(a=annotation_file(x=(38, "cat")), b=annotation_file(x=(43, "cat"))))
    other = annotation_file(x=(38, "cat"))
    other["images"][0]["file_name"] = "y.jpg"
    with pytest.raises(InputError, match=r"b: found image x as y\.jpg, expected x\.jpg as in another file"):
        index_annotations(parse(a=annotation_file(x=(38, "cat")), b=other))


def test_a_category_without_name_is_refused():
    content = annotation_file(x=(38, "cat"))
    content["annotations"][0]["category_id"] = 77
    with pytest.raises(InputError, match="a: found category 77 of image x, expected one of its `categories`"):
        index_annotations(parse(a=content))


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("images", None, "images: Field required"),
        ("annotations", {}, "annotations: Input should be a valid array"),
        ("images", {"location": None}, "images.0.location: Input should be a valid string, found 'None'"),
        ("images", {"file_name": "../x.jpg"}, "images.0.file_name: .* found '../x.jpg'"),
        ("images", {"file_name": "a/x.jpg"}, "images.0.file_name: .* found 'a/x.jpg'"),
        ("images", {"file_name": "a\\x.jpg"}, "images.0.file_name: "),
        ("images", {"file_name": "..jpg"}, "images.0.file_name: "),
        ("images", {"file_name": "x.jpg\n"}, "images.0.file_name: "),
        ("images", {"file_name": "x.exe"}, "images.0.file_name: "),
        ("images", {"seq_id": "../.."}, "images.0.seq_id: "),
        ("annotations", {"category_id": [1]}, "annotations.0.category_id: "),
        ("annotations", {"image_id": None}, "annotations.0.image_id: "),
        ("categories", {"name": None}, "categories.0.name: "),
    ],
)
def test_annotations_of_another_form_are_refused(part, change, message):
    content = copy.deepcopy(annotation_file(x=(38, "cat")))
    if change is None:
        del content[part]
    elif change == {}:
        content[part] = {}
    else:
        content[part][0] |= change
    with pytest.raises(InputError, match=f"^trans.json: {message}.*expected an annotation file of Caltech Camera Traps"):
        parse_annotations(json.dumps(content).encode(), "trans.json")


@pytest.mark.parametrize("content", [b"", b"[]", b'{"images": [', b"\xff\xfe"])
def test_annotations_that_are_no_json_are_refused(content):
    with pytest.raises(InputError, match=r"^trans\.json: the file: .*expected an annotation file of Caltech Camera Traps"):
        parse_annotations(content, "trans.json")


def test_an_image_without_sequence_keeps_its_name():
    assert str(destination("x.jpg", Photograph("38", None, ("cat",), 1))) == "L38/cat/x.jpg"
    assert str(destination("x.jpg", Photograph("100", "s", ("cat",), 1))) == "L100/cat/s_x.jpg"
    assert destination("x.jpg", Photograph("38", "s", (), 1)) is None
    assert destination("x.jpg", Photograph("38", "s", ("cat", "dog"), 2)) is None


def test_every_listed_image_is_counted_once():
    content = annotation_file(a=(38, "cat"), b=(38, "cat,dog"), c=(43, "car"), d=(46, ""), e=(100, "dog"), f=(38, "cat"))
    report = summary(index_annotations(parse(a=content)), {"a.jpg", "b.jpg", "e.jpg"})
    images = sum(count for reason, count in report["left_out"].items() if reason.startswith("image"))
    assert report["images"] + images == 6
    assert report["images_by_DomainBed_rule"] == 4


def test_archives_that_do_not_belong_together_are_refused(tmp_path):
    annotations = annotation_archive(tmp_path, {"train": annotation_file(x=(38, "cat"))})
    images = image_archive(tmp_path, {"y.jpg": b""})
    with pytest.raises(
        InputError, match=r"all_images_sm\.tar\.gz: found none of the 1 images of version current.*annotations\.tar\.gz"
    ):
        unpack_archives(tmp_path / "data", CURRENT, images, annotations, LISTING)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["eccv_18_all_images_sm.tar.gz", "eccv_18_annotations.tar.gz"]


def test_an_annotation_archive_without_annotations_is_refused(tmp_path):
    images = image_archive(tmp_path, {"y.jpg": b""})
    with pytest.raises(InputError, match=r"found no file \*_annotations\.json, expected the five"):
        unpack_archives(tmp_path / "data", CURRENT, images, images, LISTING)


def test_an_image_that_the_archive_holds_twice_is_refused(tmp_path):
    annotations = annotation_archive(tmp_path, {"train": annotation_file(x=(38, "cat"))})
    images = archive(tmp_path / "images.tar.gz", {"a/x.jpg": b"1", "b/x.jpg": b"2"})
    with pytest.raises(InputError, match=r"found 'b/x\.jpg', but another member was already written"):
        unpack_archives(tmp_path / "data", CURRENT, images, annotations, LISTING)
    assert not (tmp_path / "data").exists()


# Version 24788: the images of a list


@pytest.fixture(scope="module")
def listed():
    return read_list(LISTING)


def files_of(root: Path) -> Counter[tuple[str, str]]:
    return Counter((path.parts[-3], path.parts[-2]) for path in root.glob("*/*/*"))


def counts() -> dict[tuple[str, str], int]:
    rows = published_counts(REPOSITORY / "reference/dataset_counts.csv", "TerraIncognita-24788")
    return {(row.domain, row.label): row.images for row in rows}


def report_of(root: Path) -> dict[str, Any]:
    return json.loads((root / "acquisition.json").read_text())


def test_the_list_has_the_published_numbers_and_four_images_of_two_classes(listed):
    assert len(listed) == 24_784
    found = Counter((image.domain, label) for image in listed.values() for label in image.classes)
    assert found == counts()
    assert found.total() == 24_788
    assert {image.domain for image in listed.values()} == {f"L{location}" for location in LOCATIONS}
    assert {label for image in listed.values() for label in image.classes} == CLASSES
    assert {name: image for name, image in listed.items() if len(image.classes) > 1} == {
        "5968bf89-23d2-11e8-a6a3-ec086b02610b.jpg": ("L43", ("bobcat", "squirrel")),
        "599d7e8c-23d2-11e8-a6a3-ec086b02610b.jpg": ("L46", ("bobcat", "squirrel")),
        "59d750d8-23d2-11e8-a6a3-ec086b02610b.jpg": ("L46", ("bobcat", "opossum")),
        "5a1cafac-23d2-11e8-a6a3-ec086b02610b.jpg": ("L46", ("bobcat", "rabbit")),
    }


def test_the_list_agrees_with_the_genuine_annotations(genuine, listed):
    index = index_annotations(parse(cis_val=genuine))
    both = {name: each for name, each in index.photographs.items() if name in listed}
    assert len(both) == 1310
    assert all(listed[name] == (f"L{each.location}", each.classes) for name, each in both.items())
    assert not index.elsewhere & listed.keys()
    assert {name for name, each in index.photographs.items() if each.classes} == both.keys()


def test_the_images_of_the_list_are_chosen_from_the_genuine_annotations(shared_data, genuine, listed, tmp_path):
    real = {path.name: path.read_bytes() for path in (shared_data / "camera_traps/images").glob("*-*.jpg")}
    images = {image["file_name"]: real.get(image["file_name"]) or jpeg() for image in genuine["images"]} | real
    archives = image_archive(tmp_path, images), annotation_archive(tmp_path, {"cis_val": genuine})
    unpack_archives(tmp_path / "data", PAPER, *archives, LISTING)
    written = {path.name.split("_")[-1]: path for path in (tmp_path / "data").glob("*/*/*")}
    assert len(written) == len(list((tmp_path / "data").glob("*/*/*"))) >= 1310
    assert written.keys() == images.keys() & listed.keys()
    assert all(listed[name] == (path.parts[-3], (path.parts[-2],)) for name, path in written.items())
    assert all(path.read_bytes() == images[name] for name, path in written.items())
    annotated = {image["file_name"]: image["seq_id"] for image in genuine["images"]}
    assert {path.name for name, path in written.items() if name in annotated} == {
        f"{annotated[name]}_{name}" for name in written if name in annotated
    }
    report = report_of(tmp_path / "data")
    assert report["images_compared_with_annotations"] == 1310
    assert report["images_annotated_otherwise"] == 0
    assert report["images"] == len(written)
    assert report["lacking"] == sorted(listed.keys() - written.keys())
    assert report["left_out"] == {
        "image not in the archive": 24_784 - len(written),
        "image of the archive that is not listed": len(images) - len(written),
    }
    assert json.loads((tmp_path / "data/settings.json").read_text()) == {"version": 24788}


def test_a_whole_archive_has_the_published_numbers(listed, tmp_path):
    images = image_archive(tmp_path, {name: name.encode() for name in [*listed, "5858c179.jpg", "readme.txt"]})
    some = dict.fromkeys(list(listed)[::1000], "")
    annotations = annotation_file(**{Path(name).stem: (listed[name].domain[1:], listed[name].classes[0]) for name in some})
    unpack_archives(tmp_path / "data", PAPER, images, annotation_archive(tmp_path, {"train": annotations}), LISTING)
    assert files_of(tmp_path / "data") == counts()
    for path in (tmp_path / "data").glob("*/*/*"):
        name = path.read_text()
        assert (path.parts[-3], path.name.split("_")[-1]) == (listed[name].domain, name)
        assert path.parts[-2] in listed[name].classes
        assert path.name.startswith(SEQUENCE) == (name in some)
    report = report_of(tmp_path / "data")
    assert (report["images"], report["difference"], report["lacking"], report["incomplete"]) == (24_788, 0, [], [])
    assert (report["images_of_two_classes"], report["images_without_a_burst"]) == (4, 24_784 - len(some))
    assert report["in_two_classes"] == sorted(
        f"{image.domain}/{label}/{name}" for name, image in listed.items() if len(image.classes) > 1 for label in image.classes
    )
    assert report["left_out"]["image of the archive that is not listed"] == 1


def test_domainbed_s_own_folders_give_the_same_files(listed, tmp_path):
    two = [name for name, image in listed.items() if len(image.classes) > 1]
    chosen = [*list(listed)[:50], *two]
    members = {
        f"terra_incognita/location_{listed[name].domain[1:]}/{label}/{name}": name.encode()
        for name in chosen
        for label in listed[name].classes
    }
    del members[f"terra_incognita/location_43/squirrel/{two[0]}"]  # a copy of one class is enough
    misplaced = list(listed)[52]
    assert listed[misplaced].classes == ("bird",)
    members[f"terra_incognita/location_100/dog/{misplaced}"] = b""
    annotations = annotation_archive(tmp_path, {"train": annotation_file(x=(38, "cat"))})
    for layout in (None, Layout(renamed=(("location_43", "L43"),))):
        images = archive(tmp_path / "terra.tar.gz", members)._replace(layout=layout)
        unpack_archives(root := tmp_path / f"data {layout is None}", PAPER, images, annotations, LISTING)
        assert {(path.parts[-3], path.parts[-2], path.read_text()) for path in root.glob("*/*/*")} == {
            (listed[name].domain, label, name) for name in chosen for label in listed[name].classes
        }
        assert report_of(root)["images"] == len(chosen) + 4
        assert misplaced in report_of(root)["lacking"]


def test_images_of_the_list_that_are_annotated_otherwise_are_taken_as_listed_and_told(listed, tmp_path):
    names = [Path(name).stem for name in list(listed)[:6]]
    location = listed[f"{names[0]}.jpg"].domain[1:]
    assert all(listed[f"{name}.jpg"] == (f"L{location}", ("bird",)) for name in names)
    images = image_archive(tmp_path, {f"{name}.jpg": name.encode() for name in names})
    annotations = annotation_file(
        **dict(zip(names, [(location, "bird"), (location, "dog"), (7, "bird"), (location, "bird,cat"), (location, "")]))
    )
    unpack_archives(tmp_path / "data", PAPER, images, annotation_archive(tmp_path, {"train": annotations}), LISTING)
    assert files_of(tmp_path / "data") == {(f"L{location}", "bird"): 6}
    report = report_of(tmp_path / "data")
    assert report["annotated_otherwise"] == sorted(f"{name}.jpg" for name in names[1:4])
    assert (report["images_compared_with_annotations"], report["images_annotated_otherwise"]) == (4, 3)


def test_what_the_archive_lacks_is_counted_and_named(listed, tmp_path, caplog):
    images = image_archive(tmp_path, dict.fromkeys(list(listed)[3:], b""))
    annotations = annotation_archive(tmp_path, {"train": annotation_file(x=(38, "cat"))})
    unpack_archives(tmp_path / "data", PAPER, images, annotations, LISTING)
    first = ", ".join(sorted(list(listed)[:3]))
    told = f"the archive lacks 3 of the 24,784 listed images ({first}); acquisition.json names them all"
    assert report_of(tmp_path / "data")["incomplete"] == [told]
    assert f"{tmp_path / 'data'}: {told}" in caplog.messages


def test_an_archive_without_any_image_of_the_list_is_refused(tmp_path):
    images = image_archive(tmp_path, {"y.jpg": b""})
    annotations = annotation_archive(tmp_path, {"train": annotation_file(y=(38, "cat"))})
    with pytest.raises(InputError, match=r"all_images_sm\.tar\.gz: found none of the 24,784 images of version 24788"):
        unpack_archives(tmp_path / "data", PAPER, images, annotations, LISTING)
    assert not (tmp_path / "data").exists()
