"""From packed bytes to what a network sees, and back."""

from functools import cache

import torch
from torch import Tensor

# The mean and standard deviation of ImageNet's channels, torchvision's convention for all of its weights.
MEAN = (0.485, 0.456, 0.406)
STANDARD_DEVIATION = (0.229, 0.224, 0.225)


def to_unit(images: Tensor) -> Tensor:
    """Return packed images N×S×S×3, bytes, as N×3×S×S in [0, 1], channels last in memory."""
    return images.permute(0, 3, 1, 2).float().div_(255)


def normalise(images: Tensor) -> Tensor:
    """Return images N×3×S×S in [0, 1] as the network sees them: less the mean, by the standard deviation."""
    mean, deviation = _per_channel(images.device)
    return (images - mean) / deviation


def denormalise(images: Tensor) -> Tensor:
    """Return normalised images N×3×S×S in [0, 1] again."""
    mean, deviation = _per_channel(images.device)
    return images * deviation + mean


@cache  # a copy to a GPU for each batch would wait for it
def _per_channel(device: torch.device) -> tuple[Tensor, Tensor]:
    mean, deviation = (torch.tensor(values, device=device)[:, None, None] for values in (MEAN, STANDARD_DEVIATION))
    return mean, deviation
