"""What a hidden part of an image shows: itself, blurred."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 224
"""Side of the images, in pixels, that a σ is stated for."""


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Return images N×C×H×W after a Gaussian blur, mirrored at their border.

    Args:
        images: of any range.
        sigma: the Gaussian's standard deviation in pixels of an image with a side of 224; a smaller image is blurred by
            as many fewer. The Gaussian is cut off at 3 σ.
    """
    # One pass for each axis: torchvision's takes a square kernel, 60 times the work at the σ of masked images.
    own = sigma * images.shape[-1] / SIDE
    radius = min(math.ceil(3 * own), *(side - 1 for side in images.shape[-2:]))
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = (-0.5 * (offsets / own).square()).exp()
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, -1)
    padded = F.pad(images, (radius, radius, radius, radius), mode="reflect")
    across = F.conv2d(padded, kernel[:, :, None], groups=images.shape[1])
    return F.conv2d(across, kernel[..., None], groups=images.shape[1])
