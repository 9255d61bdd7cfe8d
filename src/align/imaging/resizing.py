"""Resizing of images and maps."""

from typing import Literal

import torch.nn.functional as F
from PIL import Image
from torch import Tensor


def resized(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return maps n×h×w resized to ``size`` (H, W) by bilinear interpolation: n×H×W."""
    if maps.shape[1:] == size:  # as learned masks are: the result would be the same
        return maps
    return F.interpolate(maps.unsqueeze(1), size=size, mode="bilinear", align_corners=False).squeeze(1)


def fit(image: Image.Image, size: int, resize: Literal["crop", "stretch"], resample: Image.Resampling) -> Image.Image:
    """Return an image resized to a square.

    Args:
        image: an image of any size.
        size: side of the result, pixels.
        resize: ``crop`` keeps the largest centred square, ``stretch`` keeps the whole image.
        resample: Pillow's resampling filter.
    """
    width, height = image.size
    kept_width, kept_height = (min(image.size),) * 2 if resize == "crop" else image.size
    left, top = (width - kept_width) / 2, (height - kept_height) / 2
    return image.resize((size, size), resample, box=(left, top, left + kept_width, top + kept_height))
