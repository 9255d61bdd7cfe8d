"""The square of a photograph that a network sees, and the way back to the photograph."""

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from align.imaging.fitting import fit
from align.imaging.imagenet import MEAN, STANDARD_DEVIATION

Box = tuple[float, float, float, float]


class View(NamedTuple):
    """How a photograph becomes the square that a network sees.

    Attributes:
        size: side S of the square, pixels.
        resize: ``crop`` keeps the largest centred square, ``stretch`` keeps the whole photograph.
    """

    size: int
    resize: Literal["crop", "stretch"] = "crop"

    def square(self, photograph: Image.Image) -> npt.NDArray[np.uint8]:
        """Return the square, S×S×3, of an upright RGB photograph."""
        return np.asarray(fit(photograph, self.size, self.resize, Image.Resampling.BILINEAR))

    def box(self, width: int, height: int) -> Box:
        """Return what the square shows of a photograph: left, upper, right and lower edge, pixels."""
        if self.resize == "stretch":
            return 0, 0, width, height
        side = min(width, height)
        left, upper = (width - side) / 2, (height - side) / 2
        return left, upper, left + side, upper + side

    def on_photograph(self, values: npt.NDArray[np.float32], width: int, height: int) -> npt.NDArray[np.float32]:
        """Return ``values`` S×S of the square as height×width values of the photograph, bilinearly. Outside of it they are 0."""
        left, upper, right, lower = (round(edge) for edge in self.box(width, height))
        inside = Image.fromarray(values.astype(np.float32)).resize((right - left, lower - upper), Image.Resampling.BILINEAR)
        whole = np.zeros((height, width), np.float32)
        whole[upper:lower, left:right] = np.asarray(inside)
        return whole

    def record(self) -> dict[str, Any]:
        """Return everything that another program needs to make the network's input, as plain values."""
        return {
            "size": self.size,
            "resize": self.resize,
            "interpolation": "bilinear, with anti-aliasing",
            "range": [0, 1],
            "mean": list(MEAN),
            "standard_deviation": list(STANDARD_DEVIATION),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "View":
        """Return the view whose :meth:`record` is ``record``."""
        return cls(record["size"], record["resize"])
