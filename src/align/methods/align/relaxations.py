"""Relaxations of the mask for the masker's losses. They take the masker's scores N×1×H×W, the logits of its soft masks."""

from collections.abc import Callable

import torch
from torch import Tensor

TEMPERATURE = 0.25
"""The temperature of the hardened mask. Nearly all of its pixels are near 0 or 1, and the gradient still reaches most of them."""

Relaxation = Callable[[Tensor, torch.Generator], Tensor]


def soft(scores: Tensor, generator: torch.Generator) -> Tensor:
    """Return σ(s), the soft mask itself."""
    return scores.sigmoid()


def binary(scores: Tensor, generator: torch.Generator) -> Tensor:
    """Return 1 if σ(s) > 0.5, else 0, with the gradient of σ(s): straight-through (Bengio et al., arXiv:1308.3432)."""
    mask = scores.sigmoid()
    return (scores > 0).to(mask.dtype) + (mask - mask.detach())


def hardened(scores: Tensor, generator: torch.Generator) -> Tensor:
    """Return σ((s + ε) / τ), with one random number ε ~ N(0, 1) for each image.

    It thresholds the whole image at a random level. So a grey mask keeps all of the image or hides all of it. The relaxation is
    that of binary concrete variables (Maddison et al., arXiv:1611.00712), with the same noise for all pixels.
    """
    noise = torch.randn((len(scores), 1, 1, 1), generator=generator, device=scores.device)
    return ((scores + noise) / TEMPERATURE).sigmoid()


RELAXATIONS: dict[str, Relaxation] = {"soft": soft, "binary": binary, "hardened": hardened}
