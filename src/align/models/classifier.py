"""Classifiers that pool their last feature map and end in one linear layer, so that Grad-CAM has a closed form."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from align.configuration.schema import Classifier as ClassifierSettings
from align.models.mixed_precision import computed

# The mean and standard deviation of ImageNet's channels, torchvision's convention for all of its weights.
MEAN = (0.485, 0.456, 0.406)
STANDARD_DEVIATION = (0.229, 0.224, 0.225)


class Classifier(nn.Module):
    """A convolutional backbone, global average pooling and a linear head.

    Args:
        backbone: images N×3×H×W (normalised) to feature maps N×C×h×w, its stages by name.
        channels: of the feature maps before the last stage and after it, C.
        classes: number of classes K.
    """

    precision = torch.float32
    """What the backbone computes in; feature maps and all after them are float32."""

    def __init__(self, backbone: nn.Sequential, channels: tuple[int, int], classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.intermediate_channels, last = channels
        self.head = nn.Linear(last, classes)

    def features(self, images: Tensor) -> Tensor:
        """Return the last feature map A, N×C×h×w, of normalised images N×3×H×W."""
        return computed(self.backbone, images, self.precision)

    def intermediate_features(self, images: Tensor) -> Tensor:
        """Return the feature map before the last stage (ResNet-18: layer 3), finer and less specific than the last."""
        return computed(self.backbone[:-1], images, self.precision)

    def classify(self, features: Tensor) -> Tensor:
        """Return logits N×K of feature maps N×C×h×w."""
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits

    def forward(self, images: Tensor) -> Tensor:
        """Return logits N×K of normalised images N×3×H×W."""
        return self.classify(self.features(images))


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions beside a shortcut (He et al., arXiv:1512.03385, figure 2), with torchvision's names."""

    def __init__(self, channels: int, width: int, stride: int, downsample: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, features: Tensor) -> Tensor:
        """Return features N×width×h×w of features N×channels×H×W."""
        shortcut = features if self.downsample is None else self.downsample(features)
        hidden = F.relu(self.bn1(self.conv1(features)), inplace=True)
        return F.relu(self.bn2(self.conv2(hidden)).add_(shortcut), inplace=True)


def build_classifier(settings: ClassifierSettings, classes: int, generator: torch.Generator) -> Classifier:
    """Return a freshly initialised (or pre-trained) classifier.

    Args:
        settings: architecture and initial weights.
        classes: number of classes.
        generator: seeds the initial weights, on the CPU, whatever the device of training.

    Raises:
        InputError: the weights cannot be used; see :func:`align.models.weights.load_weights`.
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    with torch.random.fork_rng(devices=[]):  # torch's initialisers only know the global generator
        torch.manual_seed(seed)
        if settings.architecture == "small_resnet":
            return Classifier(_small_backbone(settings.widths), (settings.widths[-2], settings.widths[-1]), classes)
        from align.models.resnet18 import resnet18_stages  # torchvision takes a second to import, half of a short job's start

        return Classifier(resnet18_stages(settings.weights), (256, 512), classes)


def _small_backbone(widths: Sequence[int]) -> nn.Sequential:
    """Return a stem that halves the resolution and residual stages, each but the first halving it again.

    48×48 pixels and three widths give a map of 6×6.
    """
    stages: OrderedDict[str, nn.Module] = OrderedDict()
    stages["conv1"] = nn.Conv2d(3, widths[0], 3, stride=2, padding=1, bias=False)
    stages["bn1"] = nn.BatchNorm2d(widths[0])
    stages["relu"] = nn.ReLU(inplace=True)
    channels = widths[0]
    for number, width in enumerate(widths, start=1):
        stride = 1 if number == 1 else 2
        shortcut = None
        if stride != 1 or channels != width:
            shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        stages[f"layer{number}"] = nn.Sequential(ResidualBlock(channels, width, stride, shortcut))
        channels = width
    backbone = nn.Sequential(stages)
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return backbone
