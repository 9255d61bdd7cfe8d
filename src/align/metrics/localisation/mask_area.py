"""The area of masks."""

from align.metrics.base import Explained, Values


def mask_area(explained: Explained) -> dict[str, Values]:
    """Return the share of each image that the learned mask covers, and the object's share, NaN where it is not known."""
    areas: dict[str, Values] = {}
    if explained.learned_mask is not None:
        areas["learned_mask_area"] = explained.learned_mask.mean(dim=(1, 2))
    if explained.ground_truth_area is not None:
        areas["ground_truth_area"] = explained.ground_truth_area
    return areas
