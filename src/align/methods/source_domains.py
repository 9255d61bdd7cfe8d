"""The source domains of a batch."""

from typing import Literal

import torch
from torch import Tensor

from align.methods.base import Batch
from align.models.classifier import Classifier


def domain_membership(batch: Batch) -> Tensor:
    """Return which of the N images belongs to which of the D source domains, booleans D×N."""
    return torch.ones_like(batch.labels, dtype=torch.bool)[None] if batch.domains is None else batch.domains


def domain_logits(classifier: Classifier, batch: Batch, passes: Literal["separate", "shared"]) -> Tensor:
    """Return the logits N×K of a batch whose source domains have separate forward passes, or share one.

    Args:
        classifier: in training mode, its batch normalisation uses the statistics of each pass.
        batch: images with equally many of each domain, as in training. Counting them would make the host wait for the GPU.
        passes: ``forward_passes`` of :class:`align.methods.settings.ViewSettings`.
    """
    if batch.domains is None or passes == "shared":
        shared: Tensor = classifier(batch.images)
        return shared
    order = batch.domains.to(torch.uint8).argmax(0).argsort(stable=True)  # one domain after the other
    parts = [indices for indices in order.tensor_split(len(batch.domains)) if len(indices)]
    logits = torch.cat([classifier(batch.images[indices]) for indices in parts])
    return logits[order.argsort()]
