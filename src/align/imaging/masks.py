"""Soft masks as bytes on disk, and as numbers for a network."""

import torch
from torch import Tensor

UNKNOWN = 255  # every pixel of a packed mask, if the image has none
FULL = 254  # the byte for 1 in a packed soft mask


def to_soft_masks(masks: Tensor) -> Tensor:
    """Return packed soft masks N×S×S, bytes from 0 to 254, as N×1×S×S in [0, 1]. The byte 255 (unknown) becomes NaN."""
    return masks.float().div_(FULL).masked_fill_(masks == UNKNOWN, torch.nan)[:, None]
