"""Intersection over union of bounding boxes."""

import math

import torch
from torch import Tensor

from align.imaging.scaling import min_max_scale
from align.metrics.base import Explained, Values
from align.metrics.localisation.ground_truth import score_against_ground_truth
from align.metrics.localisation.iou import overlap


def box_iou(explained: Explained) -> dict[str, Values]:
    """Return the intersection over union of two upright boxes: that around the object, and that around the map above 0.5.

    It suits ground truth that is a box itself, which no mask fills. As in Choe et al. (arXiv:2001.07437), with one threshold and
    with one box around everything above it. A saliency map is scaled to [0, 1] in each image; a learned mask is used as it is.
    """
    return score_against_ground_truth(
        explained,
        "box_iou",
        lambda maps, objects: overlap(enclosing_boxes(min_max_scale(maps) > 0.5), enclosing_boxes(objects)),
        learned_mask_score=lambda maps, objects: overlap(enclosing_boxes(maps > 0.5), enclosing_boxes(objects)),
    )


def enclosing_boxes(regions: Tensor) -> Tensor:
    """Return the smallest upright box around each region of a square image: n×P, bool, as ``regions``; empty around nothing."""
    side = math.isqrt(regions.shape[1])
    squares = regions.unflatten(1, (side, side))
    rows, columns = (_spans(squares.any(dim=axis)) for axis in (2, 1))
    return (rows.unsqueeze(2) & columns.unsqueeze(1)).flatten(1)


def _spans(present: Tensor) -> Tensor:
    """Return whether each place of a row (n×S, bool) lies between the first and the last one that is present, both included."""
    after_first = present.cummax(dim=1).values
    before_last = present.flip(1).cummax(dim=1).values.flip(1)
    return torch.logical_and(after_first, before_last)
