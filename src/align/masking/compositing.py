"""Hiding a part of an image behind a reference."""

import torch
from torch import Tensor


def composite(images: Tensor, mask: Tensor, reference: Tensor | None) -> Tensor:
    """Return the composite x ⊙ M + x̄ ⊙ (1 − M).

    Args:
        images: x, N×3×H×W.
        mask: M, N×1×H×W in [0, 1].
        reference: x̄, N×3×H×W; None for zero.
    """
    return images * mask if reference is None else torch.lerp(reference, images, mask)
