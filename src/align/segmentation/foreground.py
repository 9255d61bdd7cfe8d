"""From many masks of an image to one foreground map."""

import torch
from torch import Tensor


def foreground(masks: Tensor, scores: Tensor, largest_area: float, largest_border: float) -> Tensor:
    """Return the union of the masks that can be objects, each weighted by its score.

    A mask that covers more than ``largest_area`` of the image, or more than ``largest_border`` of its outermost pixels, is taken
    for background. Where several cover a pixel, the highest score counts, so that a mask found twice counts once.

    Args:
        masks: K×S×S, boolean; K may be 0.
        scores: K, the IoU that the model predicts for each mask.
        largest_area: share of the image.
        largest_border: share of the image's outermost pixels.

    Returns:
        S×S in [0, 1]; all zero where no mask can be an object.
    """
    border = torch.ones(masks.shape[1:], dtype=torch.bool, device=masks.device)
    border[1:-1, 1:-1] = False
    area = masks.float().mean((1, 2))
    of_border = masks[:, border].float().mean(1)
    objects = (area <= largest_area) & (of_border <= largest_border)
    weighted = masks[objects] * scores[objects].clamp(0, 1)[:, None, None]
    return torch.cat([scores.new_zeros(1, *border.shape), weighted]).amax(0)
