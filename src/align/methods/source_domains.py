"""The source domains of a batch."""

import torch
from torch import Tensor

from align.methods.base import Batch


def domain_membership(batch: Batch) -> Tensor:
    """Return which of the N images belongs to which of the D source domains, booleans D×N."""
    return torch.ones_like(batch.labels, dtype=torch.bool)[None] if batch.domains is None else batch.domains
