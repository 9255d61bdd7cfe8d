"""The source domains of a batch."""

import torch
import torch.nn.functional as F
from torch import Tensor

from align.methods.base import Batch


def members(batch: Batch, at_least: int = 1) -> Tensor:
    """Return which of the N images are of which domain, booleans D×N, for all domains of the batch and ``at_least`` so many."""
    domains = torch.zeros_like(batch.labels) if batch.domains is None else batch.domains
    return F.one_hot(domains, max(at_least, int(domains.max()) + 1)).T.bool()
