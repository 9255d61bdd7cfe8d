"""Images of a domain as one array that training can map into memory."""

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
    masks_path: Path,
) -> None:
    """Write the images of a domain as uint8 N×S×S×3 and their masks as uint8 N×S×S (1 object, 0 not, 255 not known).

    Images are resized as torchvision and so DomainBed do, bilinearly with anti-aliasing, and written one after the other, so that
    memory does not grow with their number. The masks have shape (0, S, S) if
    no image has one.

    Args:
        root: the data set's folder.
        rows: the domain's rows of the manifest.
        image_size: side S, pixels.
        resize: ``crop`` keeps the shape of objects and the largest centred square, ``stretch`` the whole image.
        ground_truth: where the masks are.
        images_path: the ``.npy`` file for the images.
        masks_path: the ``.npy`` file for the masks.

    Raises:
        InputError: an image is gone, or is not the one that the manifest lists; a mask cannot be read.
    """
    with (
        whole_file(images_path) as images_partial,
        whole_file(masks_path) as masks_partial,
        images_partial.open("wb") as images,
        masks_partial.open("wb") as masks,
    ):
        write_header(images, (len(rows), image_size, image_size, 3))
        write_header(masks, (len(rows), image_size, image_size))
        known = 0
        for path, domain, label, sha256 in rows[["path", "domain", "class", "sha256"]].itertuples(index=False):
            # Twice the side, so that decoding at reduced size leaves the resampling filter enough to work with.
            image, found = read_rgb(root / path, least_side=2 * image_size)
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
        if fitted.any():  # the crop can leave the object out
            return fitted
    return np.full((size, size), UNKNOWN, dtype=np.uint8)


def write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Write what a ``.npy`` file of bytes of this shape begins with; its rows follow, one after the other."""
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
