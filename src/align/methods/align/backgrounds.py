"""Backgrounds: the images B that fill what is outside of the mask in ALIGN-swap. Each is one small function.

Those of ``BACKGROUNDS`` take normalised images x N×3×H×W, their masks N×1×H×W in [0, 1] and a generator on their device. They
return images N×3×H×W. Normal noise is that of the masker's references.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from align.imaging.blur import scaled_blur
from align.masking.fixed import smooth
from align.methods.align.references import BLUR, noise
from align.methods.sgt import within_range

Background = Callable[[Tensor, Tensor, torch.Generator], Tensor]

PATCHES = (1, 2, 4, 8, 16)
"""The sizes of the patches of :func:`patches`, in pixels of the image."""
KERNEL = 3
"""The side of the kernel of :func:`convolved`, as in ACVC (arXiv:2204.13091) and RandConv (arXiv:2007.13003)."""


def uniform(images: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return uniform noise between the lowest and the highest value of each channel of each image, as SGT's."""
    return within_range(images, torch.rand(images.shape, generator=generator, device=images.device))


def colour(images: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return one colour for each image, uniform between the lowest and the highest value of each channel."""
    shares = torch.rand((len(images), 3, 1, 1), generator=generator, device=images.device)
    return within_range(images, shares).expand_as(images)


def patches(images: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return uniform noise in smooth patches. Their size, from 1 to 16 pixels of the image, is drawn for the whole batch."""
    side, kinds = max(images.shape[-2:]), []
    for size in PATCHES:  # all of them: the host would have to wait for a size that a GPU has drawn
        values = torch.rand((3 * len(images), (-(-side // size)) ** 2), generator=generator, device=images.device)
        kinds.append(smooth(values, images.shape[-2:]).view_as(images))
    drawn = torch.randint(len(PATCHES), (1,), generator=generator, device=images.device)
    return within_range(images, torch.stack(kinds)[drawn].squeeze(0))


def emptied_other(images: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return another image of the batch, of any class, without its object."""
    return emptied(images, masks, torch.randperm(len(images), generator=generator, device=images.device))


def convolved(images: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return :func:`emptied_other` after a random convolution, with the mean and the deviation that its channels had before."""
    before = emptied_other(images, masks, generator)
    kernel = torch.randn((3, 3, KERNEL, KERNEL), generator=generator, device=images.device)
    after = F.conv2d(F.pad(before, [KERNEL // 2] * 4, mode="reflect"), kernel)
    spread, mean = torch.std_mean(before, (2, 3), keepdim=True)
    own_spread, own_mean = torch.std_mean(after, (2, 3), keepdim=True)
    return mean + spread * (after - own_mean) / own_spread.clamp_min(1e-3)


def emptied(images: Tensor, masks: Tensor, partners: Tensor) -> Tensor:
    """Return each image's partner without its object: inside the partner's mask is the normalised blur of what is outside.

    Args:
        images: N×3×H×W, square.
        masks: N×1×H×W in [0, 1].
        partners: the index of each image's partner, N.
    """
    image, mask = images[partners], masks[partners]
    outside = 1 - mask
    filled = scaled_blur(image * outside, BLUR) / scaled_blur(outside, BLUR).clamp_min(1e-3)
    return torch.lerp(image, filled, mask)


BACKGROUNDS: dict[str, Background] = {
    "normal": noise,
    "uniform": uniform,
    "colour": colour,
    "patches": patches,
    "emptied": emptied_other,
    "convolved": convolved,
}


def mixed_backgrounds(names: Sequence[str], images: Tensor, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return backgrounds of the named kinds N×3×H×W. Each image has one kind, drawn with equal chances."""
    kinds = torch.stack([BACKGROUNDS[name](images, masks, generator) for name in names])
    drawn = torch.randint(len(names), (len(images),), generator=generator, device=images.device)
    return kinds[drawn, torch.arange(len(images), device=images.device)]
