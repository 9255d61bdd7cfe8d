"""Input gradients (Simonyan et al., arXiv:1312.6034), differentiable with respect to the classifier's weights."""

import torch
from torch import Tensor

from align.models.classifier import Classifier
from align.models.modes import evaluation_mode


def class_gradient(classifier: Classifier, images: Tensor, labels: Tensor) -> Tensor:
    """Return ∂z_y/∂x, N×3×H×W, of the classifier in evaluation mode, where no image's gradient depends on the others.

    Where gradients are enabled it has a graph, so that a loss of it can be minimised by a second backward pass; the images
    themselves are constants.

    Args:
        classifier: any classifier of this project.
        images: x, normalised, N×3×H×W.
        labels: y, the class of each image whose logit is differentiated, N.
    """
    create_graph = torch.is_grad_enabled()
    with torch.enable_grad(), evaluation_mode(classifier):
        explained = images.detach().requires_grad_()
        score = classifier(explained).gather(1, labels[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, explained, create_graph=create_graph)
    return gradient


def input_gradient(classifier: Classifier, images: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """Return maps N×H×W: the largest |∂z_y/∂x| of a pixel's channels (section 3.1); it takes a forward pass of its own."""
    return class_gradient(classifier, images, labels).abs().amax(1)
