"""Converting packed bytes to the normalised images and the masks that a network takes, and back."""

from functools import cache

import torch
from torch import Tensor

from align.imaging.imagenet import MEAN, STANDARD_DEVIATION
from align.imaging.masks import FULL, UNKNOWN


def to_unit(images: Tensor) -> Tensor:
    """Return packed images N×S×S×3, bytes, as N×3×S×S in [0, 1], with channels last in memory."""
    return images.permute(0, 3, 1, 2).float().div_(255)


def normalise(images: Tensor) -> Tensor:
    """Return images N×3×S×S in [0, 1], less ImageNet's mean and divided by its standard deviation."""
    mean, deviation = _per_channel(images.device)
    return (images - mean) / deviation


def denormalise(images: Tensor) -> Tensor:
    """Return normalised images N×3×S×S scaled back to [0, 1]."""
    mean, deviation = _per_channel(images.device)
    return images * deviation + mean


def to_soft_masks(masks: Tensor) -> Tensor:
    """Return packed soft masks N×S×S, bytes from 0 to 254, as N×1×S×S in [0, 1]. The byte 255 (unknown) becomes NaN."""
    return masks.float().div_(FULL).masked_fill_(masks == UNKNOWN, torch.nan)[:, None]


@cache  # otherwise each batch would wait for a copy to the GPU
def _per_channel(device: torch.device) -> tuple[Tensor, Tensor]:
    mean, deviation = (torch.tensor(values, device=device)[:, None, None] for values in (MEAN, STANDARD_DEVIATION))
    return mean, deviation
