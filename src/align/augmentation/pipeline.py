"""From packed bytes to what a network sees, with and without augmentation."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from align.augmentation.colour import jitter, to_grey
from align.augmentation.geometry import crop_and_resize, draw_crops
from align.configuration.schema import Augmentation
from align.models.classifier import MEAN, STANDARD_DEVIATION
from align.preparation.packed import FULL, UNKNOWN


def to_unit(images: Tensor) -> Tensor:
    """Return packed images N×S×S×3, bytes, as N×3×S×S in [0, 1], channels last in memory."""
    return images.permute(0, 3, 1, 2).float().div_(255)


def to_masks(masks: Tensor) -> Tensor:
    """Return packed masks N×S×S, bytes from 0 to 254, as N×1×S×S in [0, 1]; 255, not known, becomes NaN."""
    return masks.float().div_(FULL).masked_fill_(masks == UNKNOWN, torch.nan)[:, None]


def normalise(images: Tensor) -> Tensor:
    """Return images N×3×S×S in [0, 1] as the network sees them: less the mean, by the standard deviation."""
    mean, deviation = _per_channel(images.device)
    return (images - mean) / deviation


def denormalise(images: Tensor) -> Tensor:
    """Return normalised images N×3×S×S in [0, 1] again."""
    mean, deviation = _per_channel(images.device)
    return images * deviation + mean


def augment(images: Tensor, settings: Augmentation, order: Sequence[int], generator: torch.Generator) -> Tensor:
    """Return images N×3×S×S in [0, 1], each cropped, flipped, jittered and greyed by chance.

    Args:
        images: RGB in [0, 1]; further channels are maps, which move with their image and keep their values.
        settings: ranges and probabilities; DomainBed's and DRE's by default.
        order: of the four changes of colour, from :func:`align.augmentation.colour.draw_orders`.
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


@cache  # a copy to a GPU for each batch would wait for it
def _per_channel(device: torch.device) -> tuple[Tensor, Tensor]:
    mean, deviation = (torch.tensor(values, device=device)[:, None, None] for values in (MEAN, STANDARD_DEVIATION))
    return mean, deviation


def _chosen(count: int, probability: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator, device=generator.device) < probability
