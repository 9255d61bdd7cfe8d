"""The source domains of a batch."""

import torch
from torch import Tensor

from align.methods.base import Batch


def domain_membership(batch: Batch) -> Tensor:
    """Return which of the N images are of which source domain, booleans D×N."""
    return torch.ones_like(batch.labels, dtype=torch.bool)[None] if batch.domains is None else batch.domains
