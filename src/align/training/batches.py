"""The batches that a run trains on: their order, their augmentation, and where in them it is."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from align.augmentation.colour import draw_orders
from align.augmentation.pipeline import augment
from align.augmentation.settings import AugmentationSettings
from align.methods.base import Batch
from align.training.images import Images


class TrainingBatches:
    """Augmented batches in random order; every batch has equally many images of each domain.

    Iterating yields the batches of one pass over the split. A pass that was left before its end is gone on with by the next
    iteration, be it in another process after :meth:`load_state_dict`, unless :meth:`start_over` was called.

    Args:
        split: what is trained on.
        batch_size: images in a batch.
        augmentation: random changes of the images.
        generator: order of the images and augmentation, on the split's device.
    """

    def __init__(self, split: Images, batch_size: int, augmentation: AugmentationSettings, generator: torch.Generator) -> None:
        self.split = split
        self.batch_size = batch_size
        self.augmentation = augmentation
        self.generator = generator
        self.start_over()

    def start_over(self) -> None:
        """Make the next iteration a pass of its own."""
        self.taken = 0  # batches of the pass under way
        self.drawn_from = self.generator.get_state()  # at the beginning of that pass

    def __iter__(self) -> Iterator[Batch]:
        now = self.generator.get_state()
        if self.taken:
            self.generator.set_state(self.drawn_from)
        else:
            self.drawn_from = now
        batches = shuffled(self.split, self.batch_size, self.generator)
        orders = draw_orders(len(batches), self.generator)
        if self.taken:
            self.generator.set_state(now)
        for part, order in zip(self.split.parts(batches[self.taken :]), orders[self.taken :]):
            self.taken += 1
            yield part.batch(partial(augment, settings=self.augmentation, order=order, generator=self.generator))
        self.taken = 0

    def state_dict(self) -> dict[str, Any]:
        """Return where in the pass it is, and the random numbers that are still to come."""
        return {"taken": self.taken, "drawn_from": self.drawn_from, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where another was when it returned ``state``."""
        self.taken, self.drawn_from = state["taken"], state["drawn_from"]
        self.generator.set_state(state["generator"])


def shuffled(split: Images, batch_size: int, generator: torch.Generator) -> list[Tensor]:
    """Return the indices of each batch of a pass over ``split``.

    Of one domain: every image once; a last batch that is not full is left out, unless it is the only one. Of several, as
    DomainBed does: equally many images of each domain in a batch, as many batches as all images fill, small domains repeated.
    """

    def permuted(indices: Tensor) -> Tensor:
        return indices[torch.randperm(len(indices), generator=generator, device=generator.device)]

    everything = torch.arange(len(split), device=split.labels.device)
    if split.domains is None:
        batches = permuted(everything).split(batch_size)
        return [indices for indices in batches if len(indices) == batch_size or len(everything) < batch_size]
    members = [everything[of_domain] for of_domain in split.domains]
    share = max(batch_size // len(members), 1)
    steps = max(len(everything) // (share * len(members)), 1)
    dealt = [torch.cat([permuted(own) for _ in range(-(-steps * share // len(own)))])[: steps * share] for own in members]
    return list(torch.cat([order.view(steps, share) for order in dealt], 1))
