"""Colour jitter and grey, each image with factors of its own; formulas are torchvision's (``adjust_brightness`` and so on)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from align.imaging.colour import luma


def blend(images: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    """Return factor · image + (1 − factor) · other, clipped to [0, 1]; ``factors`` N."""
    return torch.lerp(others, images, factors[:, None, None, None]).clamp(0, 1)


def draw_orders(count: int, generator: torch.Generator) -> list[list[int]]:
    """Draw ``count`` orders of the four changes of :func:`jitter`, one for each batch of a pass.

    A GPU is waited for, once: what is to be done next has to be known here.
    """
    orders: list[list[int]] = torch.rand((count, 4), generator=generator, device=generator.device).argsort(1).tolist()
    return orders


def jitter(images: Tensor, strength: float, order: Sequence[int], generator: torch.Generator) -> Tensor:
    """Change brightness, contrast, saturation and hue of images N×3×H×W in [0, 1].

    Args:
        images: RGB in [0, 1].
        strength: factors are drawn from [1 − strength, 1 + strength], hue shifts from ±min(strength, 0.5) of a turn.
        order: of the four changes, numbered as above: the batch's, as torchvision draws one for each call.
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
    """Turn the hue of RGB images N×3×H×W in [0, 1] by ``turns`` N of a full circle, through HSV."""
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
    # Each channel of HSV → RGB is value − chroma · clamp(min(k, 4 − k), 0, 1), k = (n + hue) mod 6, n = 5, 3, 1. What is clamped
    # is 2 less the distance of n + hue to 2 on a circle of 6: rounding is faster than a remainder.
    distance = torch.stack((hue + 3, hue + 1, hue - 1), dim=1)
    distance = distance.sub_(6 * (distance / 6).round_()).abs_()
    return torch.addcmul(value[:, None], chroma[:, None], (2 - distance).clamp_(0, 1), value=-1)


def to_grey(images: Tensor, chosen: Tensor) -> Tensor:
    """Return the images N×3×H×W with those of ``chosen`` N without colour."""
    return torch.where(chosen[:, None, None, None], luma(images), images)
