"""Colour jitter and grey, with random factors for each image. The formulas are torchvision's (``adjust_brightness`` etc.)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from align.imaging.colour import luma


def blend(images: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    """Return factor · image + (1 − factor) · other, clipped to [0, 1], with one of the ``factors`` (N) for each image."""
    return torch.lerp(others, images, factors[:, None, None, None]).clamp(0, 1)


def draw_orders(count: int, generator: torch.Generator) -> list[list[int]]:
    """Draw ``count`` random orders of the four changes of :func:`jitter`, one for each batch of a pass over the split.

    On a GPU, this waits for the GPU, once a pass: the host must know which change comes next.
    """
    orders: list[list[int]] = torch.rand((count, 4), generator=generator, device=generator.device).argsort(1).tolist()
    return orders


def jitter(images: Tensor, strength: float, order: Sequence[int], generator: torch.Generator) -> Tensor:
    """Change brightness, contrast, saturation and hue of images N×3×H×W in [0, 1].

    Args:
        images: RGB in [0, 1].
        strength: factors are uniform in [1 − strength, 1 + strength], hue shifts in ±min(strength, 0.5) of a turn.
        order: order of the four changes, numbered from 0 as above. It is the same for the batch, as in torchvision for a call.
        generator: gives the factors of each image, on the images' device.
    """
    draws = torch.empty((4, len(images)), device=images.device).uniform_(-strength, strength, generator=generator)
    for change in order:
        match change:
            case 0:
                images = blend(images, torch.zeros_like(images), 1 + draws[0])
            case 1:
                images = blend(images, luma(images).mean((2, 3), keepdim=True), 1 + draws[1])
            case 2:
                images = blend(images, luma(images), 1 + draws[2])
            case _:
                images = shift_hue(images, draws[3].clamp(-0.5, 0.5))
    return images


def shift_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Rotate the hue of RGB images N×3×H×W in [0, 1] by ``turns`` (N) of a full circle, in HSV."""
    value = images.amax(1)
    chroma = value - images.amin(1)
    red, green, blue = images.unbind(1)
    divisor = chroma.masked_fill(chroma == 0, 1)
    hue = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    hue = hue + 6 * turns[:, None, None]
    # HSV to RGB: each channel is value − chroma · clamp(min(k, 4 − k), 0, 1) with k = (n + hue) mod 6 and n = 5, 3, 1. The
    # clamped term is 2 less the distance of n + hue to 2 on a circle of 6. Rounding gives it faster than a remainder.
    distance = torch.stack((hue + 3, hue + 1, hue - 1), dim=1)
    distance = distance.sub_(6 * (distance / 6).round_()).abs_()
    return torch.addcmul(value[:, None], chroma[:, None], (2 - distance).clamp_(0, 1), value=-1)


def to_grey(images: Tensor, chosen: Tensor) -> Tensor:
    """Return the images N×3×H×W, those in ``chosen`` (N, bool) turned to grey."""
    return torch.where(chosen[:, None, None, None], luma(images), images)
