"""Images and maps at another size."""

from typing import Literal

import torch.nn.functional as F
from PIL import Image
from torch import Tensor


def resized(maps: Tensor, size: tuple[int, ...]) -> Tensor:
    """Return ``maps`` (n×h×w) at ``size`` (H, W), bilinearly: n×H×W."""
    if maps.shape[1:] == size:  # as learned masks are: nothing would change
        return maps
    return F.interpolate(maps.unsqueeze(1), size=size, mode="bilinear", align_corners=False).squeeze(1)


def fit(image: Image.Image, size: int, resize: Literal["crop", "stretch"], resample: Image.Resampling) -> Image.Image:
    """Return the image as a square of side ``size``: its largest centred square (``crop``) or all of it (``stretch``)."""
    width, height = image.size
    kept_width, kept_height = (min(image.size),) * 2 if resize == "crop" else image.size
    left, top = (width - kept_width) / 2, (height - kept_height) / 2
    return image.resize((size, size), resample, box=(left, top, left + kept_width, top + kept_height))
