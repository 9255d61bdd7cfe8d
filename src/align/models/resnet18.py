"""ResNet-18 (He et al., arXiv:1512.03385), in torchvision's implementation."""

from collections import OrderedDict

from torch import nn
from torchvision.models import resnet18


def resnet18_stages() -> nn.Sequential:
    """Return the stages of a ResNet-18 up to its last feature map, by name, with random weights from the global generator."""
    parts = resnet18().named_children()
    return nn.Sequential(OrderedDict((name, child) for name, child in parts if name not in ("avgpool", "fc")))
