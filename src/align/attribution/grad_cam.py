"""Grad-CAM (Selvaraju et al., arXiv:1610.02391), differentiable with respect to the classifier's weights."""

import torch
from torch import Tensor

from align.models.classifier import Classifier


def class_activation(classifier: Classifier, features: Tensor, labels: Tensor, *, detach_weights: bool = False) -> Tensor:
    """Return Grad-CAM before its ReLU, in closed form, at the last feature map.

    With average pooling and a linear head, ∂z_y/∂A = w_y/(h·w). So Σ_k α_k A_k = Σ_k w_yk A_k/(h·w), which needs no backward pass
    ("Grad-CAM generalizes CAM", arXiv:1610.02391, appendix).

    Args:
        classifier: its head has the weights w.
        features: A, N×C×h×w, the result of ``classifier.features``.
        labels: y, the class to explain for each image, N.
        detach_weights: treat w as constants, as captum's gradients are.

    Returns:
        Maps N×h×w on the scale of the logits.
    """
    weights = classifier.head.weight[labels]
    if detach_weights:
        weights = weights.detach()
    height, width = features.shape[-2:]
    return torch.einsum("nc,nchw->nhw", weights, features) / (height * width)


def grad_cam(classifier: Classifier, images: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """Return Grad-CAM maps N×h×w at the last feature map. ``images`` are not used, only their ``features``."""
    return class_activation(classifier, features, labels).relu()


def grad_cam_at(classifier: Classifier, images: Tensor, labels: Tensor, layer: str, *, detach_weights: bool = False) -> Tensor:
    """Return Grad-CAM maps N×h×w at any stage of the backbone, by autograd.

    Args:
        classifier: any classifier of this project.
        images: normalised images N×3×H×W.
        labels: the class to explain for each image, N.
        layer: name of a stage of the backbone, such as ``layer3``.
        detach_weights: treat the channel weights as constants. Otherwise gradients flow through them too, in a second-order
            graph.
    """
    with torch.enable_grad():
        activation = images
        for name, stage in classifier.backbone.named_children():
            activation = stage(activation)
            if name == layer:
                explained = activation if activation.requires_grad else activation.detach().requires_grad_()
                activation = explained.clone()  # the next stage may work in place
        logits = classifier.classify(activation)
        score = logits.gather(1, labels[:, None]).sum()
        (gradient,) = torch.autograd.grad(score, explained, create_graph=not detach_weights)
    channel_weights = gradient.mean((2, 3), keepdim=True)
    if detach_weights:
        channel_weights = channel_weights.detach()
    maps: Tensor = (channel_weights * explained).sum(1).relu()
    return maps
