"""References: the image x̄ that replaces the hidden pixels of x in the composite x ⊙ M + x̄ ⊙ (1 − M)."""

from collections.abc import Callable

import torch
from torch import Tensor

from align.imaging.blur import scaled_blur

BLUR = 21.0
"""The standard deviation of the blurred reference, in pixels of a 224-pixel image. It hides objects and keeps a scene's light."""

Reference = Callable[[Tensor, Tensor, torch.Generator], Tensor | None]
"""A function of images N×3×H×W, their N labels and a generator on their device. It returns references N×3×H×W, or None for 0."""


def zero(images: Tensor, labels: Tensor, generator: torch.Generator) -> None:
    """Return None, which stands for an image of zeros: ImageNet's mean colour."""


def blur(images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return the blurred images (Fong and Vedaldi, arXiv:1704.03296, section 4.1)."""
    return scaled_blur(images, BLUR)


def noise(images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return normal noise with the mean and the standard deviation of each channel of each image."""
    spread, mean = torch.std_mean(images, (2, 3), keepdim=True)
    return mean + spread * torch.randn(images.shape, generator=generator, device=images.device)


def batch(images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return another image of the batch for each image, of another class unless one class fills more than half of the batch."""
    shuffled = torch.randperm(len(labels), generator=generator, device=labels.device)
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    most = (labels[:, None] == labels).sum(1).max()  # the size of the largest class: this far on in the order, the class differs
    further = (torch.arange(len(labels), device=labels.device) + most) % len(labels)
    return images[torch.empty_like(by_class).scatter_(0, by_class, by_class[further])]


REFERENCES: dict[str, Reference] = {"zero": zero, "blur": blur, "noise": noise, "batch": batch}
