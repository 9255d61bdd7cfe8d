import re
import unicodedata
from pathlib import Path

import pytest

from align.datasets.scan import PassedOver, is_image, is_leftover, look_alikes, scan
from align.errors import InputError


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


@pytest.fixture
def root(tmp_path) -> Path:
    return fill(tmp_path / "photos", *(f"{domain}/{label}/1.jpg" for domain in ("paris", "rome") for label in ("cat", "dog")))


def passed_over(root: Path, **chosen: object) -> dict[tuple[str, str], tuple[int, str]]:
    return {(each.place, each.kind): (each.number, each.example) for each in scan(root, **chosen).passed_over}


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.jpe", "a.jfif", "a.webp", "a.bmp", "a.tif", "a.TIFF", "a.gif", "a.avif"])
def test_all_that_pillow_reads_safely_is_an_image(name):
    assert is_image(Path(name))


@pytest.mark.parametrize("name", ["a.heic", "a.svg", "a.psd", "a.txt", "a", ".a.jpg", "._a.jpg"])
def test_everything_else_is_not(name):
    assert not is_image(Path(name))


@pytest.mark.parametrize("name", ["Thumbs.db", "desktop.ini", ".DS_Store", "__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN"])
def test_what_systems_leave_behind_is_known(name):
    assert is_leftover(name)


def test_images_are_found_by_domain_and_class(root):
    found = scan(fill(root, "rome/dog/2.webp"))
    assert found.images == {
        "paris": {"cat": ["1.jpg"], "dog": ["1.jpg"]},
        "rome": {"cat": ["1.jpg"], "dog": ["1.jpg", "2.webp"]},
    }
    assert list(found.files)[-1] == "rome/dog/2.webp"
    assert found.passed_over == []


def test_what_is_passed_over_is_counted_by_kind_and_place(root):
    fill(
        root,
        "paris/cat/a.txt",
        "paris/cat/b.txt",
        "paris/cat/c.heic",
        "paris/cat/Thumbs.db",
        "paris/loose.png",
        "readme",
        ".git/x",
    )
    fill(root, "rome/cat/older/0.jpg", "rome/cat/older/still/0.jpg", "rome/notes/a.csv", "rome/@eaDir/cat/x.jpg")
    assert passed_over(root) == {
        (".", "hidden, or left behind by a system"): (1, ".git"),
        (".", "file without a suffix"): (1, "readme"),
        ("paris", "image in no class folder"): (1, "loose.png"),
        ("paris/cat", ".txt file"): (2, "a.txt"),
        ("paris/cat", ".heic file"): (1, "c.heic"),
        ("paris/cat", "hidden, or left behind by a system"): (1, "Thumbs.db"),
        ("rome", "hidden, or left behind by a system"): (1, "@eaDir"),
        ("rome/cat", "image in a folder below its class"): (2, "older/0.jpg"),
        ("rome/notes", ".csv file"): (1, "a.csv"),
    }


def test_folders_that_the_configuration_leaves_out_are_counted(root):
    assert passed_over(root, domains=["paris"], classes=["cat"]) == {
        ("rome", "folder not among `domains:`"): (1, "rome"),
        ("paris/dog", "folder not among `classes:`"): (1, "dog"),
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("paris/fox/1.heic", "paris/fox/: found no image directly in it, but 1 other file such as '1.heic'"),
        ("paris/fox/scan.dcm", "paris/fox/: found no image directly in it, but 1 other file such as 'scan.dcm'"),
        ("paris/fox/young/1.jpg", "paris/fox/: found no image directly in it, but 1 other file such as 'young/1.jpg'"),
        ("tokyo/1.jpg", "tokyo/: found no class folder with images in it, but 1 other file such as '1.jpg'"),
        ("europe/oslo/cat/1.jpg", "europe/oslo/: found no image directly in it, but 1 other file such as 'cat/1.jpg'"),
    ],
)
def test_a_folder_that_would_be_lost_is_an_error(root, name, found):
    with pytest.raises(InputError) as caught:
        scan(fill(root, name))
    assert found in str(caught.value)
    assert "`domains:` and `classes:`" in str(caught.value)
    assert scan(root, domains=["paris", "rome"], classes=["cat", "dog"]).classes == ("cat", "dog")


def test_a_root_that_is_one_folder_too_high_is_told(tmp_path):
    fill(tmp_path, "photographs/paris/cat/1.jpg", "photographs/rome/cat/1.jpg")
    with pytest.raises(
        InputError, match=f"correct `root:` if {re.escape(str(tmp_path / 'photographs'))} is the data set, convert"
    ):
        scan(tmp_path)


