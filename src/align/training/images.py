"""The images of a split as bytes, and the transfer of batches to the device."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from align.imaging.normalisation import normalise, to_soft_masks, to_unit
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
        given_masks: N×S×S, bytes from 0 to 254. 255 marks an unknown mask. None if the method is given no masks.
        domains: which image belongs to which source domain, booleans D×N. None if there is one source domain.
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
        """Return the normalised images. ``change`` is applied before, to images and masks with values in [0, 1]."""
        images = to_unit(self.images)
        if self.given_masks is None:
            return Batch(normalise(change(images)), self.labels, None, self.domains, images)
        changed = change(torch.cat((images, to_soft_masks(self.given_masks)), 1))
        return Batch(normalise(changed[:, :3]), self.labels, changed[:, 3:], self.domains, images)


class StreamedImages(Images):
    """A split that is too large for the GPU. Images and masks stay in the host's memory; labels and domains are on the device."""

    def parts(self, batches: Sequence[Tensor]) -> Iterator[Images]:
        """Yield the images at the indices of each batch, on the device. The next batch is copied while one is computed."""
        on_host = torch.cat(list(batches)).cpu().split([len(indices) for indices in batches])
        for indices, (tensors, arrival) in zip(batches, prefetched(map(self._send, on_host))):
            computing = torch.cuda.current_stream(self.labels.device)
            computing.wait_event(arrival)
            for tensor in tensors:
                if tensor is not None:
                    tensor.record_stream(computing)  # keeps the memory of the batch until the batch is computed
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
    """Return the packed images of one or several domains, one domain after the other, on ``device``."""
    return on_device_or_streamed(packed, device, math.inf)


def on_device_or_streamed(packed: Sequence[Packed], device: torch.device, memory_share: float) -> Images:
    """Return packed images as :func:`on_device` does, but stream them if they are too large for a GPU.

    Args:
        packed: the images of one or several domains.
        device: where to compute.
        memory_share: the largest share of a GPU's free memory that images and masks may take.
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
    """Yield ``items``. The next item is requested before the current one is yielded."""
    for current in items:
        for following in items:
            yield current
            current = following
        yield current


def _page_locked(source: Tensor | None, indices: Tensor) -> Tensor | None:
    """Return ``source`` at ``indices`` in page-locked memory. A GPU copies from it while the host goes on."""
    if source is None:
        return None
    staged = torch.empty((len(indices), *source.shape[1:]), dtype=source.dtype, pin_memory=True)
    return torch.index_select(source, 0, indices, out=staged)
