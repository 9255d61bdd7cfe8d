"""An image of which a part is hidden."""

import torch
from torch import Tensor


def composite(images: Tensor, mask: Tensor, reference: Tensor | None) -> Tensor:
    """Return x ⊙ M + x̄ ⊙ (1 − M) of images N×3×H×W, masks N×1×H×W and a reference (None: zero)."""
    return images * mask if reference is None else torch.lerp(reference, images, mask)
