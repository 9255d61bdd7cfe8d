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
        batch: N images of one or more source domains.
        passes: ``forward_passes`` of :class:`align.methods.settings.ViewSettings`.
    """
    if batch.domains is None or passes == "shared":
        shared: Tensor = classifier(batch.images)
        return shared
    members = [member.nonzero().squeeze(1) for member in batch.domains if member.any()]
    logits = torch.cat([classifier(batch.images[indices]) for indices in members])
    return logits[torch.cat(members).argsort()]
