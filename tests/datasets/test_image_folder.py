import hashlib
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from align.datasets.decoding import read_rgb
from align.datasets.folders import folder_fingerprint
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
    manifest = index(root)
    assert list(manifest.columns) == ["path", "domain", "class", "sha256"]
    assert list(manifest["path"]) == ["a/x/1.JPeG", "a/y/1.jpeg", "b/x/1.jpg", "b/y/10.PNG", "b/y/2.png"]
    assert list(manifest["domain"]) == ["a", "a", "b", "b", "b"]
    assert list(manifest["class"]) == ["x", "y", "x", "y", "y"]
    assert list(manifest["sha256"]) == [hashlib.sha256((root / path).read_bytes()).hexdigest() for path in manifest["path"]]


def test_domains_and_classes_can_be_chosen(root):
    assert list(index(root, domains=["b"])["path"]) == ["b/x/1.jpg", "b/y/10.PNG", "b/y/2.png"]
    assert list(index(root, classes=["x"])["path"]) == ["a/x/1.JPeG", "b/x/1.jpg"]


def test_other_files_hidden_files_and_folders_are_not_images(root):
    (root / "readme.png").write_text("at the top")
    (root / "a" / "notes.jpg").write_text("in a domain")
    (root / "a" / "x" / "labels.txt").write_text("in a class")
    (root / "a" / "x" / "._1.jpg").write_bytes(b"what a Mac leaves behind")
    (root / "a" / "x" / "folder.png").mkdir()
    (root / ".thumbnails" / "x").mkdir(parents=True)
    rgb().save(root / ".thumbnails" / "x" / "1.png")
    assert len(index(root)) == 5


def test_odd_names_are_kept(root):
    for name in ("a, b.png", 'quote".png', "ü λ.png"):
        rgb().save(root / "a" / "x" / name)
    names = [path.removeprefix("a/x/") for path in index(root)["path"] if path.startswith("a/x/")]
    assert names == sorted(["1.JPeG", "a, b.png", 'quote".png', "ü λ.png"])


def test_links_are_followed(root, tmp_path):
    store = fill(tmp_path / "store", ["one.png", "class/two.png"])
    (root / "a" / "x" / "link.png").symlink_to(store / "one.png")
    (root / "c").mkdir()
    (root / "c" / "x").symlink_to(store / "class")
    (root / "c" / "y").symlink_to(store / "class")
    paths = list(index(root)["path"])
    assert {"a/x/link.png", "c/x/two.png", "c/y/two.png"} < set(paths)


@pytest.mark.parametrize("make", ["absent", "file", "empty"])
def test_a_root_without_images_is_an_error(tmp_path, make):
    root = tmp_path / "root"
    if make == "file":
        root.write_text("")
    if make == "empty":
        root.mkdir()
    with pytest.raises(InputError, match=r"root: found no .*<domain>/<class>/ with .*images in it; correct `root:`"):
        index(root)


def test_a_domain_without_a_class_is_named(root):
    fill(root, ["c/x/1.png"])
    (root / "c" / "y").mkdir()
    with pytest.raises(
        InputError, match=r"(?s)every class \(x, y\).*domain 'c': found no images in y/.*`domains:` and `classes:`"
    ):
        index(root)
    assert len(index(root, domains=["a", "b"])) == 5


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
    assert "a/x/truncated.jpg: found no whole JPEG or PNG image" in message
    assert "a/x/text.png: found no whole JPEG or PNG image" in message
    assert "a/y/empty.jpg: found no whole JPEG or PNG image" in message
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


def test_a_truncated_png_is_an_error(root):
    path = root / "b" / "y" / "2.png"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"b/y/2\.png: found no whole JPEG or PNG"):
        read_rgb(path)


def test_a_file_of_another_format_is_an_error(tmp_path):
    rgb().save(tmp_path / "image.png", format="PPM")
    with pytest.raises(InputError, match="found no whole JPEG or PNG"):
        read_rgb(tmp_path / "image.png")


def test_the_format_is_told_by_the_content(tmp_path):
    rgb().save(tmp_path / "image.jpg", format="PNG")
    assert np.array_equal(np.asarray(read_rgb(tmp_path / "image.jpg")[0]), np.asarray(rgb()))


