"""Classifiers that pool their last feature map and end in one linear layer, so that Grad-CAM has a closed form."""

import torch
from torch import Tensor, nn

from align.models.mixed_precision import autocast
from align.models.settings import ClassifierSettings
from align.models.small_resnet import small_resnet_stages


class Classifier(nn.Module):
    """A convolutional backbone, global average pooling and a linear head.

    Args:
        backbone: images N×3×H×W (normalised) to feature maps N×C×h×w, its stages by name.
        channels: number of channels of the feature maps before the last stage, and after it (C).
        classes: number of classes K.
    """

    precision = torch.float32
    """Number type in which the backbone computes. Feature maps and all later results are float32."""
    initial_weights: str | None = None
    """What :func:`align.models.weights.load_weights` says of the backbone's initial weights. None for random ones."""

    def __init__(self, backbone: nn.Sequential, channels: tuple[int, int], classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.intermediate_channels, last = channels
        self.head = nn.Linear(last, classes)

    def features(self, images: Tensor) -> Tensor:
        """Return the last feature map A, N×C×h×w, of normalised images N×3×H×W."""
        return autocast(self.backbone, images, self.precision)

    def intermediate_features(self, images: Tensor) -> Tensor:
        """Return the feature map before the last stage (layer 3 of ResNet-18). It is finer and less specific than the last."""
        return autocast(self.backbone[:-1], images, self.precision)

    def classify(self, features: Tensor) -> Tensor:
        """Return logits N×K of feature maps N×C×h×w."""
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits

    def forward(self, images: Tensor) -> Tensor:
        """Return logits N×K of normalised images N×3×H×W."""
        return self.classify(self.features(images))


def build_classifier(settings: ClassifierSettings, classes: int, generator: torch.Generator) -> Classifier:
    """Return a classifier with random or pre-trained initial weights.

    Args:
        settings: architecture and initial weights.
        classes: number of classes.
        generator: seeds the initial weights. They are made on the CPU, whatever device training runs on.

    Raises:
        InputError: the weights cannot be used; see :func:`align.models.weights.load_weights`.
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    with torch.random.fork_rng(devices=[]):  # torch's initialisers use the global generator only
        torch.manual_seed(seed)
        if settings.architecture == "small_resnet":
            return Classifier(small_resnet_stages(settings.widths), (settings.widths[-2], settings.widths[-1]), classes)
        from align.models.resnet18 import resnet18_stages  # torchvision's import takes a second
        from align.models.weights import load_weights

        classifier = Classifier(resnet18_stages(), (256, 512), classes)
        if settings.weights is not None:
            classifier.initial_weights = load_weights(classifier.backbone, settings.weights)
        return classifier
