"""Intersection over union."""

from torch import Tensor

from align.imaging.scaling import min_max_scale
from align.metrics.base import Explained, Values
from align.metrics.localisation.ground_truth import score_against_ground_truth


def iou(explained: Explained) -> dict[str, Values]:
    """Return the intersection over union of the object and the map above 0.5.

    Jaccard's index (New Phytologist 11(2), 1912). A saliency map has no scale of its own and is scaled to [0, 1] in each image;
    the learned mask is used as it is.
    """
    return score_against_ground_truth(
        explained,
        "iou",
        lambda maps, objects: overlap(min_max_scale(maps) > 0.5, objects),
        learned_mask_score=lambda maps, objects: overlap(maps > 0.5, objects),
    )


def overlap(regions: Tensor, objects: Tensor) -> Tensor:
    """Return the intersection over the union of ``regions`` and ``objects`` (n×P, bool): n."""
    return (regions & objects).sum(dim=1) / (regions | objects).sum(dim=1)
