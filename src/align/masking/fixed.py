"""Masks that nothing is learned for: a baseline of the paper, and two controls. All are soft masks N×1×H×W in [0, 1]."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from align.imaging.colour import luma
from align.imaging.normalisation import denormalise

CENTRE_WIDTH = 0.25
"""Standard deviation of the centred mask, as a share of the side."""
RANDOM_CELLS = 7
"""Cells along each side of the random mask: blobs of the size of objects, as coarse as a ResNet's last map at 224 pixels."""


def grey_mask(images: Tensor) -> Tensor:
    """Return the grey level of normalised images N×3×H×W: m-Gray of ALIGN's masker ablation (arXiv:2511.06944)."""
    return luma(denormalise(images)).clamp(0, 1)


def centre_mask(images: Tensor) -> Tensor:
    """Return a round Gaussian, 1 in the middle of images N×3×H×W: photographers centre their objects."""
    height, width = images.shape[-2:]
    vertical, horizontal = (_bell(side, images) for side in (height, width))
    return (vertical[:, None] * horizontal).expand(len(images), 1, height, width)


def random_mask(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return smooth noise for images N×3×H×W.

    Args:
        images: only their number and their size count.
        generator: gives the values, on the images' device.
    """
    return smooth(torch.rand((len(images), RANDOM_CELLS**2), generator=generator, device=images.device), images.shape[-2:])


def smooth(values: Tensor, size: Sequence[int]) -> Tensor:
    """Return masks N×1×H×W of ``size`` (H, W) from the values N×cells² of a coarse grid, enlarged bilinearly."""
    cells = math.isqrt(values.shape[1])
    return F.interpolate(values.view(-1, 1, cells, cells), list(size), mode="bilinear", align_corners=False)


def _bell(side: int, like: Tensor) -> Tensor:
    offsets = (torch.arange(side, device=like.device, dtype=like.dtype) + 0.5) / side - 0.5
    return (-0.5 * (offsets / CENTRE_WIDTH).square()).exp()
