"""Saliency-guided training (Ismail et al., NeurIPS 2021, arXiv:2111.14338)."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from align.methods.base import Batch, Method
from align.methods.settings import SGTSettings
from align.methods.views import view_features
from align.models.classifier import Classifier
from align.models.modes import frozen


class SGT(Method):
    """L = CE(f(x), y) + λ KL(f(x) ‖ f(x̃)), where noise replaces the pixels of x with the lowest gradient in x̃ (section 3)."""

    settings: SGTSettings

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        return {"classification": 1.0, "consistency": self.settings.consistency}

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the cross-entropy and the divergence. Gradients flow through both outputs."""
        images, labels = batch.images, batch.labels
        noisy = replace_least_salient(self.classifier, images, labels, self.settings.masked_fraction, self.generator)
        features = view_features(self.classifier, (images, noisy), self.settings.forward_passes)
        clean_logits, noisy_logits = map(self.classifier.classify, features)
        return {
            "classification": F.cross_entropy(clean_logits, labels),
            "consistency": divergence(clean_logits, noisy_logits),
        }


def replace_least_salient(
    classifier: Classifier, images: Tensor, labels: Tensor, fraction: float, generator: torch.Generator
) -> Tensor:
    """Return images N×3×H×W in which uniform noise replaces the ``fraction`` of pixels with the lowest signed gradient.

    These are the views of section 3. The gradient is that of the true class's logit in evaluation mode, averaged over channels.
    The noise lies between the lowest and the highest value of each channel of each image.

    Args:
        classifier: it is not changed.
        images: normalised, N×3×H×W.
        labels: N.
        fraction: share of the H·W pixels.
        generator: draws the noise.
    """
    gradient = signed_gradient(classifier, images, labels)
    chosen = lowest_fraction(gradient.mean(1), fraction)
    noise = within_range(images, torch.rand(images.shape, generator=generator, device=images.device))
    return torch.where(chosen[:, None], noise, images)


@torch.enable_grad()
def signed_gradient(classifier: Classifier, images: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient N×3×H×W of the true classes' logits in evaluation mode, for images N×3×H×W with N labels."""
    with frozen(classifier):
        explained = images.detach().requires_grad_()
        score = classifier(explained).gather(1, labels[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, explained)
    return gradient


def within_range(images: Tensor, shares: Tensor) -> Tensor:
    """Return values between the lowest and the highest value of each channel of each image, N×3×H×W.

    Args:
        images: N×3×H×W.
        shares: 0 for the lowest value, 1 for the highest; N×3×H×W, or N×3×1×1 for one value in each channel.
    """
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return low + (high - low) * shares


def lowest_fraction(maps: Tensor, fraction: float) -> Tensor:
    """Return booleans N×H×W that are True at the ⌊fraction · H · W⌋ lowest values of each map in N×H×W."""
    count = int(fraction * maps[0].numel())
    indices = maps.flatten(1).topk(count, largest=False, sorted=False).indices
    chosen = torch.zeros_like(maps, dtype=torch.bool).flatten(1)
    return chosen.scatter_(1, indices, True).view_as(maps)


def divergence(logits: Tensor, other_logits: Tensor) -> Tensor:
    """Return KL(softmax(logits) ‖ softmax(other_logits)) of logits N×K, averaged over N."""
    return F.kl_div(other_logits.log_softmax(1), logits.log_softmax(1), reduction="batchmean", log_target=True)
