"""Intersection over union."""

import torch
from torch import Tensor

from align.metrics.base import Explained, Values
from align.metrics.localisation.judge import judge


def iou(explained: Explained) -> dict[str, Values]:
    """Return the intersection over union of the object and the map above 0.5.

    A saliency map has no scale of its own and is scaled to [0, 1] in each image; the learned mask is used as it is.
    """
    return judge(
        explained,
        "iou",
        lambda maps, objects: overlap(min_max_scaled(maps) > 0.5, objects),
        learned_mask_score=lambda maps, objects: overlap(maps > 0.5, objects),
    )


def min_max_scaled(maps: Tensor) -> Tensor:
    """Return ``maps`` (n×P) scaled to [0, 1] each; a flat one becomes zero."""
    low, high = maps.aminmax(dim=1, keepdim=True)
    return (maps - low) / (high - low).clamp_min(torch.finfo(maps.dtype).tiny)


def overlap(regions: Tensor, objects: Tensor) -> Tensor:
    """Return the intersection over the union of ``regions`` and ``objects`` (n×P, bool): n."""
    return (regions & objects).sum(dim=1) / (regions | objects).sum(dim=1)
