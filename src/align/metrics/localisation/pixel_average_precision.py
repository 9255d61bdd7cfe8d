"""The average precision of a map's pixels."""

import numpy as np
import torch
from torch import Tensor

from align.metrics.base import Explained, Values
from align.metrics.localisation.ground_truth import score_against_ground_truth


def pixel_average_precision(explained: Explained) -> dict[str, Values]:
    """Return for each image the average precision of the map's values as scores for the pixels of the object.

    As scikit-learn's ``average_precision_score``.
    """
    return score_against_ground_truth(explained, "pixel_average_precision", average_precision)


def average_precision(scores: Tensor, positives: Tensor) -> Tensor:
    """Return Σ (recall − previous recall) · precision over the distinct values of ``scores``, as scikit-learn defines it.

    This is the mean over the positives of the precision among all pixels that score at least as high.

    Args:
        scores: n×P.
        positives: n×P, bool.

    Returns:
        n; NaN where there is no positive.
    """
    order = descending(scores)
    scores, positives = scores.gather(1, order), positives.gather(1, order)
    positions = torch.arange(scores.shape[1], device=scores.device).expand_as(order)
    # Equal scores have no order: each of them counts with the precision at the last one.
    is_last = torch.ones_like(positives)
    is_last[:, :-1] = scores[:, :-1] != scores[:, 1:]
    last = torch.where(is_last, positions, scores.shape[1]).flip(1).cummin(dim=1).values.flip(1)
    precision = positives.cumsum(dim=1) / (positions + 1)
    return (precision.gather(1, last) * positives).sum(dim=1) / positives.sum(dim=1)


def descending(scores: Tensor) -> Tensor:
    """Return the order of the columns of ``scores`` (n×P) from the largest to the smallest, ties in any order: n×P, int64."""
    if scores.device.type == "cpu":  # numpy's sort is vectorised, and takes a fifth of the time of torch's
        return torch.from_numpy(np.argsort(-scores.numpy(), axis=1))
    return scores.argsort(dim=1, descending=True)
