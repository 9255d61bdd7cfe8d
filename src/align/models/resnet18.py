"""ResNet-18 (He et al., arXiv:1512.03385), in torchvision's implementation."""

from collections import OrderedDict

from torch import nn
from torchvision.models import resnet18

from align.models.weights import load_weights


def resnet18_stages(weights: str | None) -> nn.Sequential:
    """Return the stages of a ResNet-18 up to its last feature map, by name.

    Args:
        weights: the source of :func:`align.models.weights.load_weights`; None for random weights from the global generator.

    Raises:
        InputError: the weights cannot be used.
    """
    network = resnet18()
    if weights is not None:
        load_weights(network, weights)
    return nn.Sequential(OrderedDict((name, child) for name, child in network.named_children() if name not in ("avgpool", "fc")))
