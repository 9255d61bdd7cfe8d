"""Random numbers that belong to an image."""

import zlib

import torch
from torch import Tensor

from align.imaging.normalisation import denormalise


def own_numbers(images: Tensor, count: int) -> Tensor:
    """Return uniform numbers of each normalised image N×3×H×W, N×``count``, the same whenever and wherever it is shown.

    They are seeded by a checksum of the image's own bytes: neither its place in a batch, nor the batch, nor the device counts.
    """
    pixels = denormalise(images).mul(255).round().to(torch.uint8).cpu().contiguous().numpy()
    seeds = [zlib.crc32(image.tobytes()) for image in pixels]
    numbers = [torch.rand(count, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    return torch.stack(numbers).to(images.device)
