"""Soft masks N×1×H×W in [0, 1] that need no learning: a baseline of the paper and two controls."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from align.imaging.colour import luma
from align.imaging.normalisation import denormalise

CENTRE_WIDTH = 0.25
"""Standard deviation of :func:`centre_mask`, as a share of the side."""
RANDOM_CELLS = 7
"""Cells along each side of the grid of :func:`random_mask`. They make blobs as large as objects: at 224 pixels, a ResNet's last
feature map has as many cells."""


def grey_mask(images: Tensor) -> Tensor:
    """Return the grey levels of normalised images N×3×H×W: m-Gray in ALIGN's masker ablation (arXiv:2511.06944)."""
    return luma(denormalise(images)).clamp(0, 1)


def centre_mask(images: Tensor) -> Tensor:
    """Return a round Gaussian that is 1 in the middle of the images N×3×H×W. Photographers often centre their objects."""
    height, width = images.shape[-2:]
    vertical, horizontal = (_bell(side, images) for side in (height, width))
    return (vertical[:, None] * horizontal).expand(len(images), 1, height, width)


def random_mask(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return smooth noise for images N×3×H×W.

    Args:
        images: only their number, size and device are used.
        generator: gives the values, on the images' device.
    """
    return smooth(torch.rand((len(images), RANDOM_CELLS**2), generator=generator, device=images.device), images.shape[-2:])


def smooth(values: Tensor, size: Sequence[int]) -> Tensor:
    """Return masks N×1×H×W: the values N×cells² of a coarse grid, enlarged to ``size`` (H, W) by bilinear interpolation."""
    cells = math.isqrt(values.shape[1])
    return F.interpolate(values.view(-1, 1, cells, cells), list(size), mode="bilinear", align_corners=False)


def _bell(side: int, like: Tensor) -> Tensor:
    offsets = (torch.arange(side, device=like.device, dtype=like.dtype) + 0.5) / side - 0.5
    return (-0.5 * (offsets / CENTRE_WIDTH).square()).exp()
