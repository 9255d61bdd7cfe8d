"""LayerCAM (Jiang et al., IEEE Transactions on Image Processing 30, 2021), differentiable with respect to the weights."""

import torch
from torch import Tensor

from align.models.classifier import Classifier


def layer_cam(classifier: Classifier, images: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """Return LayerCAM maps N×h×w, ReLU(Σ_k ReLU(∂z_y/∂A_k) ⊙ A_k), at the last feature map.

    With average pooling and a linear head, ∂z_y/∂A_k is w_yk/(h·w) at every position. So LayerCAM is Grad-CAM's sum over only
    those channels that speak for the class. No terms cancel, and the map is nowhere below Grad-CAM's.
    """
    weights = classifier.head.weight[labels].relu()
    height, width = features.shape[-2:]
    return torch.einsum("nc,nchw->nhw", weights, features).relu() / (height * width)
