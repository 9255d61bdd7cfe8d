"""HiResCAM (Draelos and Carin, arXiv:2011.08891), differentiable with respect to the classifier's weights."""

from torch import Tensor

from align.attribution.grad_cam import class_activation
from align.models.classifier import Classifier


def hires_cam(classifier: Classifier, images: Tensor, features: Tensor, labels: Tensor) -> Tensor:
    """Return HiResCAM maps N×h×w, ReLU(Σ_k ∂z_y/∂A_k ⊙ A_k), at the last feature map.

    HiResCAM multiplies A by the gradient at each position, Grad-CAM by the gradient's mean over positions. With average pooling
    and a linear head, the gradient is w_yk/(h·w) at every position and equals its mean. So HiResCAM, Grad-CAM and CAM give the
    same map.
    """
    return class_activation(classifier, features, labels).relu()
