"""Group distributionally robust optimisation (Sagawa et al., ICLR 2020, arXiv:1911.08731). The groups are the source domains."""

import torch
import torch.nn.functional as F
from torch import Tensor

from align.methods.base import Batch, Method, OptimiserSettings
from align.methods.settings import GroupDROSettings
from align.methods.source_domains import domain_logits, domain_membership
from align.models.classifier import Classifier


class GroupDRO(Method):
    """L = Σ_d q_d CE_d with q_d ∝ exp(η Σ CE_d), where the inner sum is over all steps up to the present one (algorithm 1)."""

    settings: GroupDROSettings
    remembered = ("log_weights",)

    def __init__(
        self, classifier: Classifier, settings: GroupDROSettings, training: OptimiserSettings, generator: torch.Generator
    ) -> None:
        super().__init__(classifier, settings, training, generator)
        self.log_weights = torch.zeros(1, device=generator.device)

    @property
    def domain_weights(self) -> Tensor:
        """Return q, the weights of the D source domains. Their sum is 1."""
        return self.log_weights.softmax(0)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Update q. Return the sum of the domains' cross-entropies with weights q. A domain without an image adds nothing."""
        logits = domain_logits(self.classifier, batch, self.settings.forward_passes)
        cross_entropies = F.cross_entropy(logits, batch.labels, reduction="none")
        membership = domain_membership(batch).to(cross_entropies.dtype)
        domain_losses = membership @ cross_entropies / membership.sum(1).clamp_min(1)
        self.log_weights = self.log_weights + self.settings.step_size * domain_losses.detach()  # length 1 at first, then D
        return {"classification": self.domain_weights @ domain_losses}
