"""Soft masks as bytes: what the values mean, and how a network sees them."""

import torch
from torch import Tensor

UNKNOWN = 255  # everywhere in the mask of an image without one
FULL = 254  # the 1 of a given mask


def to_masks(masks: Tensor) -> Tensor:
    """Return packed masks N×S×S, bytes from 0 to 254, as N×1×S×S in [0, 1]; 255, not known, becomes NaN."""
    return masks.float().div_(FULL).masked_fill_(masks == UNKNOWN, torch.nan)[:, None]
