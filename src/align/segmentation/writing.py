"""The file of soft masks that a segmentation network makes of a domain's images."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from align.files import whole_file
from align.imaging.masks import FULL, UNKNOWN
from align.preparation.packing import write_header

Mask = npt.NDArray[np.floating]


def write_masks(images: npt.NDArray[np.uint8], mask_of: Callable[[npt.NDArray[np.uint8]], Mask | None], path: Path) -> int:
    """Write the masks of images as uint8 N×S×S: 0 to 254, or 255 everywhere in an image without a mask.

    Images are read and masks are written one after the other, so that memory does not grow with their number.

    Args:
        images: N×S×S×3.
        mask_of: returns the mask of an image, S×S in [0, 1]; None where it finds no object.
        path: the ``.npy`` file to write.

    Returns:
        The number of images without a mask.
    """
    unknown = 0
    with whole_file(path) as partial, partial.open("wb") as file:  # not a mapped file: on a full disk, it would kill this process
        write_header(file, images.shape[:3])
        for image in images:
            mask = mask_of(image)
            unknown += mask is None
            row = np.full(image.shape[:2], UNKNOWN) if mask is None else np.round(mask * FULL)
            file.write(row.astype(np.uint8).tobytes())
    return unknown
