"""Packing the images of a domain into one array that training can map into memory."""

from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pandas as pd

from align.datasets.decoding import read_rgb
from align.errors import InputError
from align.files import whole_file
from align.imaging.view import View


def pack_domain(root: Path, rows: pd.DataFrame, image_size: int, resize: Literal["crop", "stretch"], images_path: Path) -> None:
    """Write the images of a domain: uint8, N×S×S×3.

    Images are resized as torchvision does, and so DomainBed: bilinearly with anti-aliasing. They are written one after the
    other, so that memory does not grow with their number.

    Args:
        root: the data set's folder.
        rows: the domain's rows of the manifest.
        image_size: side S, pixels.
        resize: ``crop`` keeps the largest centred square and the shape of objects, ``stretch`` keeps the whole image.
        images_path: the ``.npy`` file for the images.

    Raises:
        InputError: an image is missing, or is not the one that the manifest lists.
    """
    view = View(image_size, resize)
    with whole_file(images_path) as partial, partial.open("wb") as images:
        write_header(images, (len(rows), image_size, image_size, 3))
        for path, sha256 in rows[["path", "sha256"]].itertuples(index=False):
            image, found, _ = read_rgb(root / path, least_side=decoded_side(image_size))
            if found != sha256:
                raise InputError(
                    f"{root / path}: found SHA-256 {found[:12]}…, expected {sha256[:12]}… as when it was listed; "
                    "restore it, or remove the manifest, so that it is made again"
                )
            images.write(view.square(image).tobytes())


def decoded_side(image_size: int) -> int:
    """Return the least side of a decoded image, pixels. At twice the packed side, the resampling filter has enough pixels."""
    return 2 * image_size


def write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write the header of a ``.npy`` file of bytes of this shape. The caller then writes the rows, one after the other."""
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
