"""Merging the masks of an image into one foreground map."""

import torch
from torch import Tensor


def foreground(masks: Tensor, scores: Tensor, largest_area: float, largest_border: float) -> Tensor:
    """Return the union of the masks that can be objects, each weighted by its score.

    A mask that covers more than ``largest_area`` of the image, or more than ``largest_border`` of its outermost pixels, counts as
    background. If several masks cover a pixel, the highest score counts. So a mask that was found twice counts once.

    Args:
        masks: K×S×S, bool; K may be 0.
        scores: IoU that the model predicts for each mask, K.
        largest_area: share of the image.
        largest_border: share of the image's outermost pixels.

    Returns:
        S×S in [0, 1]. It is zero everywhere if no mask can be an object.
    """
    border = torch.ones(masks.shape[1:], dtype=torch.bool, device=masks.device)
    border[1:-1, 1:-1] = False
    area = masks.float().mean((1, 2))
    border_share = masks[:, border].float().mean(1)
    objects = (area <= largest_area) & (border_share <= largest_border)
    weighted = masks[objects] * scores[objects].clamp(0, 1)[:, None, None]
    return torch.cat([scores.new_zeros(1, *border.shape), weighted]).amax(0)
