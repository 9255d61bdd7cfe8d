"""The masker's loss terms. Weights are one for each of N images."""

import torch
import torch.nn.functional as F
from torch import Tensor

from align.imaging.scaling import min_max_scale

LOG_ODDS = 0.3
"""Weight of the log-odds form of L_dist, which brings it to the scale of the squared one."""


def distinction_loss(kept: Tensor, removed: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return L_dist = mean (p_y(x ⊙ M) − p_y(x ⊙ (1 − M)) − 1)² of the two probabilities, N each."""
    return weighted_mean((kept - removed - 1).square(), weights)


def log_odds_loss(kept: Tensor, removed: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return −0.3 mean (log p_y(x ⊙ M) + log(1 − p_y(x ⊙ (1 − M)))) of the two probabilities, N each.

    Ours: the squared form is flat where softmax saturates, so that a mask that hides half of an object learns nothing.
    """
    smallest = torch.finfo(kept.dtype).eps
    return -LOG_ODDS * weighted_mean(kept.clamp_min(smallest).log() + (1 - removed).clamp_min(smallest).log(), weights)


DISTINCTION_LOSSES = {"probability": distinction_loss, "log_odds": log_odds_loss}


def total_variation(mask: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return L_smooth: the mean absolute difference of neighbouring pixels of N×1×H×W, over both directions."""
    vertical = weighted_mean((mask[..., 1:, :] - mask[..., :-1, :]).abs(), weights)
    horizontal = weighted_mean((mask[..., :, 1:] - mask[..., :, :-1]).abs(), weights)
    return (vertical + horizontal) / 2


def distance_to_area(mask: Tensor, area: float, weights: Tensor | None = None) -> Tensor:
    """Return the mean absolute difference of each mask's area and ``area``, for masks N×1×H×W."""
    return weighted_mean((mask.mean((1, 2, 3)) - area).abs(), weights)


def attained_fraction(kept: Tensor, removed: Tensor, whole: Tensor, nothing: Tensor) -> Tensor:
    """Return the share of the attainable dist that a mask attains, N, in [0, 1], without a gradient.

    Attainable is what the mask that keeps everything attains, p_y(x) − p_y(x̄). Where that is nothing, the share is 1.

    Args:
        kept: p_y of what the mask keeps, N.
        removed: p_y of what is left without it, N.
        whole: p_y(x), N.
        nothing: p_y(x̄), the probability when all of the image is hidden, N.
    """
    attainable = (whole - nothing).detach()
    share = (kept - removed).detach() / attainable.clamp_min(torch.finfo(kept.dtype).tiny)
    return torch.where(attainable > 0, share.clamp(0, 1), 1.0)


def even_weights(labels: Tensor) -> Tensor:
    """Return a weight for each of N images, mean 1, so that every class among ``labels`` has the same sum."""
    own = (labels[:, None] == labels).sum(1)  # images of the same class; the sum of their inverses is the number of classes
    return len(labels) / (own * own.reciprocal().sum())


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Return the mean of ``values`` N×…, each image's with its weight."""
    return values.mean() if weights is None else (values * weights.view(-1, *[1] * (values.dim() - 1))).mean()


def guidance_loss(explanation: Tensor, mask: Tensor) -> Tensor:
    """Return L_egl: the binary cross-entropy of the explanation N×h×w, scaled per image, and the mask N×1×H×W.

    The mean over the images that have a mask; the mask of one that has none is NaN. 0 where none has.
    """
    known = mask.isfinite().all((1, 2, 3))
    target = F.interpolate(mask.nan_to_num(), explanation.shape[-2:], mode="area").squeeze(1)
    # Scaling puts a 0 and a 1 in every map, where the cross-entropy's slope is infinite.
    scaled = min_max_scale(explanation).clamp(1e-3, 1 - 1e-3)
    of_images = F.binary_cross_entropy(scaled, target, reduction="none").mean((1, 2))
    return (of_images * known).sum() / known.sum().clamp_min(1)
