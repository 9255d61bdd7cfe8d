"""The loss terms of the masker, and L_egl of the classifier. ``weights`` has one weight for each of N images."""

import torch
import torch.nn.functional as F
from torch import Tensor

from align.imaging.scaling import min_max_scale

LOG_ODDS = 0.3
"""The weight of the log-odds form of L_dist. It brings this form to the scale of the squared form."""


def distinction_loss(p_kept: Tensor, p_removed: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return L_dist = mean (p_y(x ⊙ M) − p_y(x ⊙ (1 − M)) − 1)² of the two probabilities, N each."""
    return weighted_mean((p_kept - p_removed - 1).square(), weights)


def log_odds_loss(p_kept: Tensor, p_removed: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return −0.3 mean (log p_y(x ⊙ M) + log(1 − p_y(x ⊙ (1 − M)))) of the two probabilities, N each.

    This form is ours. The squared form is flat where softmax saturates. So a mask that hides half of an object learns nothing.
    """
    smallest = torch.finfo(p_kept.dtype).eps
    return -LOG_ODDS * weighted_mean(p_kept.clamp_min(smallest).log() + (1 - p_removed).clamp_min(smallest).log(), weights)


DISTINCTION_LOSSES = {"probability": distinction_loss, "log_odds": log_odds_loss}


def total_variation(mask: Tensor, weights: Tensor | None = None) -> Tensor:
    """Return L_smooth: the mean absolute difference of neighbouring pixels of masks N×1×H×W, over both directions."""
    vertical = weighted_mean((mask[..., 1:, :] - mask[..., :-1, :]).abs(), weights)
    horizontal = weighted_mean((mask[..., :, 1:] - mask[..., :, :-1]).abs(), weights)
    return (vertical + horizontal) / 2


def distance_to_area(mask: Tensor, area: float, weights: Tensor | None = None) -> Tensor:
    """Return the mean absolute difference of each mask's area and ``area``, for masks N×1×H×W."""
    return weighted_mean((mask.mean((1, 2, 3)) - area).abs(), weights)


def attained_fraction(p_kept: Tensor, p_removed: Tensor, p_image: Tensor, p_reference: Tensor) -> Tensor:
    """Return the fraction of the attainable dist that each of N masks attains, in [0, 1], without a gradient.

    The attainable dist is that of a mask that keeps everything, p_y(x) − p_y(x̄). If it is not positive, the fraction is 1.

    Args:
        p_kept: N probabilities p_y of what the mask keeps.
        p_removed: N probabilities p_y of what the mask removes.
        p_image: N probabilities p_y(x).
        p_reference: N probabilities p_y(x̄), with all of the image hidden.
    """
    attainable = (p_image - p_reference).detach()
    fraction = (p_kept - p_removed).detach() / attainable.clamp_min(torch.finfo(p_kept.dtype).tiny)
    return torch.where(attainable > 0, fraction.clamp(0, 1), 1.0)


def even_weights(labels: Tensor) -> Tensor:
    """Return a weight for each of N images. The weights have mean 1, and the same sum for every class among ``labels``."""
    own = (labels[:, None] == labels).sum(1)  # images of the same class; the sum of their inverses is the number of classes
    return len(labels) / (own * own.reciprocal().sum())


def weighted_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Return the mean of ``values`` N×…, with a weight for each of the N images."""
    return values.mean() if weights is None else (values * weights.view(-1, *[1] * (values.dim() - 1))).mean()


def guidance_loss(explanation: Tensor, mask: Tensor) -> Tensor:
    """Return L_egl: the binary cross-entropy of the explanation N×h×w, scaled per image, and the mask N×1×H×W.

    It is the mean over the images that have a mask. The mask of an image without one is NaN. If no image has a mask, it is 0.
    """
    known = mask.isfinite().all((1, 2, 3))
    target = F.interpolate(mask.nan_to_num(), explanation.shape[-2:], mode="area").squeeze(1)
    # A scaled map has the values 0 and 1, where the slope of the cross-entropy is infinite.
    scaled = min_max_scale(explanation).clamp(1e-3, 1 - 1e-3)
    image_losses = F.binary_cross_entropy(scaled, target, reduction="none").mean((1, 2))
    return (image_losses * known).sum() / known.sum().clamp_min(1)
