"""Integrated gradients (Sundararajan et al., arXiv:1703.01365), differentiable with respect to the classifier's weights."""

import torch
from torch import Tensor

from align.attribution.input_gradient import class_gradient
from align.models.classifier import Classifier

# The authors take 20 to 300 steps. Inside a training step, each costs a forward pass and two backward passes.
STEPS = 8


def path_integral(classifier: Classifier, images: Tensor, labels: Tensor, steps: int = STEPS) -> Tensor:
    """Return x · ∫₀¹ ∂z_y(αx)/∂x dα, N×3×H×W (section 3). The baseline is the zero image, which has ImageNet's mean colour.

    The sum over an image approaches z_y(x) − z_y(0) as ``steps`` grows (completeness, proposition 1).

    Args:
        classifier: any classifier of this project.
        images: x, normalised, N×3×H×W.
        labels: y, the class to explain for each image, N.
        steps: number of equal parts of the path; the integral is the mean of the values at their midpoints.
    """
    gradients = [class_gradient(classifier, images * ((step + 0.5) / steps), labels) for step in range(steps)]
    return images.detach() * torch.stack(gradients).mean(0)


def integrated_gradients(classifier: Classifier, images: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """Return maps N×H×W: the contribution of a pixel's channels to the class's logit, zero where it is negative."""
    return path_integral(classifier, images, labels).sum(1).relu()
