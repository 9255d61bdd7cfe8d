"""Input gradients (Simonyan et al., arXiv:1312.6034), differentiable with respect to the classifier's weights."""

import torch
from torch import Tensor

from align.models.classifier import Classifier
from align.models.modes import evaluation_mode


def class_gradient(classifier: Classifier, images: Tensor, labels: Tensor) -> Tensor:
    """Return ∂z_y/∂x, N×3×H×W, of the classifier in evaluation mode, in which an image's gradient depends on no other image.

    If gradients are enabled, the result has a graph: a second backward pass can minimise a loss of it. The images themselves are
    constants.

    Args:
        classifier: any classifier of this project.
        images: x, normalised, N×3×H×W.
        labels: y, the class whose logit is differentiated for each image, N.
    """
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad(), evaluation_mode(classifier):
        explained = images.detach().requires_grad_()
        score = classifier(explained).gather(1, labels[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, explained, create_graph=create_graph)
    return gradient


def input_gradient(classifier: Classifier, images: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """Return maps N×H×W: the largest |∂z_y/∂x| among a pixel's channels (section 3.1). This takes its own forward pass."""
    return class_gradient(classifier, images, labels).abs().amax(1)
