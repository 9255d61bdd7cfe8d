"""Augmentation of a batch of training images."""

from collections.abc import Sequence

import torch
from torch import Tensor

from align.augmentation.colour import jitter, to_grey
from align.augmentation.geometry import crop_and_resize, draw_crops
from align.augmentation.settings import AugmentationSettings


def augment(images: Tensor, settings: AugmentationSettings, order: Sequence[int], generator: torch.Generator) -> Tensor:
    """Return the images, each randomly cropped, flipped, jittered and turned to grey.

    Args:
        images: RGB in [0, 1], N×3×S×S. Further channels are maps: they are cropped and flipped with their image, and keep their
            values.
        settings: ranges and probabilities, by default DomainBed's and DRE's.
        order: order of the four changes of colour, from :func:`align.augmentation.colour.draw_orders`.
        generator: gives all other random numbers, on the images' device.
    """
    count, size = len(images), images.shape[-1]
    boxes = draw_crops(count, size, settings.crop_scale, settings.crop_ratio, generator)
    images = crop_and_resize(images, *boxes, mirrored=_chosen(count, settings.flip, generator))
    images, maps = images[:, :3], images[:, 3:]
    if settings.jitter > 0:
        images = jitter(images, settings.jitter, order, generator)
    if settings.grey > 0:
        images = to_grey(images, _chosen(count, settings.grey, generator))
    return torch.cat((images, maps), 1) if maps.shape[1] else images


def _chosen(count: int, probability: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator, device=generator.device) < probability