def test_a_decompression_bomb_is_not_unpacked(tmp_path):
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 9000, 9000, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    with pytest.raises(InputError, match=r"bomb\.png: found 9000×9000 pixels, expected at most"):
        read_rgb(tmp_path / "bomb.png")


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    image = np.asarray(read_rgb(tmp_path / "deep.png")[0])
    assert np.array_equal(image, np.repeat(np.arange(256).reshape(16, 16, 1), 3, axis=2))


def test_grey_palette_and_one_bit_become_rgb(tmp_path):
    grey = np.arange(0, 256, 4, dtype=np.uint8).reshape(8, 8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert np.array_equal(np.asarray(read_rgb(tmp_path / "grey.png")[0]), np.repeat(grey[:, :, None], 3, axis=2))
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.save(tmp_path / "palette.png")
    assert (np.asarray(read_rgb(tmp_path / "palette.png")[0]) == (10, 20, 30)).all()
    Image.new("1", (8, 8), 1).save(tmp_path / "bit.png")
    assert (np.asarray(read_rgb(tmp_path / "bit.png")[0]) == 255).all()


def test_what_is_transparent_is_laid_on_white(tmp_path):
    Image.new("LA", (8, 8), (0, 102)).save(tmp_path / "la.png")
    assert (np.asarray(read_rgb(tmp_path / "la.png")[0]) == 153).all()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "rgba.png")
    assert (np.asarray(read_rgb(tmp_path / "rgba.png")[0]) == 255).all()
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([10, 20, 30])
    palette.save(tmp_path / "palette.png", transparency=0)
    assert (np.asarray(read_rgb(tmp_path / "palette.png")[0]) == 255).all()


def test_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg", quality=95)
    red, green, blue = np.asarray(read_rgb(tmp_path / "cmyk.jpg")[0]).reshape(-1, 3).mean(axis=0)
    assert red > 240
    assert max(green, blue) < 15


def test_exif_rotation_is_applied(tmp_path):
    image = Image.new("RGB", (32, 16), "black")
    image.paste("white", (0, 0, 16, 16))
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned by 90° clockwise: left becomes top
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    upright, _ = read_rgb(tmp_path / "turned.jpg")
    assert upright.size == (16, 32)
    pixels = np.asarray(upright)
    assert pixels[:15].min() > 240
    assert pixels[17:].max() < 15


def test_a_large_jpeg_is_reduced_no_further_than_asked(tmp_path):
    Image.new("RGB", (1000, 600), (200, 100, 50)).save(tmp_path / "large.jpg", quality=95)
    assert read_rgb(tmp_path / "large.jpg")[0].size == (1000, 600)
    reduced, sha256 = read_rgb(tmp_path / "large.jpg", least_side=128)
    assert reduced.size == (250, 150)
    assert np.abs(np.asarray(reduced).astype(int) - (200, 100, 50)).max() <= 3
    assert sha256 == hashlib.sha256((tmp_path / "large.jpg").read_bytes()).hexdigest()


def test_fingerprint_notices_added_removed_renamed_and_replaced_files(root):
    seen = {folder_fingerprint(root)}
    assert seen == {folder_fingerprint(root)}
    image = root / "masks" / "a" / "x" / "1.png"
    status = image.stat()
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    seen.add(folder_fingerprint(root))
    image.write_bytes(image.read_bytes() + b"\0")
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    seen.add(folder_fingerprint(root))
    image.rename(image.with_name("2.png"))
    seen.add(folder_fingerprint(root))
    image.with_name("2.png").unlink()
    seen.add(folder_fingerprint(root))
    (root / "a" / "x" / "broken.png").symlink_to("nowhere")
    seen.add(folder_fingerprint(root))
    assert len(seen) == 6


def test_fingerprint_ends_where_links_make_a_circle(root):
    (root / "a" / "x" / "circle").symlink_to(root)
    assert folder_fingerprint(root) == folder_fingerprint(root)


def test_fingerprint_of_nothing_is_an_error(tmp_path):
    with pytest.raises(InputError, match="absent: found no such folder"):
        folder_fingerprint(tmp_path / "absent")


def test_vlcs_subset(shared_data):
    manifest = index(shared_data / "vlcs_subset" / "VLCS")
    assert manifest.groupby("domain").size().to_dict() == {"Caltech101": 1415, "LabelMe": 597, "SUN09": 635, "VOC2007": 298}
    assert sorted(set(manifest["class"])) == ["bird", "car", "chair", "dog", "person"]
