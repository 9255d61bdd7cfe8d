"""The usual way to feed a network: image files, Pillow and torchvision's transforms in the workers of a DataLoader."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from align.augmentation.settings import AugmentationSettings
from align.imaging.imagenet import MEAN, STANDARD_DEVIATION
from align.methods.base import Batch


class ImageFiles(Dataset[tuple[Tensor, int]]):
    """Image files. Each is decoded and augmented whenever it is requested."""

    def __init__(self, paths: Sequence[Path], labels: Sequence[int], size: int, augmentation: AugmentationSettings) -> None:
        self.paths, self.labels = paths, labels
        self.transform = transform(size, augmentation)

    def __len__(self) -> int:
        """Return the number of files."""
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return an augmented and normalised image, 3×S×S, and its label."""
        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert("RGB")), int(self.labels[index])


def transform(size: int, augmentation: AugmentationSettings) -> v2.Compose:
    """Return the augmentation of :mod:`align.augmentation` as torchvision's transforms, from a Pillow image to 3×S×S."""
    strength = augmentation.jitter
    return v2.Compose(
        [
            v2.RandomResizedCrop(size, augmentation.crop_scale, augmentation.crop_ratio),
            v2.RandomHorizontalFlip(augmentation.flip),
            v2.ColorJitter(strength, strength, strength, min(strength, 0.5)),
            v2.RandomGrayscale(augmentation.grey),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STANDARD_DEVIATION),
        ]
    )


def plain_batches(
    paths: Sequence[Path],
    labels: Sequence[int],
    size: int,
    batch_size: int,
    augmentation: AugmentationSettings,
    workers: int,
    generator: torch.Generator,
    device: torch.device,
) -> Iterator[Batch]:
    """Yield the batches of one pass over image files in random order. A last batch that is not full is left out.

    Args:
        paths: N image files.
        labels: their N labels.
        size: side of the images in the batches, in pixels.
        batch_size: the number of images in a batch.
        augmentation: the random changes of the images.
        workers: the number of processes that decode and augment.
        generator: a generator on the CPU that seeds the order and the workers.
        device: the device of the batches.
    """
    loader = DataLoader(
        ImageFiles(paths, labels, size, augmentation),
        batch_size,
        shuffle=True,
        num_workers=workers,
        pin_memory=device.type == "cuda",
        drop_last=True,
        generator=generator,
    )
    for images, targets in loader:
        on_device = images.to(device, non_blocking=True).to(memory_format=torch.channels_last)
        yield Batch(on_device, targets.to(device, non_blocking=True))
