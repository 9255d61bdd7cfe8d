import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from align.datasets.image_folder import index
from align.errors import InputError
from align.preparation.duplicates import duplicates, require_one_label
from align.preparation.settings import SplitSettings
from align.preparation.splits import assign_splits


def photograph(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)).resize((96, 72), Image.Resampling.BICUBIC)


def listing(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    """Return a listing of paths, contents and perceptual hashes."""
    return pd.DataFrame(
        [(path, path.split("/")[0], path.split("/")[1], sha256, perceptual) for path, sha256, perceptual in rows],
        columns=["path", "domain", "class", "sha256", "perceptual_hash"],
    )


def test_copies_are_found_in_real_files(tmp_path):
    for domain, label, seed in [("paris", "cat", 0), ("paris", "dog", 1), ("rome", "cat", 2), ("rome", "dog", 3)]:
        (tmp_path / domain / label).mkdir(parents=True)
        photograph(seed).save(tmp_path / domain / label / f"{seed}.jpg", quality=95)
    (tmp_path / "rome/cat/again.jpg").write_bytes((tmp_path / "paris/cat/0.jpg").read_bytes())
    photograph(1).resize((64, 48)).save(tmp_path / "paris/dog/small.png")
    ImageEnhance.Brightness(photograph(3)).enhance(0.9).save(tmp_path / "rome/dog/darker.jpg", quality=60)
    listed = index(tmp_path)
    found = duplicates(listed.manifest.merge(listed.perceptual_hashes, on="path"))
    assert found.to_dict("split")["data"] == [
        ["rome/cat/again.jpg", "paris/cat/0.jpg", "exact", "rome", "paris"],
        ["paris/dog/small.png", "paris/dog/1.jpg", "near", "paris", "paris"],
        ["rome/dog/darker.jpg", "rome/dog/3.jpg", "near", "rome", "rome"],
    ]


@pytest.mark.parametrize("bits", range(6))
def test_near_means_three_bits_of_64_wherever_they_are(bits):
    rng = np.random.default_rng(bits)
    for _ in range(20):
        value = int(rng.integers(0, 2**63))
        other = value
        for bit in rng.choice(64, bits, replace=False):
            other ^= 1 << int(bit)
        found = duplicates(listing([("a/x/1", "s", f"{value:016x}"), ("a/x/2", "t", f"{other:016x}")]))
        assert len(found) == (bits <= 3)


def test_near_pairs_are_those_of_all_comparisons():
    rng = np.random.default_rng(0)
    values = [int(value) for value in rng.integers(0, 2**8, 300)]  # many are near
    found = duplicates(listing([(f"a/x/{i:03}", str(i), f"{value:016x}") for i, value in enumerate(values)]))
    expected = {}
    for later, value in enumerate(values):
        near = [earlier for earlier in range(later) if (values[earlier] ^ value).bit_count() <= 3]
        if near:
            expected[f"a/x/{later:03}"] = f"a/x/{near[0]:03}"
    assert dict(zip(found["path"], found["copy_of"])) == expected


def test_an_exact_copy_is_not_counted_again_as_near():
    found = duplicates(listing([("a/x/1", "s", "0" * 16), ("a/x/2", "s", "0" * 16), ("b/x/1", "t", "f" * 16)]))
    assert found.to_dict("split")["data"] == [["a/x/2", "a/x/1", "exact", "a", "a"]]


def test_one_picture_in_two_classes_is_an_error_that_lists_them():
    rows = [(f"{domain}/{label}/{i}", f"{i}", "0" * 16) for i in range(12) for domain, label in (("a", "cat"), ("b", "dog"))]
    with pytest.raises(InputError) as caught:
        require_one_label(listing(rows), "photos")
    message = str(caught.value)
    assert "photos: found 12 pictures that are in two classes, expected one class for each picture" in message
    assert "  a/cat/0 = b/dog/0\n" in message
    assert "… and 2 more" in message
    require_one_label(listing([("a/cat/1", "s", "0" * 16), ("b/cat/1", "s", "0" * 16)]), "photos")


def test_the_persons_of_caltech_are_there_twice_and_a_pattern_keeps_each_pair_in_one_split(shared_data):
    persons = sorted(path.name for path in (shared_data / "vlcs_photographs/VLCS/Caltech101/person").iterdir())
    manifest = pd.DataFrame(
        {"path": [f"Caltech101/person/{name}" for name in persons], "domain": "Caltech101", "class": "person"}
    )
    manifest["sha256"] = manifest["path"]  # no two have the same content
    by_image, by_photograph = (
        assign_splits(manifest, SplitSettings(), (), pattern, False).set_index("path")["split"]
        for pattern in (None, "^(?:Faces(?:_easy)?)?(.+)$")
    )
    photograph = manifest["path"].str.replace("_easy", "").to_numpy()
    assert len(persons) == 870
    assert by_image.groupby(photograph).nunique().eq(2).sum() == 248
    assert by_photograph.groupby(photograph).agg(["size", "nunique"]).drop_duplicates().to_numpy().tolist() == [[2, 1]]
