"""A small folder of images, laid out as a folder of one's own: ``python -m align.datasets.example_folder data/my_images``."""

import argparse
import sys
from pathlib import Path

from align.datasets.digit_scenes import generate
from align.datasets.folders import SETTINGS_RECORD
from align.datasets.source_settings import DigitScenesSettings
from align.errors import InputError
from align.files import whole_folder

SCENES = DigitScenesSettings(images_per_class=60)


def write_example(root: Path) -> Path:
    """Write images to ``<root>/<domain>/<class>/``, and their true masks to a folder beside it, whose path is returned.

    The images are DigitScenes, without the record that the pipeline keeps in a folder that it makes.

    Raises:
        InputError: ``root`` or the folder of masks is not empty.
    """
    masks = root.with_name(f"{root.name}_masks")
    with whole_folder(root) as images, whole_folder(masks) as truths:
        generate(images, SCENES)
        (images / SETTINGS_RECORD).unlink()
        (images / "masks").replace(truths)
    return masks


def main() -> None:
    """Write the folder that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m align.datasets.example_folder", description=__doc__)
    parser.add_argument("root", type=Path, help="the folder to make, such as data/my_images")
    root = parser.parse_args().root
    try:
        masks = write_example(root)
    except InputError as error:
        sys.exit(str(error))
    print(f"{root}: images in <domain>/<class>/; {masks}: their true masks, in the same places")


if __name__ == "__main__":
    main()
