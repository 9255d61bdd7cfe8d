"""What a hidden part of an image shows: itself, blurred."""

import math

from torch import Tensor

from align.blur import SIDE, gaussian_blur


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Return images N×C×H×W, of any range, after a Gaussian blur.

    Args:
        images: squares.
        sigma: the Gaussian's standard deviation in pixels of an image with a side of 224; a smaller image is blurred by
            as many fewer. The Gaussian is cut off at 3 σ.
    """
    own = sigma * images.shape[-1] / SIDE
    return gaussian_blur(images, own, math.ceil(3 * own))
