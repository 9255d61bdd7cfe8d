"""Mixup (Zhang et al., ICLR 2018, arXiv:1710.09412)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from align.methods.attribution_mixup import mix, mixing_ratios
from align.methods.base import Batch, Method
from align.methods.settings import MixupSettings
from align.methods.source_domains import domain_logits


class Mixup(Method):
    """L = CE(f(x̃), ỹ) with x̃ = λx + (1 − λ)x′ and ỹ = λy + (1 − λ)y′ (section 2).

    The partner x′ is any image of the batch, of any class and any source domain. Each pair has its own random λ. The views of a
    batch are its source domains: the domain of x counts.
    """

    settings: MixupSettings

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of mixed images with their mixed labels."""
        images, labels = batch.images, batch.labels
        partners = torch.randperm(len(labels), generator=self.generator, device=labels.device)
        ratios = mixing_ratios(len(labels), self.settings.beta, self.generator)
        logits = domain_logits(
            self.classifier, batch._replace(images=mix(images, partners, ratios)), self.settings.forward_passes
        )
        targets = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)[labels]
        return {"classification": F.cross_entropy(logits, mix(targets, partners, ratios))}
