"""Distributionally robust explanations (Li et al., CVPR 2023, arXiv:2303.16390)."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from align.attribution.grad_cam import class_activation
from align.imaging.scaling import min_max_scale
from align.methods.attribution_mixup import class_mean, mix, mixing_ratios, mixture_distances, same_class_partners
from align.methods.base import Batch, Method
from align.methods.settings import DRESettings
from align.methods.views import view_features
from align.models.modes import frozen_statistics


class Mixture(NamedTuple):
    """The images of a batch and their mixtures, as the classifier sees them.

    Attributes:
        clean: the feature maps of the images, N×C×h×w.
        mixed: the feature maps of the mixed images, N×C×h×w.
        partners: the index of the image that each image is mixed with, N.
        ratios: the share of each image in its mixture, N.
    """

    clean: Tensor
    mixed: Tensor
    partners: Tensor
    ratios: Tensor


class DRE(Method):
    """L = CE(x) + w₁ ‖g(x̃) − (λ g(x) + (1 − λ) g(x′))‖₁ + w₂ (‖g(x)‖₁ + ‖g(x̃)‖₁)/2 + w₃ CE(x̃).

    x̃ mixes x with an image x′ of the same class. g is Grad-CAM without ReLU, scaled to [0, 1] per image. All terms but the first
    are means within a class, averaged over all classes, as in the authors' code.
    """

    settings: DRESettings

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        return {"classification": 1.0, **self.regularisation_weights}

    @property
    def regularisation_weights(self) -> Mapping[str, float]:
        """Return the weights w₁, w₂ and w₃ of the three terms that DRE adds to the cross-entropy."""
        settings = self.settings
        return {
            "consistency": settings.consistency,
            "sparsity": settings.sparsity,
            "mixed_classification": settings.mixed_classification,
        }

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one optimiser step on a batch, with frozen statistics of batch normalisation if the settings say so."""
        begins_with_weights = self.classifier.initial_weights is not None
        freezes = self.settings.batch_norm == "frozen" or (self.settings.batch_norm == "auto" and begins_with_weights)
        with frozen_statistics(self.classifier) if freezes else nullcontext():
            return super().step(batch)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the four terms."""
        return self.terms(batch.labels, self.mixture(batch))

    def mixture(self, batch: Batch) -> Mixture:
        """Mix the images of a batch within their classes."""
        partners = same_class_partners(batch.labels, self.generator)
        ratios = mixing_ratios(len(batch.labels), self.settings.beta, self.generator)
        views = (batch.images, mix(batch.images, partners, ratios))
        clean, mixed = view_features(self.classifier, views, self.settings.forward_passes)
        return Mixture(clean, mixed, partners, ratios)

    def terms(self, labels: Tensor, mixture: Mixture) -> dict[str, Tensor]:
        """Return the four terms of a mixture of images with these N labels."""
        maps, mixed_maps = (min_max_scale(self.activation(features, labels)) for features in (mixture.clean, mixture.mixed))
        norms = [map_norms(some, self.settings.sparsity_norm) for some in (maps, mixed_maps)]
        by_image = {
            "consistency": mixture_distances(maps, mixed_maps, mixture.partners, mixture.ratios),
            "sparsity": torch.stack(norms).mean(0),
            "mixed_classification": F.cross_entropy(self.classifier.classify(mixture.mixed), labels, reduction="none"),
        }
        classes = self.classifier.head.out_features
        return {"classification": F.cross_entropy(self.classifier.classify(mixture.clean), labels)} | {
            name: class_mean(values, labels, classes) for name, values in by_image.items()
        }

    def activation(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return Grad-CAM before its ReLU, N×h×w, of feature maps N×C×h×w with N labels."""
        return class_activation(self.classifier, features, labels, detach_weights=self.settings.detach_weights)


def map_norms(maps: Tensor, norm: str) -> Tensor:
    """Return the L1 norm of each map of N×h×w: the ``mean`` of its cells that the paper describes, or that of the ``authors``.

    The authors' code takes the matrix 1-norm of the 1×h slice of each column. This is the largest value of the column. It then
    averages over columns.
    """
    return maps.abs().mean((1, 2)) if norm == "mean" else maps.abs().amax(-2).mean(-1)
