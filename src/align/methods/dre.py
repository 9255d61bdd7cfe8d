"""Distributionally robust explanations (Li et al., CVPR 2023, arXiv:2303.16390)."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from align.attribution.grad_cam import class_activation
from align.imaging.scaling import min_max_scale
from align.methods.attribution_mixup import mix, mixing_ratios, mixture_distance, same_class_partners
from align.methods.base import Batch, Method
from align.methods.settings import DRESettings


class DRE(Method):
    """L = CE(x) + ‖g(x̃) − (λ g(x) + (1 − λ) g(x′))‖₁ + ‖g‖₁ + CE(x̃), each term with its weight."""

    settings: DRESettings

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        return {
            "classification": 1.0,
            "consistency": self.settings.consistency,
            "sparsity": self.settings.sparsity,
            "mixed_classification": self.settings.mixed_classification,
        }

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the four terms. Clean and mixed images share one forward pass."""
        images, labels = batch.images, batch.labels
        partners = same_class_partners(labels, self.generator)
        ratios = mixing_ratios(len(labels), self.settings.beta, self.generator)
        features = self.classifier.features(torch.cat((images, mix(images, partners, ratios))))
        logits, mixed_logits = self.classifier.classify(features).chunk(2)
        activation = class_activation(self.classifier, features, labels.repeat(2), detach_weights=self.settings.detach_weights)
        maps, mixed_maps = min_max_scale(activation).chunk(2)
        return {
            "classification": F.cross_entropy(logits, labels),
            "consistency": mixture_distance(maps, mixed_maps, partners, ratios),
            "sparsity": map_norm(maps, self.settings.sparsity_norm),
            "mixed_classification": F.cross_entropy(mixed_logits, labels),
        }


def map_norm(maps: Tensor, norm: str) -> Tensor:
    """Return the L1 norm of maps N×h×w: the ``mean`` over cells that the paper describes, or the norm in the ``authors``' code.

    The authors' code takes the matrix 1-norm of each 1×w row, which is the largest value in the row, and averages over rows.
    """
    return maps.abs().mean() if norm == "mean" else maps.abs().amax(-1).mean()
