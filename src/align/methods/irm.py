"""Invariant risk minimisation (Arjovsky et al., arXiv:1907.02893), as in DomainBed."""

from collections.abc import Mapping

import torch.nn.functional as F
from torch import Tensor

from align.methods.base import Batch, Method
from align.methods.settings import IRMSettings
from align.methods.source_domains import domain_membership


class IRM(Method):
    """L = CE + λ mean over domains d of (∂CE_d(s · f)/∂s at s = 1)² (IRMv1, section 3.1); λ = 1 during the annealing steps."""

    settings: IRMSettings
    steps = 0
    remembered = ("steps",)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total of the coming step."""
        return {"classification": 1.0, "invariance": 1.0 if self.steps < self.settings.annealing_steps else self.settings.penalty}

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one optimiser step, after the last annealing step with a fresh optimiser."""
        if self.steps == self.settings.annealing_steps:
            self.optimiser.state.clear()  # Adam's moments are those of gradients a hundred times smaller
        terms = super().step(batch)
        self.steps += 1
        return terms

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy and the penalty; batches hold equally many images of each domain."""
        logits = self.classifier(batch.images)
        penalties = squared_means(scale_slopes(logits, batch.labels), domain_membership(batch))
        return {"classification": F.cross_entropy(logits, batch.labels), "invariance": penalties.mean()}


def scale_slopes(logits: Tensor, labels: Tensor) -> Tensor:
    """Return ∂CE(s · z, y)/∂s at s = 1 of each image, N, for logits z N×K: Σ_k p_k z_k − z_y."""
    return (logits.softmax(1) * logits).sum(1) - logits.gather(1, labels[:, None]).squeeze(1)


def squared_means(values: Tensor, groups: Tensor) -> Tensor:
    """Return of each group an unbiased estimate of the square of its mean: the product of the means of two halves.

    Args:
        values: N.
        groups: which value is in which group, booleans D×N; every second value of a group is in its second half.

    Returns:
        D; zero, with zero gradient, where a group has fewer than two values.
    """
    second = groups.cumsum(1) % 2 == 0
    first_mean, second_mean = ((values * half).sum(1) / half.sum(1).clamp_min(1) for half in (groups & ~second, groups & second))
    return first_mean * second_mean
