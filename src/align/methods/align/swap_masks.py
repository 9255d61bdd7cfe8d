"""The masks inside which ALIGN-swap keeps the image: its own, and controls."""

from collections.abc import Callable

import torch
from torch import Tensor

from align.masking.fixed import centre_mask
from align.methods.base import Batch
from align.methods.sgt import signed_gradient
from align.models.classifier import Classifier

SwapMask = Callable[[Classifier, Batch, Tensor, torch.Generator], Tensor]
"""A function of the classifier, a batch, its masks N×1×H×W in [0, 1] and a generator. It returns masks of the same shape."""


def own(classifier: Classifier, batch: Batch, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return the masks as they are."""
    return masks


def permuted(classifier: Classifier, batch: Batch, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return another image's mask for each image."""
    count = len(masks)
    shift = torch.randint(1, max(count, 2), (), generator=generator, device=masks.device)
    return masks[(torch.arange(count, device=masks.device) + shift) % count]


def centred(classifier: Classifier, batch: Batch, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return a disc in the middle of each image, of the area of the image's mask."""
    return _highest(centre_mask(batch.images), masks)


def gradient(classifier: Classifier, batch: Batch, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return the pixels with the highest gradient of the true class's logit, as SGT keeps them, of the area of the mask."""
    return _highest(signed_gradient(classifier, batch.images, batch.labels).mean(1, keepdim=True), masks)


def whole(classifier: Classifier, batch: Batch, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return one grey for each image, uniform from 0 to 1, everywhere: the background lies over the whole image."""
    return torch.rand((len(masks), 1, 1, 1), generator=generator, device=masks.device).expand_as(masks)


def _highest(maps: Tensor, masks: Tensor) -> Tensor:
    """Return masks that are 1 at the highest values of each map of N×1×H×W, with the areas of ``masks``."""
    ranks = maps.flatten(1).argsort(dim=1, descending=True, stable=True).argsort(dim=1).view_as(maps)
    kept = (masks.mean((1, 2, 3), keepdim=True) * maps[0].numel()).round()
    return torch.where(ranks < kept, 1.0, 0.0)


SWAP_MASKS: dict[str, SwapMask] = {"own": own, "permuted": permuted, "centre": centred, "gradient": gradient, "whole": whole}
