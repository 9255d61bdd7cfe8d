"""Random crops and flips."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def draw_crops(
    count: int, size: int, scale: tuple[float, float], ratio: tuple[float, float], generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw random crop boxes as torchvision's ``RandomResizedCrop`` does. If none of ten tries fits, take the whole image.

    Args:
        count: number of boxes N.
        size: side of the square images, pixels.
        scale: range of the crop's share of the area.
        ratio: range of width over height, uniform on a logarithmic scale.
        generator: gives all random numbers. The result is on its device.

    Returns:
        Left, top, width and height of each box in whole pixels, N each.
    """
    device = generator.device
    area = size * size * torch.empty((count, 10), device=device).uniform_(*scale, generator=generator)
    log_ratio = torch.empty((count, 10), device=device).uniform_(math.log(ratio[0]), math.log(ratio[1]), generator=generator)
    widths = (area * log_ratio.exp()).sqrt().round()
    heights = (area / log_ratio.exp()).sqrt().round()
    fits = (widths >= 1) & (widths <= size) & (heights >= 1) & (heights <= size)
    first = fits.to(torch.uint8).argmax(1, keepdim=True)
    found = fits.any(1)
    width, height = (sides.gather(1, first).squeeze(1).masked_fill(~found, size) for sides in (widths, heights))
    position = torch.rand((2, count), generator=generator, device=device)
    left = (position[0] * (size - width + 1)).floor()
    top = (position[1] * (size - height + 1)).floor()
    return left, top, width, height


def crop_and_resize(images: Tensor, left: Tensor, top: Tensor, width: Tensor, height: Tensor, mirrored: Tensor) -> Tensor:
    """Enlarge a box of each image to the whole image by bilinear interpolation, and mirror some of the images.

    Args:
        images: N×C×S×S.
        left: left edge of each box, pixels, N.
        top: top edge, N.
        width: width, N.
        height: height, N.
        mirrored: which images are mirrored left to right, N, bool.
    """
    size = images.shape[-1]
    centres = (torch.arange(size, device=images.device) + 0.5) / size
    columns = torch.where(mirrored[:, None], centres.flip(0), centres)
    x = _source_coordinates(columns, left, width)
    y = _source_coordinates(centres.expand(len(images), -1), top, height)
    grid = torch.stack((x[:, None, :].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)), dim=-1)
    grid = (2 * grid + 1) / size - 1  # from pixel numbers to [-1, 1] between the image's edges
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _source_coordinates(centres: Tensor, start: Tensor, length: Tensor) -> Tensor:
    """Return the pixel numbers to read along one axis, N×S. Like ``interpolate``, they never leave the box."""
    coordinates = start[:, None] + centres * length[:, None] - 0.5
    return torch.minimum(torch.maximum(coordinates, start[:, None]), (start + length - 1)[:, None])
