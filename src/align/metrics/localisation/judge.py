"""The saliency map and the learned mask, judged alike against the ground truth."""

from collections.abc import Callable

import torch
from torch import Tensor

from align.imaging.resizing import resized
from align.metrics.base import Explained, Values, in_batches

Score = Callable[[Tensor, Tensor], Tensor]
"""Maps (n×P) and whether each of their pixels is the object's (n×P, bool) to a value for each image (n)."""


def judge(explained: Explained, name: str, score: Score, learned_mask_score: Score | None = None) -> dict[str, Values]:
    """Return ``score`` of the true class's saliency map and, where there is one, of the learned mask.

    Undefined (NaN) for an image without ground truth or without a pixel of the object, or whose mask is not known.

    Args:
        explained: images with or without ground truth; without, nothing is returned.
        name: the name of the saliency map's values; the learned mask's has the prefix ``learned_mask_``.
        score: what is measured.
        learned_mask_score: what is measured of the learned mask, where that differs.
    """
    ground_truth, area = explained.ground_truth, explained.ground_truth_area
    if ground_truth is None or area is None:
        return {}

    def values(score: Score, maps: Tensor) -> Tensor:
        def value(maps: Tensor, masks: Tensor) -> Tensor:
            return score(resized(maps, masks.shape[1:]).flatten(1), (masks == 1).flatten(1))

        defined = ~(area.isnan() | maps.flatten(1).isnan().any(dim=1))
        return torch.where(defined, in_batches(value, maps, ground_truth, size=explained.batch_size), torch.nan)

    result: dict[str, Values] = {name: values(score, explained.class_saliency)}
    if explained.learned_mask is not None:
        result[f"learned_mask_{name}"] = values(learned_mask_score or score, explained.learned_mask)
    return result
