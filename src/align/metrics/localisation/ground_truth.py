"""Scores of saliency maps and learned masks against the ground truth."""

from collections.abc import Callable

import torch
from torch import Tensor

from align.imaging.resizing import resized
from align.imaging.scaling import is_flat
from align.metrics.base import Explained, Values, in_batches

Score = Callable[[Tensor, Tensor], Tensor]
"""Takes maps (n×P) and whether each pixel belongs to the object (n×P, bool); gives a value for each image (n)."""


def score_against_ground_truth(
    explained: Explained, name: str, score: Score, learned_mask_score: Score | None = None
) -> dict[str, Values]:
    """Return ``score`` for the saliency map of the true class and, for a method that learns masks, for the learned mask.

    The score is undefined (NaN) for an image without ground truth or without a pixel of the object, for a flat map, and for a
    learned mask that is not known.

    Args:
        explained: images with or without ground truth. Without any, the result is empty.
        name: the measure of the saliency map; that of the learned mask has the prefix ``learned_mask_``.
        score: the score of a map.
        learned_mask_score: the score of a learned mask if its own scale gives it one. It is then defined for a flat mask, too.
    """
    ground_truth, area = explained.ground_truth, explained.ground_truth_area
    if ground_truth is None or area is None:
        return {}

    def values(score: Score, maps: Tensor, unusable: Tensor) -> Tensor:
        def value(maps: Tensor, truth: Tensor) -> Tensor:
            return score(resized(maps, truth.shape[1:]).flatten(1), (truth == 1).flatten(1))

        defined = ~(area.isnan() | unusable)
        return torch.where(defined, in_batches(value, maps, ground_truth, size=explained.batch_size), torch.nan)

    result: dict[str, Values] = {name: values(score, explained.class_saliency, is_flat(explained.class_saliency))}
    if (masks := explained.learned_mask) is not None:
        not_known = masks.flatten(1).isnan().any(dim=1)
        unusable = not_known if learned_mask_score else not_known | is_flat(masks)
        result[f"learned_mask_{name}"] = values(learned_mask_score or score, masks, unusable)
    return result
