"""Invariant risk minimisation (Arjovsky et al., arXiv:1907.02893), as in DomainBed."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from align.methods.base import Batch, Method
from align.methods.settings import IRMSettings
from align.methods.source_domains import domain_membership


class IRM(Method):
    """L = CE + λ mean_d (∂CE_d(s · f)/∂s at s = 1)² over domains d (IRMv1, section 3.1). During the annealing steps λ is 1."""

    settings: IRMSettings
    steps = 0
    remembered = ("steps",)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total of the coming step."""
        return {"classification": 1.0, "invariance": 1.0 if self.steps < self.settings.annealing_steps else self.settings.penalty}

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one optimiser step. The first step after the annealing starts with a fresh optimiser."""
        if self.steps == self.settings.annealing_steps:
            self.optimiser.state.clear()  # Adam's moments come from gradients that were a hundred times smaller
        terms = super().step(batch)
        self.steps += 1
        return terms

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy and the penalty. A batch has the same number of images of each domain."""
        logits = self.classifier(batch.images)
        penalties = squared_means(scale_slopes(logits, batch.labels), domain_membership(batch))
        return {"classification": F.cross_entropy(logits, batch.labels), "invariance": penalties.mean()}


def scale_slopes(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the N slopes ∂CE(s · z, y)/∂s at s = 1 of logits z (N×K): Σ_k p_k z_k − z_y."""
    return (logits.softmax(1) * logits).sum(1) - logits.gather(1, labels[:, None]).squeeze(1)


def squared_means(values: Tensor, groups: Tensor) -> Tensor:
    """Return an unbiased estimate of the squared mean of each group: the product of the means of two halves of the group.

    Args:
        values: N values.
        groups: which value is in which group, booleans D×N. Every second value of a group is in its second half.

    Returns:
        D estimates. A group with fewer than two values has the estimate 0, with zero gradient.
    """
    second = groups.cumsum(1) % 2 == 0
    first_mean, second_mean = ((values * half).sum(1) / half.sum(1).clamp_min(1) for half in (groups & ~second, groups & second))
    return first_mean * second_mean
