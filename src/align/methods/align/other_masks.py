"""Masks that ALIGN does not learn. They are computed from the image, or given with it."""

from collections.abc import Callable

import torch
from torch import Tensor

from align.masking.fixed import centre_mask, grey_mask, random_mask
from align.methods.base import Batch

MaskFunction = Callable[[Batch, torch.Generator], Tensor]
"""A function of a batch and a generator on its device. It returns masks N×1×H×W in [0, 1], NaN for an image without a mask."""


def given_masks(batch: Batch, generator: torch.Generator) -> Tensor:
    """Return the masks that are given with the images."""
    assert batch.given_masks is not None
    return batch.given_masks


OTHER_MASKS: dict[str, MaskFunction] = {
    "grey": lambda batch, generator: grey_mask(batch.images),
    "centre": lambda batch, generator: centre_mask(batch.images),
    "random": lambda batch, generator: random_mask(batch.images, generator),
    "ground_truth": given_masks,
    "sam": given_masks,
}
