"""The folder of images that stands for a folder of one's own."""

import subprocess
import sys

import pytest

from align.datasets.example_folder import write_example
from align.datasets.scan import scan
from align.errors import InputError


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    root = tmp_path_factory.mktemp("example") / "data/my_images"
    return root, write_example(root)


def test_it_holds_nothing_but_images_in_domains_and_classes(example):
    root, _ = example
    found = scan(root)
    assert found.domains == ("china", "flower", "noise", "stripes")
    assert {len(names) for classes in found.images.values() for names in classes.values()} == {60}
    assert not found.passed_over
    assert {path.name for path in root.iterdir()} == set(found.domains)


def test_every_image_has_a_mask_beside_the_folder(example):
    root, masks = example
    assert masks == root.with_name("my_images_masks")
    images, truths = ({path.relative_to(folder) for path in folder.rglob("*.png")} for folder in (root, masks))
    assert images == truths


def test_a_folder_that_is_there_is_left_alone(example):
    root, _ = example
    with pytest.raises(InputError, match="found something there already"):
        write_example(root)
    done = subprocess.run(
        [sys.executable, "-m", "align.datasets.example_folder", str(root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"{root}: found something there already")
