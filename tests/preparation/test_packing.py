import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from align.datasets.image_folder import index
from align.datasets.settings import GroundTruth
from align.errors import InputError
from align.imaging.fitting import fit
from align.preparation.ground_truth import Packing, pack_ground_truth
from align.preparation.listing import MANIFEST_COLUMNS, SPLITS_COLUMNS, read_listing, write_listing
from align.preparation.packed import PackedFolders, class_names, read_packed
from align.preparation.packing import pack_domain

COLOURS = [(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (90, 120, 200)]


def store(root: Path, path: str, image: Image.Image, mask: Image.Image | None = None) -> None:
    for folder, content in ((root, image), (root / "masks", mask)):
        if content is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            content.save(folder / path)


def pack(root: Path, rows: pd.DataFrame, out: Path, size: int = 16, resize: str = "crop") -> tuple[np.ndarray, np.ndarray]:
    pack_domain(root, rows, size, resize, out / "a.npy")
    entries = {"truth": GroundTruth(kind="masks", folder=root / "masks")} if (root / "masks").is_dir() else {}
    pack_ground_truth(Packing(root, size, resize), rows, "a", entries, out / "masks/a.npy")
    return np.load(out / "a.npy"), np.load(out / "masks/a.npy")


@pytest.fixture
def root(tmp_path) -> Path:
    """Return a folder of six images of one colour each, every second one with a mask of its upper half."""
    for number, colour in enumerate(COLOURS):
        mask = np.zeros((40, 20), dtype=np.uint8)
        mask[:20] = 255
        path = f"a/{'xy'[number % 2]}/{number}.png"
        store(tmp_path / "root", path, Image.new("RGB", (20, 40), colour), Image.fromarray(mask) if number % 2 else None)
    return tmp_path / "root"


@settings(max_examples=10)
@given(order=st.permutations(range(6)), size=st.sampled_from([8, 16, 33]), resize=st.sampled_from(["crop", "stretch"]))
def test_rows_are_in_the_manifests_order(tmp_path_factory, order, size, resize):
    root = tmp_path_factory.mktemp("packing")
    for number, colour in enumerate(COLOURS):
        store(root, f"a/x/{number}.png", Image.new("RGB", (20, 40), colour))
    rows = index(root).manifest.iloc[order]
    images, masks = pack(root, rows, root / "out", size, resize)
    assert images.dtype == np.uint8
    assert images.shape == (6, size, size, 3)
    assert masks.shape == (0, size, size)
    for row, number in enumerate(order):
        assert (images[row] == COLOURS[number]).all()


def quadrants(width: int, height: int) -> tuple[Image.Image, Image.Image]:
    image = Image.new("RGB", (width, height), (200, 0, 0))
    image.paste((0, 200, 0), (width // 2, 0, width, height // 2))
    image.paste((0, 0, 200), (0, height // 2, width // 2, height))
    image.paste((200, 200, 200), (width // 2, height // 2, width, height))
    mask = Image.new("L", (width, height))
    mask.paste(255, (width // 2, 0, width, height // 2))
    return image, mask


@settings(max_examples=15)
@given(
    width=st.integers(8, 60).map(lambda n: 2 * n),
    height=st.integers(8, 60).map(lambda n: 2 * n),
    size=st.sampled_from([16, 32, 48]),
    resize=st.sampled_from(["crop", "stretch"]),
)
def test_quadrants_stay_in_place_and_the_mask_with_them(tmp_path_factory, width, height, size, resize):
    root = tmp_path_factory.mktemp("packing")
    store(root, "a/x/1.png", *quadrants(width, height))
    images, masks = pack(root, index(root, domains=["a"]).manifest, root / "out", size, resize)
    half, margin = size // 2, max(3, 2 * size // min(width, height) + 1)
    centres = images[0].astype(int)
    assert np.abs(centres[: half - margin, : half - margin] - (200, 0, 0)).max() <= 30
    assert np.abs(centres[: half - margin, half + margin :] - (0, 200, 0)).max() <= 30
    assert np.abs(centres[half + margin :, : half - margin] - (0, 0, 200)).max() <= 30
    assert np.abs(centres[half + margin :, half + margin :] - (200, 200, 200)).max() <= 30
    expected = np.zeros((size, size), dtype=np.uint8)
    expected[:half, half:] = 1
    assert (masks[0] != expected).sum() <= 2 * size  # a border of one pixel where sizes do not divide
    # Pixel by pixel: the masked quadrant is the green one.
    green = (centres[:, :, 1] > 100) & (centres[:, :, 0] < 100)
    assert (green == (masks[0] == 1)).mean() > 1 - 2 / size - 0.02


def test_crop_keeps_the_centre_square_and_stretch_the_whole():
    image = Image.new("RGB", (64, 16), "black")
    image.paste("white", (24, 0, 40, 16))
    assert (np.asarray(fit(image, 16, "crop", Image.Resampling.BICUBIC)) == 255).all()
    stretched = np.asarray(fit(image, 16, "stretch", Image.Resampling.NEAREST))[:, :, 0]
    assert np.array_equal(stretched[0] == 255, [False] * 6 + [True] * 4 + [False] * 6)


def test_images_without_a_mask_are_255_everywhere(root, tmp_path):
    images, masks = pack(root, index(root, domains=["a"]).manifest, tmp_path / "out")
    assert len(images) == 6
    assert (masks[:3] == 255).all()  # class x: 0, 2, 4
    expected = np.zeros((16, 16), dtype=np.uint8)
    expected[:8] = 1
    assert (masks[3:] == expected).all()


def test_an_object_that_the_crop_leaves_out_is_no_ground_truth(tmp_path):
    mask = Image.new("L", (64, 16))
    mask.paste(255, (0, 0, 10, 16))
    store(tmp_path, "a/x/1.png", Image.new("RGB", (64, 16)), mask)
    rows = index(tmp_path, domains=["a"]).manifest
    with pytest.raises(InputError, match=r"none of which can be used.*\n  the crop leaves its object out: 1, such as a/x/1\.png"):
        pack(tmp_path, rows, tmp_path / "out", resize="crop")
    store(tmp_path, "a/x/2.png", Image.new("RGB", (16, 16)), quadrants(16, 16)[1])
    masks = pack(tmp_path, index(tmp_path, domains=["a"]).manifest, tmp_path / "out", resize="crop")[1]
    assert (masks[0] == 255).all()
    assert masks[1].sum() == 64
    assert (
        pack(tmp_path, index(tmp_path, domains=["a"]).manifest, tmp_path / "out", resize="stretch")[1] == 1
    ).mean() == pytest.approx(10 / 64, abs=0.04)


def test_a_turned_photograph_is_packed_upright(tmp_path):
    image = Image.new("RGB", (64, 32), "black")
    image.paste("white", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a" / "x").mkdir(parents=True)
    image.save(tmp_path / "a" / "x" / "1.jpg", exif=exif, quality=95)
    images, _ = pack(tmp_path, index(tmp_path).manifest, tmp_path / "out", resize="stretch")
    assert images[0, :7].min() > 235
    assert images[0, 9:].max() < 20


def test_a_large_jpeg_looks_the_same_as_without_reduced_decoding(tmp_path):
    smooth = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    image = Image.fromarray(smooth).resize((800, 600), Image.Resampling.BICUBIC)
    (tmp_path / "a" / "x").mkdir(parents=True)
    image.save(tmp_path / "a" / "x" / "1.jpg", quality=95)
    images, _ = pack(tmp_path, index(tmp_path).manifest, tmp_path / "out", size=32)
    whole = np.asarray(fit(image, 32, "crop", Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(images[0] - whole).mean() < 2


@pytest.mark.parametrize("what", ["replaced", "removed", "broken"])
def test_an_image_that_is_not_the_listed_one_is_named_and_nothing_is_written(root, tmp_path, what):
    rows = index(root, domains=["a"]).manifest
    path = root / "a" / "y" / "3.png"
    if what == "replaced":
        Image.new("RGB", (20, 40), "pink").save(path)
    elif what == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(InputError, match=r"a/y/3\.png: (found|cannot)"):
        pack(root, rows, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failed_pack_leaves_the_former_files(root, tmp_path):
    rows = index(root, domains=["a"]).manifest
    pack(root, rows, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.npy")}
    assert len(before) == 2
    (root / "a" / "y" / "3.png").unlink()
    with pytest.raises(InputError):
        pack(root, rows, tmp_path / "out")
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    (tmp_path / "a" / "x").mkdir(parents=True)
    Image.new("RGB", (64, 64), "red").save(tmp_path / "a" / "x" / "1.png")
    rows = index(tmp_path).manifest
    (tmp_path / "out").mkdir()
    repeated = pd.concat([rows] * 150, ignore_index=True)
    tracemalloc.start()
    pack_domain(tmp_path, repeated, 512, "crop", tmp_path / "out" / "a.npy")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "out" / "a.npy").stat().st_size > 100 * 2**20
    assert peak < 20 * 2**20


@pytest.fixture
def packed(root, tmp_path) -> tuple[Path, pd.DataFrame]:
    rows = index(root, domains=["a"]).manifest
    pack(root, rows, tmp_path / "out")
    return tmp_path / "out", rows.drop(columns="sha256").assign(split=["train", "test", "train", "train", "train", "validation"])


def test_read_packed_selects_a_split_with_its_labels_paths_and_masks(packed):
    folder, splits = packed
    train = read_packed(PackedFolders(folder, folder / "masks"), splits, "a", "train", ["y", "x"])
    assert train.paths == ["a/x/0.png", "a/x/4.png", "a/y/1.png", "a/y/3.png"]
    assert train.labels.dtype == np.int64
    assert train.labels.tolist() == [1, 1, 0, 0]
    assert [tuple(image[0, 0]) for image in train.images] == [COLOURS[0], COLOURS[4], COLOURS[1], COLOURS[3]]
    assert (train.ground_truth[:, 0, 0] == [255, 255, 1, 1]).all()
    assert type(train.images) is np.ndarray  # a copy in memory, not the mapped file


def test_read_packed_maps_the_whole_domain(packed):
    folder, splits = packed
    whole = read_packed(PackedFolders(folder), splits, "a", None, ["x", "y"])
    assert isinstance(whole.images, np.memmap)
    assert whole.images.shape == (6, 16, 16, 3)
    assert whole.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_read_packed_has_no_masks_where_none_are_known(root, tmp_path):
    shutil.rmtree(root / "masks")
    rows = index(root, domains=["a"], classes=["x"]).manifest
    pack(root, rows, tmp_path / "out")
    splits = rows.assign(split="train")
    assert read_packed(PackedFolders(tmp_path / "out", tmp_path / "out/masks"), splits, "a", "train", ["x"]).ground_truth is None


def test_read_packed_reads_masks_only_if_they_are_asked_for(packed):
    folder, splits = packed
    (folder / "masks/a.npy").unlink()
    assert read_packed(PackedFolders(folder), splits, "a", "train", ["x", "y"]).ground_truth is None
    with pytest.raises(InputError, match=r"masks/a\.npy: found no whole packed array"):
        read_packed(PackedFolders(folder, folder / "masks"), splits, "a", "train", ["x", "y"], "ground_truth")


@pytest.mark.parametrize("broken", ["rows", "truncated", "absent", "pickle", "float"])
def test_a_packed_file_that_does_not_fit_is_named(packed, broken):
    folder, splits = packed
    if broken == "rows":
        splits = splits.iloc[1:]
    elif broken == "truncated":
        (folder / "a.npy").write_bytes((folder / "a.npy").read_bytes()[:-10])
    elif broken == "absent":
        (folder / "a.npy").unlink()
    elif broken == "pickle":
        np.save(folder / "a.npy", np.array([{}] * 6), allow_pickle=True)
    else:
        np.save(folder / "a.npy", np.zeros((6, 16, 16, 3)))
    with pytest.raises(InputError, match=r"a\.npy: found .*; remove it, so that it is packed again"):
        read_packed(PackedFolders(folder), splits, "a", "train", ["x", "y"])


def test_unknown_domains_and_classes_are_named(packed):
    folder, splits = packed
    with pytest.raises(InputError, match="unknown domain 'b'"):
        read_packed(PackedFolders(folder), splits, "b", "train", ["x", "y"])
    with pytest.raises(InputError, match="unknown class 'y'"):
        read_packed(PackedFolders(folder), splits, "a", "train", ["x"])


def test_class_names_are_as_configured_or_sorted(packed):
    assert class_names(packed[1]) == ["x", "y"]
    assert class_names(packed[1], ("y", "x")) == ["y", "x"]


def test_listings_keep_text_as_it_is(tmp_path):
    listing = pd.DataFrame(
        [("1/NA/a, b.png", "1", "NA", "0012"), ('1/null/ü".png', "1", "null", "1e5")], columns=list(MANIFEST_COLUMNS)
    )
    write_listing(listing, tmp_path / "manifest.csv")
    assert read_listing(tmp_path / "manifest.csv", MANIFEST_COLUMNS).equals(listing)


@pytest.mark.parametrize("content", [b"", b"path,domain\n", b"path,domain,class,split\na/x/1.png,a,x\n", b"\xff\xfe"])
def test_a_broken_listing_is_named(tmp_path, content):
    (tmp_path / "splits.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"splits\.csv: .*remove it, so that it is made again"):
        read_listing(tmp_path / "splits.csv", SPLITS_COLUMNS)


def test_vlcs_voc2007_with_its_boxes(shared_data, tmp_path):
    root = shared_data / "vlcs_subset" / "VLCS"
    rows = index(root, domains=["VOC2007"], classes=["dog"]).manifest
    truth = GroundTruth(kind="voc_boxes", folder=shared_data / "vlcs_annotations" / "voc2007_boxes", domain="VOC2007")
    account = pack_ground_truth(Packing(root, 64, "crop"), rows, "VOC2007", {"boxes": truth}, tmp_path / "masks.npy")
    assert (account["images"], account["images_with_mask"], account["entries"][0]["not_used"]) == (30, 30, {})
    masks = np.load(tmp_path / "masks.npy")
    assert masks.shape == (30, 64, 64)
    assert set(np.unique(masks)) == {0, 1}
    assert 0.1 < masks.mean() < 0.7


def test_packing_imports_no_torch():
    """A job packs the images or the masks of one domain. The import would take longer than a small domain."""
    check = "import sys, align.preparation.packing, align.preparation.ground_truth; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
