"""A small residual network for small images (after He et al., arXiv:1512.03385)."""

from collections import OrderedDict
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

FEWEST_CHANNELS = 8
"""With fewer, a strided 1×1 convolution is not left to oneDNN: see :class:`SlicedConvolution`."""


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


class SlicedConvolution(nn.Conv2d):
    """A strided 1×1 convolution, computed as a slice and a convolution without a stride.

    oneDNN 3.13 (torch 2.15) corrupts memory on processors that have AVX2 and no AVX-512, in the backward pass of a strided 1×1
    convolution of fewer than 7 channels whose images lie channels last in memory. The sliced form is safe.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (torch's name)
        """Return features N×width×h×w of features N×channels×H×W."""
        vertical, horizontal = self.stride
        return F.conv2d(input[..., ::vertical, ::horizontal], self.weight, self.bias)


def small_resnet_stages(widths: Sequence[int]) -> nn.Sequential:
    """Return a stem and residual stages of the given widths, by name. The stem and each stage but the first halve the resolution.

    With three widths, 48×48 pixels give a feature map of 6×6. The initial weights are orthogonal (Saxe et al., arXiv:1312.6120).
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
            convolution = SlicedConvolution if channels < FEWEST_CHANNELS else nn.Conv2d
            shortcut = nn.Sequential(convolution(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))
        stages[f"layer{number}"] = nn.Sequential(ResidualBlock(channels, width, stride, shortcut))
        channels = width
    backbone = nn.Sequential(stages)
    for module in backbone.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.orthogonal_(module.weight, nn.init.calculate_gain("relu"))
    return backbone
