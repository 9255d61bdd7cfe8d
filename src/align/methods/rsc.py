"""Representation self-challenging (Huang et al., ECCV 2020, arXiv:2007.02454)."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from align.attribution.grad_cam import class_activation
from align.methods.base import Batch, Method
from align.methods.settings import RSCSettings


class RSC(Method):
    """L = CE(head(A ⊙ m), y), where m mutes the dominant features of the images whose confidence drops most without them."""

    settings: RSCSettings

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy of the features that are not muted."""
        features = self.classifier.features(batch.images)
        logits = self.classifier.classify(features * self.unmuted(features, batch.labels))
        return {"classification": F.cross_entropy(logits, batch.labels)}

    @torch.no_grad()
    def unmuted(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return m, which is False for muted features. Its shape broadcasts to that of ``features``, N×C×h×w."""
        unmuted = ~self.dominant_features(features, labels)
        confidence, challenged = (
            self.classifier.classify(some).softmax(1).gather(1, labels[:, None]) for some in (features, features * unmuted)
        )
        most_affected = largest_share((confidence - challenged).T, self.settings.batch_share).view(-1, 1, 1, 1)
        return unmuted | ~most_affected

    def dominant_features(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return the channels (N×C×1×1) or positions (N×1×h×w) where the logit of the true class has the largest gradients.

        With average pooling and a linear head, the gradient is w_y/(h·w) at every position. So positions are ranked by the
        product of gradient and features, Σ_k w_yk A_k, as in the authors' code.
        """
        channels = largest_share(self.classifier.head.weight[labels], self.settings.feature_share)[..., None, None]
        if self.settings.muted == "channels":
            return channels
        activation = class_activation(self.classifier, features, labels)
        positions = largest_share(activation.flatten(1), self.settings.feature_share).view_as(activation)[:, None]
        return torch.where(torch.rand((), generator=self.generator, device=features.device) < 0.5, positions, channels)


def largest_share(values: Tensor, share: float) -> Tensor:
    """Return booleans N×n that are True at the largest values of each row of N×n, above its percentile 100 · (1 − share).

    As in DomainBed, the percentile lies between two values if it hits none, and a value that equals it is among the largest.
    Then ⌊share · (n − 1)⌋ + 1 values of n different ones are chosen: 6 of 16 and 171 of 512 with a share of 1/3.
    """
    n = values.shape[1]
    count = math.floor(share * (n - 1) + 1e-6) + 1  # share · (n − 1) may be a whole number, but for rounding
    indices = values.topk(count, sorted=False).indices
    return torch.zeros_like(values, dtype=torch.bool).scatter_(1, indices, True)
