import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from align.datasets.image_folder import index
from align.errors import InputError

ORIENTATION = 0x0112


def rgb(width: int = 12, height: int = 10, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8))


def fill(root: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rgb(seed=number).save(path, format="PNG" if name.lower().endswith("png") else "JPEG")
    return root


@pytest.fixture
def root(tmp_path) -> Path:
    return fill(
        tmp_path / "root",
        ["b/y/2.png", "b/y/10.PNG", "b/x/1.jpg", "a/x/1.JPeG", "a/y/1.jpeg", "masks/a/x/1.png", "masks/a/y/1.png"],
    )


def test_index_lists_every_image_sorted_with_its_hash(root):
    manifest = index(root).manifest
    assert list(manifest.columns) == ["path", "domain", "class", "sha256"]
    assert list(manifest["path"]) == ["a/x/1.JPeG", "a/y/1.jpeg", "b/x/1.jpg", "b/y/10.PNG", "b/y/2.png"]
    assert list(manifest["domain"]) == ["a", "a", "b", "b", "b"]
    assert list(manifest["class"]) == ["x", "y", "x", "y", "y"]
    assert list(manifest["sha256"]) == [hashlib.sha256((root / path).read_bytes()).hexdigest() for path in manifest["path"]]


def test_domains_and_classes_can_be_chosen(root):
    assert list(index(root, domains=["b"]).manifest["path"]) == ["b/x/1.jpg", "b/y/10.PNG", "b/y/2.png"]
    assert list(index(root, classes=["x"]).manifest["path"]) == ["a/x/1.JPeG", "b/x/1.jpg"]


def test_other_files_hidden_files_and_folders_are_not_images(root):
    (root / "readme.png").write_text("at the top")
    (root / "a" / "notes.jpg").write_text("in a domain")
    (root / "a" / "x" / "labels.txt").write_text("in a class")
    (root / "a" / "x" / "._1.jpg").write_bytes(b"what a Mac leaves behind")
    (root / "a" / "x" / "folder.png").mkdir()
    (root / ".thumbnails" / "x").mkdir(parents=True)
    rgb().save(root / ".thumbnails" / "x" / "1.png")
    assert len(index(root).manifest) == 5


def test_odd_names_are_kept(root):
    for name in ("a, b.png", 'quote".png', "ü λ.png"):
        rgb().save(root / "a" / "x" / name)
    names = [path.removeprefix("a/x/") for path in index(root).manifest["path"] if path.startswith("a/x/")]
    assert names == sorted(["1.JPeG", "a, b.png", 'quote".png', "ü λ.png"])


def test_links_are_followed(root, tmp_path):
    store = fill(tmp_path / "store", ["one.png", "class/two.png"])
    (root / "a" / "x" / "link.png").symlink_to(store / "one.png")
    (root / "c").mkdir()
    (root / "c" / "x").symlink_to(store / "class")
    (root / "c" / "y").symlink_to(store / "class")
    paths = list(index(root).manifest["path"])
    assert {"a/x/link.png", "c/x/two.png", "c/y/two.png"} < set(paths)


@pytest.mark.parametrize("make", ["absent", "file", "empty"])
def test_a_root_without_images_is_an_error(tmp_path, make):
    root = tmp_path / "root"
    if make == "file":
        root.write_text("")
    if make == "empty":
        root.mkdir()
    with pytest.raises(InputError, match=r"root: found no .*<domain>/<class>/<image> in it; correct `root:`"):
        index(root)


def test_a_domain_without_a_class_is_named(root):
    fill(root, ["c/x/1.png"])
    (root / "c" / "y").mkdir()
    with pytest.raises(
        InputError, match=r"(?s)every class \(x, y\).*domain 'c': found no images in y/.*`domains:` and `classes:`"
    ):
        index(root)
    assert len(index(root, domains=["a", "b"]).manifest) == 5


def test_a_configured_class_that_no_domain_has_is_named(root):
    with pytest.raises(InputError, match=r"(?s)domain 'a': found no images in z/.*domain 'b': found no images in z/"):
        index(root, classes=["x", "z"])


def test_every_broken_image_is_named_in_one_message(root):
    whole = (root / "b" / "x" / "1.jpg").read_bytes()
    (root / "a" / "x" / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "a" / "x" / "text.png").write_text("no image")
    (root / "a" / "y" / "empty.jpg").write_bytes(b"")
    (root / "a" / "y" / "gone.jpg").symlink_to("nowhere")
    Image.new("RGB", (1, 1)).save(root / "b" / "y" / "pixel.png")
    with pytest.raises(InputError) as caught:
        index(root)
    message = str(caught.value)
    assert "found 5 images that cannot be used" in message
    assert "a/x/truncated.jpg: found no whole image" in message
    assert "a/x/text.png: found no whole image" in message
    assert "a/y/empty.jpg: found no whole image" in message
    assert "a/y/gone.jpg: cannot be read (No such file or directory)" in message
    assert "b/y/pixel.png: found 1×1 pixels, expected 8×8 or more" in message


def test_many_broken_images_are_counted(root):
    for number in range(25):
        (root / "a" / "x" / f"broken{number:02}.png").write_text("no image")
    with pytest.raises(InputError) as caught:
        index(root)
    lines = str(caught.value).splitlines()
    assert "found 25 images" in lines[0]
    assert len(lines) == 12
    assert lines[-1] == "  … and 15 more"


def test_vlcs_subset(shared_data):
    manifest = index(shared_data / "vlcs_subset" / "VLCS").manifest
    assert manifest.groupby("domain").size().to_dict() == {"Caltech101": 1415, "LabelMe": 597, "SUN09": 635, "VOC2007": 298}
    assert sorted(set(manifest["class"])) == ["bird", "car", "chair", "dog", "person"]


def test_a_carriage_return_in_a_file_name_is_named(root):
    rgb().save(root / "a" / "x" / "line\rbreak.png")
    with pytest.raises(InputError, match=r"a/x: found a file name with a carriage return \('line\\rbreak.png'\); rename it"):
        index(root)
