"""The masker: a light network that predicts how relevant each pixel is to the task."""

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from align.methods.align.settings import ALIGNSettings
from align.models.classifier import Classifier
from align.models.mixed_precision import autocast


class ConvolutionalMasker(nn.Module):
    """Three convolutions on the image or on the classifier's intermediate feature map. The result is enlarged to image size.

    ALIGN (arXiv:2511.06944) only says "a light 3-layer CNN". See ``docs/assumptions.md``.

    Args:
        settings: the settings of ALIGN.
        feature_channels: the number of channels of the intermediate feature map.
        generator: seeds the initial weights, on the CPU.
    """

    def __init__(self, settings: ALIGNSettings, feature_channels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.looks_at_features = settings.masker_input == "features"
        channels = [feature_channels if self.looks_at_features else 3, settings.masker_width, settings.masker_width]
        strides = (1, 1, 1) if self.looks_at_features else settings.masker_strides
        seed = int(torch.randint(2**62, (), generator=generator))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [
                nn.Sequential(
                    nn.Conv2d(before, after, 2 * stride + 1, stride, padding=stride, bias=False),
                    nn.BatchNorm2d(after),
                    nn.ReLU(),
                )
                for (before, after), stride in zip(itertools.pairwise(channels), strides)
            ]
            self.hidden = nn.Sequential(*layers)
            self.score = nn.Conv2d(settings.masker_width, 1, 2 * strides[2] + 1, strides[2], padding=strides[2])

    def forward(self, images: Tensor, classifier: Classifier) -> Tensor:
        """Return soft masks N×1×H×W in [0, 1] of normalised images N×3×H×W. The frozen ``classifier`` may give its features."""
        return self.scores(images, classifier).sigmoid()

    def scores(self, images: Tensor, classifier: Classifier) -> Tensor:
        """Return the soft masks' logits, N×1×H×W."""
        if self.looks_at_features:
            with torch.no_grad():
                inputs = classifier.intermediate_features(images)
        else:
            inputs = images
        scores = autocast(lambda some: self.score(self.hidden(some)), inputs, classifier.precision)
        return F.interpolate(scores, images.shape[-2:], mode="bilinear", align_corners=False)
