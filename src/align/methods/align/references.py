"""What the hidden part of an image shows: the reference x̄ of x ⊙ M + x̄ ⊙ (1 − M)."""

from collections.abc import Callable

import torch
from torch import Tensor

from align.imaging.blur import scaled_blur

BLUR = 21.0
"""Standard deviation of the blurred reference, for a side of 224 pixels: it hides objects and keeps their scene's light."""

Reference = Callable[[Tensor, Tensor, torch.Generator], Tensor | None]
"""Images N×3×H×W, their labels N and a generator on their device to references N×3×H×W; None stands for zero."""


def zero(images: Tensor, labels: Tensor, generator: torch.Generator) -> None:
    """Return None: nothing, the mean colour of ImageNet."""


def blur(images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return the images, blurred (Fong and Vedaldi, arXiv:1704.03296, section 4.1)."""
    return scaled_blur(images, BLUR)


def noise(images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return normal noise with the mean and the spread of each channel of each image."""
    spread, mean = torch.std_mean(images, (2, 3), keepdim=True)
    return mean + spread * torch.randn(images.shape, generator=generator, device=images.device)


def batch(images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return for each image another one of the batch: of another class, unless one class fills more than half of the batch."""
    shuffled = torch.randperm(len(labels), generator=generator, device=labels.device)
    by_class = shuffled[labels[shuffled].argsort(stable=True)]
    most = (labels[:, None] == labels).sum(1).max()  # images of the commonest class: so far on, the class is another
    further = (torch.arange(len(labels), device=labels.device) + most) % len(labels)
    return images[torch.empty_like(by_class).scatter_(0, by_class, by_class[further])]


REFERENCES: dict[str, Reference] = {"zero": zero, "blur": blur, "noise": noise, "batch": batch}
