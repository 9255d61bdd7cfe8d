"""Converting packed bytes to the normalised images that a network takes, and back."""

from functools import cache

import torch
from torch import Tensor

# Mean and standard deviation of ImageNet's channels. All of torchvision's weights expect this normalisation.
MEAN = (0.485, 0.456, 0.406)
STANDARD_DEVIATION = (0.229, 0.224, 0.225)


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


@cache  # otherwise each batch would wait for a copy to the GPU
def _per_channel(device: torch.device) -> tuple[Tensor, Tensor]:
    mean, deviation = (torch.tensor(values, device=device)[:, None, None] for values in (MEAN, STANDARD_DEVIATION))
    return mean, deviation
