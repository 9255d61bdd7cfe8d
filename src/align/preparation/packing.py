"""Packing the images of a domain into one array that training can map into memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from align.datasets.decoding import read_rgb
from align.datasets.ground_truth import read_mask
from align.datasets.settings import GroundTruth
from align.errors import InputError
from align.files import whole_file
from align.imaging.masks import UNKNOWN
from align.imaging.resizing import fit


def pack_domain(
    root: Path,
    rows: pd.DataFrame,
    image_size: int,
    resize: Literal["crop", "stretch"],
    ground_truth: Sequence[GroundTruth],
    images_path: Path,
    ground_truth_path: Path,
) -> None:
    """Write the images of a domain and their ground-truth masks.

    The images are uint8, N×S×S×3. The masks are uint8, N×S×S: 1 on the object, 0 elsewhere, 255 everywhere in an image without a
    mask. If no image has a mask, their shape is (0, S, S).

    Images are resized as torchvision does, and so DomainBed: bilinearly with anti-aliasing. They are written one after the
    other, so that memory does not grow with their number.

    Args:
        root: the data set's folder.
        rows: the domain's rows of the manifest.
        image_size: side S, pixels.
        resize: ``crop`` keeps the largest centred square and the shape of objects, ``stretch`` keeps the whole image.
        ground_truth: where the masks are.
        images_path: the ``.npy`` file for the images.
        ground_truth_path: the ``.npy`` file for the masks.

    Raises:
        InputError: an image is missing, or is not the one that the manifest lists; or a mask cannot be read.
    """
    with (
        whole_file(images_path) as images_partial,
        whole_file(ground_truth_path) as masks_partial,
        images_partial.open("wb") as images,
        masks_partial.open("wb") as masks,
    ):
        write_header(images, (len(rows), image_size, image_size, 3))
        write_header(masks, (len(rows), image_size, image_size))
        known = 0
        for path, domain, label, sha256 in rows[["path", "domain", "class", "sha256"]].itertuples(index=False):
            # Decoding at a reduced size keeps at least twice the side, so that the resampling filter has enough pixels.
            image, found, _ = read_rgb(root / path, least_side=2 * image_size)
            if found != sha256:
                raise InputError(
                    f"{root / path}: found SHA-256 {found[:12]}…, expected {sha256[:12]}… as when it was listed; "
                    "restore it, or remove the manifest, so that it is made again"
                )
            mask = read_mask(path, domain, label, image.size, ground_truth)
            images.write(np.asarray(fit(image, image_size, resize, Image.Resampling.BILINEAR)).tobytes())
            fitted = _fit_mask(mask, image_size, resize)
            masks.write(fitted.tobytes())
            known += fitted[0, 0] != UNKNOWN
        if not known:
            masks.seek(0)
            masks.truncate()
            write_header(masks, (0, image_size, image_size))


def _fit_mask(mask: npt.NDArray[np.bool_] | None, size: int, resize: Literal["crop", "stretch"]) -> npt.NDArray[np.uint8]:
    if mask is not None:
        fitted = np.asarray(fit(Image.fromarray(mask.astype(np.uint8)), size, resize, Image.Resampling.NEAREST))
        if fitted.any():  # the crop may have cut the object off
            return fitted
    return np.full((size, size), UNKNOWN, dtype=np.uint8)


def write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write the header of a ``.npy`` file of bytes of this shape. The caller then writes the rows, one after the other."""
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
