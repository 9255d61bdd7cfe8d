"""The training loop, the same for every method: epochs, validation, selection."""

import copy
import logging
import math
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor

from align.augmentation.colour import draw_orders
from align.augmentation.pipeline import augment
from align.configuration.schema import Augmentation, Training
from align.methods.base import Batch, Method
from align.training.failures import Failure
from align.training.history import History, mean_terms
from align.training.images import Images
from align.training.progress import epochs_with_progress

LOG = logging.getLogger("align")
VALIDATION_BATCH = 256


class Trained(NamedTuple):
    """What a run leaves behind."""

    states: dict[str, dict[str, Tensor]]
    history: History
    failures: list[Failure]
    selected_epoch: int
    selected_phase: str
    validation_accuracy: float
    images_per_second: float


def train(
    method: Method,
    training_split: Images,
    validation_split: Images,
    settings: Training,
    augmentation: Augmentation,
    generator: torch.Generator,
    title: str = "training",
) -> Trained:
    """Train ``method`` and keep the networks of the epoch with the best validation accuracy.

    Args:
        method: holds the networks, on the device of the splits.
        training_split: what it learns from, augmented.
        validation_split: what the epoch is selected on, as it is; of equals, the latest.
        settings: epochs, batch size, and from which epoch on one may be selected.
        augmentation: random changes of training images.
        generator: order of the images and augmentation, on the same device.
        title: names the run in the log.

    Raises:
        NonFiniteLossError: a loss term became NaN or infinite; the message names the epoch and the term.
    """
    history = History()
    best: tuple[float, int, str, dict[str, Any]] = (-1.0, 0, "", {})
    status: dict[str, float] = {}
    seen, seconds = 0, 0.0

    def batches() -> Iterator[Batch]:
        return training_batches(training_split, settings.batch_size, augmentation, generator)

    for epoch in epochs_with_progress(settings.epochs, len(training_split.labels), title, status):
        start = time.perf_counter()
        prepared = method.start_epoch(epoch, settings.epochs, batches)
        if prepared:
            history.add(epoch, "masker", mean_terms(prepared[-10:]))
            LOG.info("%s: %d masker steps alone, mask area %.3f", title, len(prepared), float(prepared[-1]["mask_area"]))
        steps = []
        for batch in batches():
            steps.append(method.step(batch))
            seen += len(batch.labels)
        terms = mean_terms(steps)
        seconds += time.perf_counter() - start
        history.add(epoch, method.phase, terms)
        validation = validate(method, validation_split)
        history.add(epoch, method.phase, validation)
        status.update(loss=terms["total"], validation_accuracy=validation["validation_accuracy"])
        if epoch > settings.eligible_from * settings.epochs and validation["validation_accuracy"] >= best[0]:
            states = {name: copy.deepcopy(network.state_dict()) for name, network in method.networks.items()}
            best = (validation["validation_accuracy"], epoch, method.phase, states)

    accuracy, selected, phase, states = best
    failures = history.failures()
    for failure in failures:
        LOG.warning("%s: %s in epoch %d: %s", title, failure.name, failure.epoch, failure.detail)
    states = {name: {key: tensor.cpu() for key, tensor in state.items()} for name, state in states.items()}
    return Trained(states, history, failures, selected, phase, accuracy, seen / seconds)


def training_batches(split: Images, batch_size: int, augmentation: Augmentation, generator: torch.Generator) -> Iterator[Batch]:
    """Yield augmented batches of ``split`` in random order; every batch has equally many images of each domain."""
    batches = shuffled(split, batch_size, generator)
    orders = draw_orders(len(batches), generator)
    for part, order in zip(split.parts(batches), orders):
        yield part.batch(partial(augment, settings=augmentation, order=order, generator=generator))


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


@torch.no_grad()
def validate(method: Method, split: Images) -> dict[str, float]:
    """Return the accuracy on ``split``, without augmentation, and what the method watches there."""
    method.classifier.eval()
    values: dict[str, list[Tensor]] = {}
    everything = torch.arange(len(split), device=split.labels.device)
    for part in split.parts(everything.split(VALIDATION_BATCH)):
        batch = part.batch()
        features = method.classifier.features(method.view(batch))
        correct = method.classifier.classify(features).argmax(1) == batch.labels
        watched = method.diagnose(batch, features) if method.phase == "guided" else {}
        for name, value in {"validation_accuracy": correct.float(), **watched}.items():
            values.setdefault(name, []).append(value)
    method.classifier.train()
    means = torch.stack([torch.cat(parts).nanmean() for parts in values.values()]).tolist()
    return {name: mean for name, mean in zip(values, means) if not math.isnan(mean)}
