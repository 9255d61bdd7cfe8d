"""Gaussian blur of images."""

import math

import torch
from torch import Tensor

REFERENCE_SIDE = 224
"""The side, in pixels, of the images that the configuration's standard deviations are for. A smaller image gets a smaller one."""


def gaussian_blur(images: Tensor, sigma: float, radius: int) -> Tensor:
    """Return images after a Gaussian blur. Beyond its border, an image is continued by its mirror image.

    Args:
        images: N×C×H×W, of any range, larger than one pixel.
        sigma: standard deviation of the Gaussian, in pixels.
        radius: where the Gaussian is cut off, in pixels. The mirror image ends one pixel before the image's side; a larger radius
            is reduced to that.
    """
    # One matrix product for each axis, with the mirror in the matrix, is ten times as fast as convolutions of single channels.
    radius = min(radius, *(side - 1 for side in images.shape[-2:]))
    vertical, horizontal = (_blur_of_axis(side, sigma, radius, images) for side in images.shape[-2:])
    return vertical @ images @ horizontal.T


def _blur_of_axis(side: int, sigma: float, radius: int, like: Tensor) -> Tensor:
    """Return the blur of a line of S = ``side`` pixels as a matrix S×S, whose rows sum to 1."""
    offsets = torch.arange(-radius, radius + 1, device=like.device)
    kernel = (-0.5 * (offsets.to(like.dtype) / sigma).square()).exp()
    places = (torch.arange(side, device=like.device)[:, None] + offsets).abs()
    mirrored = side - 1 - (side - 1 - places).abs()
    return like.new_zeros(side, side).scatter_add_(1, mirrored, (kernel / kernel.sum()).expand(side, -1))


def scaled_blur(images: Tensor, sigma: float) -> Tensor:
    """Return square images after a Gaussian blur that scales with their side, cut off at 3 σ.

    Args:
        images: N×C×S×S, of any range.
        sigma: standard deviation for a side of 224 pixels; for a side S it is σ · S / 224 pixels.
    """
    scaled = sigma * images.shape[-1] / REFERENCE_SIDE
    return gaussian_blur(images, scaled, math.ceil(3 * scaled))
