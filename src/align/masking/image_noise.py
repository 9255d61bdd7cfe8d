"""Random numbers that depend only on an image."""

import zlib

import torch
from torch import Tensor

from align.imaging.normalisation import denormalise


def image_seeded_noise(images: Tensor, count: int) -> Tensor:
    """Return random numbers for each image, uniform in [0, 1), N×``count``.

    The seed is a checksum of the image's bytes. So an image has the same numbers in every batch, at every position in it, and on
    every device.

    Args:
        images: normalised images N×3×H×W.
        count: how many numbers each image gets.
    """
    pixels = denormalise(images).mul(255).round().to(torch.uint8).cpu().contiguous().numpy()
    seeds = [zlib.crc32(image.tobytes()) for image in pixels]
    numbers = [torch.rand(count, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(numbers).to(images.device)
