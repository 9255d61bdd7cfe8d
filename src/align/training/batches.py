"""The batches that a run trains on: their order, their augmentation, and the position of an interrupted pass."""

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
    """Augmented batches in random order. Every batch has the same number of images of each domain.

    An iteration yields the batches of one pass over the split. If a pass was left before its end, the next iteration goes on with
    it. That also works in another process, after :meth:`load_state_dict`. :meth:`start_over` gives up the rest of a pass.

    Args:
        split: the images to train on.
        batch_size: the number of images in a batch.
        augmentation: the random changes of the images.
        generator: source of the order of the images and of their augmentation, on the split's device.
    """

    def __init__(self, split: Images, batch_size: int, augmentation: AugmentationSettings, generator: torch.Generator) -> None:
        self.split = split
        self.batch_size = batch_size
        self.augmentation = augmentation
        self.generator = generator
        self.start_over()

    def start_over(self) -> None:
        """Make the next iteration begin a new pass."""
        self.taken = 0  # number of batches of the current pass that were yielded
        self.pass_start = self.generator.get_state()  # the generator's state at the start of this pass

    def __iter__(self) -> Iterator[Batch]:
        now = self.generator.get_state()
        if self.taken:
            self.generator.set_state(self.pass_start)
        else:
            self.pass_start = now
        batches = shuffled(self.split, self.batch_size, self.generator)
        orders = draw_orders(len(batches), self.generator)
        if self.taken:
            self.generator.set_state(now)
        for part, order in zip(self.split.parts(batches[self.taken :]), orders[self.taken :]):
            self.taken += 1
            yield part.batch(partial(augment, settings=self.augmentation, order=order, generator=self.generator))
        self.taken = 0

    def state_dict(self) -> dict[str, Any]:
        """Return the position in the current pass and the state of the random numbers."""
        return {"taken": self.taken, "pass_start": self.pass_start, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from ``state``, which other batches of the same split and settings have returned."""
        self.taken, self.pass_start = state["taken"], state["pass_start"]
        self.generator.set_state(state["generator"])


def shuffled(split: Images, batch_size: int, generator: torch.Generator) -> list[Tensor]:
    """Return the indices of each batch of a pass over ``split``.

    With one domain, a pass has every image once. A last batch that is not full is left out, unless it is the only one. With
    several domains, a batch has the same number of images of each domain, as in DomainBed. A pass has as many batches as all
    images fill together, so the images of small domains are repeated.
    """

    def permuted(indices: Tensor) -> Tensor:
        return indices[torch.randperm(len(indices), generator=generator, device=generator.device)]

    everything = torch.arange(len(split), device=split.labels.device)
    if split.domains is None:
        batches = permuted(everything).split(batch_size)
        return [indices for indices in batches if len(indices) == batch_size or len(everything) < batch_size]
    by_domain = [everything[is_member] for is_member in split.domains]
    share = max(batch_size // len(by_domain), 1)
    steps = max(len(everything) // (share * len(by_domain)), 1)
    orders = [torch.cat([permuted(own) for _ in range(-(-steps * share // len(own)))])[: steps * share] for own in by_domain]
    return list(torch.cat([order.view(steps, share) for order in orders], 1))
