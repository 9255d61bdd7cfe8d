"""Resizing of maps."""

import torch.nn.functional as F
from torch import Tensor


def resized(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return maps n×h×w resized to ``size`` (H, W) by bilinear interpolation: n×H×W."""
    if maps.shape[1:] == size:  # as learned masks are: the result would be the same
        return maps
    return F.interpolate(maps.unsqueeze(1), size=size, mode="bilinear", align_corners=False).squeeze(1)