def test_images_directly_in_the_root_are_told(tmp_path):
    with pytest.raises(InputError, match=r"found no <domain>/<class>/<image> in it, but 2 other files such as '1.jpg'"):
        scan(fill(tmp_path, "1.jpg", "2.jpg"))


@pytest.mark.parametrize(
    ("folders", "what"),
    [
        (["train", "val", "test"], "splits"),
        (["Training Set", "Test Set"], "splits"),
        (["paris", "valid"], "splits"),
        (["paris", "segmentation"], "masks"),
        (["paris", "Ground Truth"], "masks"),
        (["paris", "paris_masks"], "masks"),
    ],
)
def test_domains_that_look_like_something_else_are_asked_about(tmp_path, folders, what):
    root = fill(tmp_path / "photos", *(f"{domain}/{label}/1.jpg" for domain in folders for label in ("cat", "dog")))
    with pytest.raises(InputError, match=rf"which look like {what}, not domains; if they are domains, say so with `domains: \["):
        scan(root)
    assert scan(root, domains=folders).domains == tuple(sorted(folders))


def test_classes_that_look_like_masks_are_asked_about(root):
    fill(root, "paris/cat_mask/1.png", "rome/cat_mask/1.png")
    with pytest.raises(InputError, match=r"'cat_mask' among the classes.*leave them out with `classes: \[cat, dog\]`"):
        scan(root)
    assert scan(root, classes=["cat", "dog"]).classes == ("cat", "dog")


def test_names_in_the_question_can_be_copied_into_yaml(tmp_path):
    root = fill(tmp_path / "photos", *(f"{domain}/cat/1.jpg" for domain in ("2020", "no", "it's", "test")))
    with pytest.raises(InputError, match=r"`domains: \['2020', it's, 'no', test\]`"):
        scan(root)


def test_masks_beside_their_images_are_recognised(root):
    fill(root, "paris/cat/benign (1).png", "paris/cat/benign (1)_mask.png", "paris/cat/benign (1)_mask_1.png")
    fill(root, "paris/dog/1_seg.PNG", "rome/dog/carnival_mask.jpg")
    found = scan(root)
    assert found.images["paris"] == {"cat": ["1.jpg", "benign (1).png"], "dog": ["1.jpg"]}
    assert found.images["rome"]["dog"] == ["1.jpg", "carnival_mask.jpg"]  # no carnival.jpg: it is a photograph
    assert found.passed_over == [
        PassedOver("paris/cat", "mask beside its image", 2, "benign (1)_mask.png"),
        PassedOver("paris/dog", "mask beside its image", 1, "1_seg.PNG"),
    ]


def test_a_folder_of_masks_by_domain_and_class_is_no_domain(root):
    assert passed_over(fill(root, "masks/paris/cat/1.png")) == {("masks", "folder of masks"): (1, "masks")}


def test_folders_of_ground_truth_are_no_domains_whatever_their_names(root):
    fill(root, "painted/cat/1.png")
    with pytest.raises(InputError, match="domain 'painted': found no images in dog/"):
        scan(root)
    assert scan(root, annotations=[root / "painted"]).domains == ("paris", "rome")


def test_results_below_the_root_are_no_input(root, monkeypatch):
    monkeypatch.chdir(root)
    fill(root, "results/figures/1.png", "results/tables/cat/2.png")
    assert scan(Path()).domains == ("paris", "rome")


def test_a_domain_that_is_not_there_gets_a_suggestion(root):
    with pytest.raises(InputError, match="unknown domain 'Rome': did you mean 'rome'"):
        scan(root, domains=["paris", "Rome"])


@pytest.mark.parametrize(
    ("one", "other", "difference"),
    [
        ("cat", "Cat", "capital letters"),
        ("cat", "cat ", "spaces"),
        (unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café"), "how their letters are put together"),
    ],
)
def test_names_that_look_alike_are_shown_apart(tmp_path, one, other, difference):
    root = fill(tmp_path / "photos", f"paris/{one}/1.jpg", "paris/dog/1.jpg", f"rome/{other}/1.jpg", "rome/dog/1.jpg")
    with pytest.raises(InputError) as caught:
        scan(root)
    assert f"look alike, but differ in {difference}" in str(caught.value)
    assert ascii(one) in str(caught.value)
    assert ascii(other) in str(caught.value)


def test_names_that_differ_do_not_look_alike():
    assert look_alikes(["cat", "dog", "cart"]) == []


def test_a_folder_with_a_line_break_in_its_name_is_named(root):
    with pytest.raises(InputError, match=r"control character in its name \('fo\\nx'\); rename it"):
        scan(fill(root, "paris/fo\nx/1.jpg", "rome/fo\nx/1.jpg"))
