"""What a read annotation is, and why an annotation is not used. The packed account counts both by their texts."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


class Annotation(NamedTuple):
    """The object of an image.

    Attributes:
        mask: H×W, true on the object. At least one pixel is true.
        remarks: what was decided or changed, in a few words each.
    """

    mask: Mask
    remarks: tuple[str, ...] = ()


class NotUsedError(Exception):
    """An annotation that can be read, and is not used as ground truth.

    Attributes:
        reason: why, in words that are the same for every such file.
        detail: what was found in this file.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


NO_OBJECT = "it has no object of its image's class"
NOTHING = "it shows no object"
EVERYTHING = "its object covers the whole picture"
SHAPE = "its shape is not that of its image"
AMBIGUOUS = "EXIF turns its image, and its size does not say whether it was drawn before or after; say it with `drawn_on:`"
