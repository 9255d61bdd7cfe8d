"""Images after a Gaussian blur."""

import math

import torch
from torch import Tensor

SIDE = 224
"""Side of the images, in pixels, that the configuration states standard deviations for; a smaller image is blurred by less."""


def gaussian_blur(images: Tensor, sigma: float, radius: int) -> Tensor:
    """Return images N×C×H×W, of any range, after a Gaussian blur, mirrored at their border.

    Args:
        images: larger than one pixel.
        sigma: the Gaussian's standard deviation, in pixels.
        radius: where the Gaussian is cut off, in pixels; at the latest where the mirror ends, one pixel less than the image.
    """
    # A product of matrices for each axis, with the mirror in the matrix: ten times as fast as convolutions of single channels.
    radius = min(radius, *(side - 1 for side in images.shape[-2:]))
    vertical, horizontal = (_blur_of_axis(side, sigma, radius, images) for side in images.shape[-2:])
    return vertical @ images @ horizontal.T


def _blur_of_axis(side: int, sigma: float, radius: int, like: Tensor) -> Tensor:
    """Return the weight that each of ``side`` pixels of a row gives to each other one, S×S; every row sums to 1."""
    offsets = torch.arange(-radius, radius + 1, device=like.device)
    kernel = (-0.5 * (offsets.to(like.dtype) / sigma).square()).exp()
    places = (torch.arange(side, device=like.device)[:, None] + offsets).abs()
    mirrored = side - 1 - (side - 1 - places).abs()
    return like.new_zeros(side, side).scatter_add_(1, mirrored, (kernel / kernel.sum()).expand(side, -1))


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Return images N×C×H×W, of any range, after a Gaussian blur.

    Args:
        images: squares.
        sigma: the Gaussian's standard deviation in pixels of an image with a side of 224; a smaller image is blurred by
            as many fewer. The Gaussian is cut off at 3 σ.
    """
    own = sigma * images.shape[-1] / SIDE
    return gaussian_blur(images, own, math.ceil(3 * own))
