"""Masks that ALIGN does not learn. They are computed from the image, or given with it."""

from collections.abc import Callable

import torch
from torch import Tensor

from align.masking.fixed import centre_mask, grey_mask, random_mask
from align.methods.base import Batch

MaskFunction = Callable[[Batch, torch.Generator], Tensor]
"""A function of a batch and a generator on its device. It returns masks N×1×H×W in [0, 1], NaN for an image without a mask."""


COMPUTED_MASKS: dict[str, MaskFunction] = {
    "grey": lambda batch, generator: grey_mask(batch.images),
    "centre": lambda batch, generator: centre_mask(batch.images),
    "random": lambda batch, generator: random_mask(batch.images, generator),
}


def other_masks(masker: str, batch: Batch, generator: torch.Generator) -> Tensor:
    """Return the masks that ``masker`` names: those computed from the images, else those given with them."""
    if masker in COMPUTED_MASKS:
        return COMPUTED_MASKS[masker](batch, generator)
    assert batch.given_masks is not None
    return batch.given_masks
