"""The images of a split, packed in bytes, and how batches of them reach the device."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from align.imaging.masks import to_soft_masks
from align.imaging.normalisation import normalise, to_unit
from align.methods.base import Batch
from align.preparation.packed import Packed

LOG = logging.getLogger("align")
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Images:
    """A split or a part of it.

    Attributes:
        images: N×S×S×3, bytes.
        labels: N.
        given_masks: N×S×S, bytes: 0 to 254, 255 not known; None: the method asks for none.
        domains: which images are of which source domain, booleans D×N; None: there is one.
    """

    images: Tensor
    labels: Tensor
    given_masks: Tensor | None = None
    domains: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, indices: Tensor | slice) -> "Images":
        """Return the images at ``indices``."""
        return Images(
            self.images[indices],
            self.labels[indices],
            None if self.given_masks is None else self.given_masks[indices],
            None if self.domains is None else self.domains[:, indices],
        )

    def parts(self, batches: Sequence[Tensor]) -> Iterator["Images"]:
        """Yield the images at the indices of each batch, on the device."""
        return map(self.part, batches)

    def batch(self, change: Callable[[Tensor], Tensor] = lambda images: images) -> Batch:
        """Return the images as a network sees them, after ``change`` of them and their masks, both in [0, 1]."""
        images = to_unit(self.images)
        if self.given_masks is None:
            return Batch(normalise(change(images)), self.labels, None, self.domains)
        changed = change(torch.cat((images, to_soft_masks(self.given_masks)), 1))
        return Batch(normalise(changed[:, :3]), self.labels, changed[:, 3:], self.domains)


class StreamedImages(Images):
    """A split that is too large for the GPU: bytes of images and masks are in the host's memory, all else is on the device."""

    def parts(self, batches: Sequence[Tensor]) -> Iterator[Images]:
        """Yield the images at the indices of each batch, on the device; while one is computed, the next is on its way."""
        on_host = torch.cat(list(batches)).cpu().split([len(indices) for indices in batches])
        for indices, (tensors, arrival) in zip(batches, prefetched(map(self._send, on_host))):
            computing = torch.cuda.current_stream(self.labels.device)
            computing.wait_event(arrival)
            for tensor in tensors:
                if tensor is not None:
                    tensor.record_stream(computing)  # until the batch is computed, nothing else takes its memory
            images, masks = tensors
            assert images is not None
            yield Images(images, self.labels[indices], masks, None if self.domains is None else self.domains[:, indices])

    @cached_property
    def _copies(self) -> torch.cuda.Stream:
        return torch.cuda.Stream(self.labels.device)

    def _send(self, indices: Tensor) -> tuple[list[Tensor | None], torch.cuda.Event]:
        with torch.cuda.stream(self._copies):
            sent = [_page_locked(source, indices) for source in (self.images, self.given_masks)]
            tensors = [None if staged is None else staged.to(self.labels.device, non_blocking=True) for staged in sent]
            return tensors, self._copies.record_event()


def on_device(packed: Sequence[Packed], device: torch.device) -> Images:
    """Return packed images of one or several domains, one after the other, on ``device``."""
    return on_device_or_streamed(packed, device, math.inf)


def on_device_or_streamed(packed: Sequence[Packed], device: torch.device, memory_share: float) -> Images:
    """Return packed images as :func:`on_device` does, but stream them where they are too large for a GPU.

    Args:
        packed: one or several domains.
        device: where to compute.
        memory_share: the most that they may take of the memory that is free on a GPU.
    """
    images = torch.from_numpy(np.concatenate([domain.images for domain in packed]))
    given = [domain.given_masks for domain in packed if domain.given_masks is not None]
    masks = torch.from_numpy(np.concatenate(given)) if given else None
    labels = torch.from_numpy(np.concatenate([domain.labels for domain in packed])).to(device)
    domain_of_image = torch.arange(len(packed)).repeat_interleave(torch.tensor([len(domain.labels) for domain in packed]))
    domains = None if len(packed) == 1 else (domain_of_image == torch.arange(len(packed))[:, None]).to(device)
    if device.type == "cuda":
        needed = images.nbytes + (0 if masks is None else masks.nbytes)
        free, _ = torch.cuda.mem_get_info(device)
        if needed > memory_share * free:
            LOG.info("%.1f GB of images stay in the host's memory: the GPU has %.1f GB free", needed / 1e9, free / 1e9)
            return StreamedImages(images, labels, masks, domains)
    return Images(images.to(device), labels, None if masks is None else masks.to(device), domains)


def prefetched(items: Iterator[Item]) -> Iterator[Item]:
    """Yield ``items``, each when the one after it has been asked for."""
    for current in items:
        for coming in items:
            yield current
            current = coming
        yield current


def _page_locked(source: Tensor | None, indices: Tensor) -> Tensor | None:
    """Return ``source`` at ``indices`` in memory that a GPU copies from while the host goes on."""
    if source is None:
        return None
    staged = torch.empty((len(indices), *source.shape[1:]), dtype=source.dtype, pin_memory=True)
    return torch.index_select(source, 0, indices, out=staged)
