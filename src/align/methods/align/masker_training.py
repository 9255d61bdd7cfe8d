"""The training of ALIGN's masker."""

from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from align.masking.compositing import composite
from align.methods.adam import Adam
from align.methods.align.losses import (
    DISTINCTION_LOSSES,
    attained_fraction,
    distance_to_area,
    even_weights,
    total_variation,
    weighted_mean,
)
from align.methods.align.masker import ConvolutionalMasker
from align.methods.align.references import REFERENCES
from align.methods.align.relaxations import RELAXATIONS
from align.methods.align.settings import ALIGNSettings
from align.methods.base import Batch, minimise, weighted_sum
from align.models.classifier import Classifier
from align.models.modes import frozen


class Parts(NamedTuple):
    """What the classifier says about the two parts of each image.

    Attributes:
        p_kept: N probabilities p_y of what a mask keeps.
        p_removed: N probabilities p_y of what it removes.
        reference: what replaces hidden pixels, N×3×H×W; None for zero.
    """

    p_kept: Tensor
    p_removed: Tensor
    reference: Tensor | None


class MaskerStep(NamedTuple):
    """What a step of the masker gives.

    Attributes:
        terms: the loss terms with their ``mask_total``; ``mask_area``, the mean of the soft masks; and ``mask_spread``, their
            deviation within an image. All are detached.
        masks: the soft masks of the batch before the step, N×1×H×W.
        distinct: N booleans, whether what a mask keeps is more probably the true class than what it removes.
    """

    terms: dict[str, Tensor]
    masks: Tensor
    distinct: Tensor


class LearnedMasker:
    """The masker that learns L_mask = L_dist + λ₁ L_sparsity + λ₂ L_smooth with a frozen classifier (arXiv:2511.06944).

    Args:
        settings: the settings of ALIGN.
        classifier: the classifier on its device. Only its device and its number of intermediate channels matter here.
        generator: the generator of the method.
    """

    def __init__(self, settings: ALIGNSettings, classifier: Classifier, generator: torch.Generator) -> None:
        on_cpu = torch.Generator().manual_seed(generator.initial_seed())  # so that initial weights are the same on every device
        network = ConvolutionalMasker(settings, classifier.intermediate_channels, on_cpu)
        self.network = network.to(classifier.head.weight.device).to(memory_format=torch.channels_last)
        self.settings = settings
        self.generator = generator

    @cached_property
    def optimiser(self) -> Adam:
        """Return the Adam of the masker."""
        return Adam(self.network.parameters(), lr=self.settings.masker_learning_rate, fused=True)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        return {"mask_distinction": 1.0, "mask_sparsity": self.settings.lambda1, "mask_smoothness": self.settings.lambda2}

    def step(self, batch: Batch, classifier: Classifier) -> MaskerStep:
        """Take one step."""
        with frozen(classifier):
            scores = self.network.scores(batch.images, classifier)
            mask = RELAXATIONS[self.settings.mask_values](scores, self.generator)
            parts = self.parts(batch, mask, classifier)
            terms = self.losses(batch, mask, parts, classifier)
            total = weighted_sum(terms, self.weights)
            minimise(total, self.optimiser)
        masks = scores.detach().sigmoid()
        spread = masks.std((1, 2, 3), correction=0).mean()
        reported = terms | {"mask_total": total, "mask_area": masks.mean(), "mask_spread": spread}
        return MaskerStep(
            {name: term.detach() for name, term in reported.items()}, masks, (parts.p_kept > parts.p_removed).detach()
        )

    def parts(self, batch: Batch, mask: Tensor, classifier: Classifier) -> Parts:
        """Show the classifier what masks N×1×H×W keep of the batch's images, and what they remove."""
        images, labels = batch.images, batch.labels
        reference = REFERENCES[self.settings.reference](images, labels, self.generator)
        composites = torch.cat((composite(images, mask, reference), composite(images, 1 - mask, reference)))
        p_kept, p_removed = true_class_probability(classifier, composites, labels.repeat(2)).chunk(2)
        return Parts(p_kept, p_removed, reference)

    def losses(self, batch: Batch, mask: Tensor, parts: Parts, classifier: Classifier) -> dict[str, Tensor]:
        """Return the three terms of masks N×1×H×W that make these parts of the images, without their weights."""
        settings, images, labels = self.settings, batch.images, batch.labels
        weights = even_weights(labels) if settings.even_classes else None
        if settings.mask_sparsity == "target_area":
            sparsity = distance_to_area(mask, settings.target_area, weights)
        elif settings.mask_sparsity == "adaptive":
            with torch.no_grad():
                p_image = true_class_probability(classifier, images, labels)
                hidden = torch.zeros_like(images) if parts.reference is None else parts.reference
                share = attained_fraction(
                    parts.p_kept, parts.p_removed, p_image, true_class_probability(classifier, hidden, labels)
                )
            sparsity = weighted_mean(mask, share if weights is None else share * weights)
        else:
            sparsity = weighted_mean(mask, weights)
        return {
            "mask_distinction": DISTINCTION_LOSSES[settings.distinction](parts.p_kept, parts.p_removed, weights),
            "mask_sparsity": sparsity,
            "mask_smoothness": total_variation(mask, weights),
        }

    @torch.no_grad()
    def soft_masks(self, images: Tensor, classifier: Classifier) -> Tensor:
        """Return the soft masks N×1×H×W of images N×3×H×W, with both networks in evaluation mode."""
        with frozen(classifier), frozen(self.network):
            masks: Tensor = self.network(images, classifier)
            return masks


def true_class_probability(classifier: Classifier, images: Tensor, labels: Tensor) -> Tensor:
    """Return the N probabilities p_y of images N×3×H×W with classes y."""
    probability: Tensor = classifier(images).softmax(1).gather(1, labels[:, None]).squeeze(1)
    return probability
