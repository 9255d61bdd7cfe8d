"""ALIGN-gate: a mask multiplies the last feature map, in training and in tests. It is this project's, not the paper's."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from align.methods.align.collapse import mask_collapse
from align.methods.align.settings import ALIGNGateSettings
from align.methods.base import Batch, Failure, Method, OptimiserSettings
from align.models.classifier import Classifier

OPEN = 2.0
"""The logit of a gate before training: it keeps 0.88 of everything."""


class Gate(nn.Module):
    """A stage that shows the head the cells of a mask: A' = M ⊙ A / mean(M), with M = σ(1×1 convolution of A).

    The mean of A' over cells is the mean of A weighted by M, whatever the area of M is.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.score = nn.Conv2d(channels, 1, 1)
        assert self.score.bias is not None
        nn.init.zeros_(self.score.weight)
        nn.init.constant_(self.score.bias, OPEN)

    def mask(self, features: Tensor) -> Tensor:
        """Return the mask N×1×h×w in [0, 1] of feature maps N×C×h×w."""
        mask: Tensor = self.score(features).sigmoid()
        return mask

    def forward(self, features: Tensor) -> Tensor:
        """Return gated feature maps N×C×h×w."""
        return gated(features, self.mask(features))


def gated(features: Tensor, mask: Tensor) -> Tensor:
    """Return feature maps N×C×h×w inside a mask N×1×h×w, at the scale that they had."""
    return features * mask / mask.mean((2, 3), keepdim=True).clamp_min(1e-6)


class ALIGNGate(Method):
    """L = CE(h(A'), y) + β CE(h(A), y) + λ |mean(M) − a|, with h(A') in tests. a falls from 1 to its final value.

    After AIM (arXiv:2508.11502): a mask on the feature map, an area that is annealed, and the cross-entropies of gated and
    ungated maps. The gate is the last stage of the classifier's backbone, so explanations and exports have it, too.
    """

    settings: ALIGNGateSettings
    remembered = ("area",)
    area = 1.0

    def __init__(
        self, classifier: Classifier, settings: ALIGNGateSettings, training: OptimiserSettings, generator: torch.Generator
    ) -> None:
        super().__init__(classifier, settings, training, generator)
        self.gate = Gate(classifier.head.in_features).to(classifier.head.weight.device)
        classifier.backbone.add_module("gate", self.gate)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        return {"classification": 1.0, "ungated": self.settings.ungated, "gate_area": self.settings.area_weight}

    def start_epoch(self, epoch: int, epochs: int) -> bool:
        """Choose the area of the mask: it falls in equal steps, from 1 in the first epoch."""
        falling = self.settings.annealing * epochs
        self.area = 1 - (1 - self.settings.area) * min(1.0, (epoch - 1) / max(falling, 1))
        return False

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return both cross-entropies and the distance of the masks' mean area to the area of this epoch."""
        features = self.classifier.intermediate_features(batch.images)
        mask = self.gate.mask(features)
        return {
            "classification": F.cross_entropy(self.classifier.classify(gated(features, mask)), batch.labels),
            "ungated": F.cross_entropy(self.classifier.classify(features), batch.labels),
            "gate_area": (mask.mean() - self.area).abs(),
        }

    @torch.no_grad()
    def used_masks(self, batch: Batch) -> Tensor:
        """Return the masks of the gate, enlarged to the images, N×H×W."""
        mask = self.gate.mask(self.classifier.intermediate_features(batch.images))
        return F.interpolate(mask, batch.images.shape[-2:], mode="bilinear", align_corners=False).squeeze(1)

    @torch.no_grad()
    def diagnose(self, batch: Batch, features: Tensor) -> dict[str, Tensor]:
        """Return each mask's area and its spread."""
        mask = self.used_masks(batch)
        return {"validation_mask_area": mask.mean((1, 2)), "validation_mask_spread": mask.std((1, 2), correction=0)}

    def failures(self, history: Mapping[str, Mapping[int, float]]) -> list[Failure]:
        """Return a collapse of the mask in the last epoch, if the run shows it. Before, it is open on purpose."""
        areas, spreads = history["validation_mask_area"], history["validation_mask_spread"]
        last = max(areas)
        collapse = mask_collapse({last: areas[last]}, spreads)
        return [collapse] if collapse else []
