"""The blurred background of masked ERM, compared with the usual two depthwise convolutions."""

import math
from collections.abc import Callable

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from align.imaging.blur import REFERENCE_SIDE, scaled_blur
from align.methods.settings import MaskedERMSettings
from benchmarks.timing import interleaved, table

SIGMA = MaskedERMSettings().blur
OURS = "ours"


def blur(size: int, batch_size: int, device: torch.device, rounds: int) -> pd.DataFrame:
    """Return a row for each way to blur: seconds for ``batch_size`` images, images/s, and the ratio to our seconds."""
    images = torch.randn((batch_size, 3, size, size), device=device).to(memory_format=torch.channels_last)
    contenders: dict[str, Callable[[], object]] = {
        OURS: lambda: scaled_blur(images, SIGMA),
        "two depthwise convolutions": lambda: convolved(images, SIGMA),
    }
    configuration = {"size": size, "batch_size": batch_size, "precision": "float32"}
    return table("blur", configuration, batch_size, interleaved(contenders, rounds), OURS)


def convolved(images: Tensor, sigma: float) -> Tensor:
    """Return the result of :func:`align.imaging.blur.scaled_blur`, for images larger than three standard deviations."""
    own = sigma * images.shape[-1] / REFERENCE_SIDE
    radius = math.ceil(3 * own)
    kernel = (-0.5 * (torch.arange(-radius, radius + 1, device=images.device) / own).square()).exp()
    weights = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    padded = F.pad(images, [radius] * 4, mode="reflect")
    rows = F.conv2d(padded, weights, groups=3)
    return F.conv2d(rows, weights.transpose(2, 3), groups=3)
