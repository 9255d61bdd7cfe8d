"""The training loop, the same for every method: epochs, validation, selection."""

import copy
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, NamedTuple

import torch
from torch import Tensor

from align.augmentation.settings import AugmentationSettings
from align.methods.base import Batch, Failure, Method
from align.training.batches import TrainingBatches
from align.training.history import History, mean_terms
from align.training.images import Images
from align.training.progress import epochs_with_progress
from align.training.settings import TrainingSettings

LOG = logging.getLogger("align")
VALIDATION_BATCH = 256

Terms = dict[str, Tensor]  # a step's loss terms, scalars by name
State = dict[str, Any]  # plain values and tensors, as torch.load takes them with weights_only
AfterStep = Callable[[Callable[[], State]], None]


def nothing_after(state: Callable[[], State]) -> None:
    """Do nothing after a step."""


class Trained(NamedTuple):
    """What a run leaves behind."""

    states: dict[str, dict[str, Tensor]]
    history: History
    failures: list[Failure]
    selected_epoch: int
    selected_phase: str
    validation_accuracy: float
    images_per_second: float


@dataclass
class Progress:
    """How far a run is: with the states of the method and of the batches, all that its outcome depends on.

    Attributes:
        epoch: the one under way, from 1.
        stage: what of it is to be done next: its ``start``, the method's ``preparation``, or its own ``steps``.
        prepared: what each step of the preparation reported.
        taken: what each of the epoch's own steps reported.
        rows: of the history.
        best: validation accuracy, epoch, phase and networks of the epoch that would be selected now.
        seen: images that the steps so far were taken on.
        seconds: that they took.
    """

    epoch: int = 1
    stage: str = "start"
    prepared: list[Terms] = field(default_factory=list)
    taken: list[Terms] = field(default_factory=list)
    rows: list[tuple[int, str, str, float]] = field(default_factory=list)
    best: tuple[float, int, str, dict[str, Any]] = (-1.0, 0, "", {})
    seen: int = 0
    seconds: float = 0.0

    def state_dict(self) -> State:
        """Return the attributes, the terms of many steps as one tensor per name."""
        return vars(self) | {"prepared": _stacked(self.prepared), "taken": _stacked(self.taken)}

    @classmethod
    def from_state(cls, state: State, device: torch.device) -> "Progress":
        """Return what returned ``state``, with the terms on ``device``."""
        return cls(**state | {key: _unstacked(state[key], device) for key in ("prepared", "taken")})


def train(
    method: Method,
    training_split: Images,
    validation_split: Images,
    settings: TrainingSettings,
    augmentation: AugmentationSettings,
    generator: torch.Generator,
    title: str = "training",
    state: State | None = None,
    after_step: AfterStep = nothing_after,
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
        state: of an interrupted run of the same settings, which is gone on with; None: begin.
        after_step: called after every step with what returns the state then.

    Raises:
        NonFiniteLossError: a loss term became NaN or infinite; the message names the epoch and the term.
    """
    batches = TrainingBatches(training_split, settings.batch_size, augmentation, generator)
    progress = Progress()
    if state is not None:
        progress = Progress.from_state(state["progress"], generator.device)
        method.load_state_dict(state["method"])
        batches.load_state_dict(state["batches"])
    history = History(progress.rows)
    status: dict[str, float] = {}
    since = time.perf_counter()

    def count_seconds() -> None:
        nonlocal since
        now = time.perf_counter()
        progress.seconds, since = progress.seconds + now - since, now

    def current_state() -> State:
        count_seconds()
        return {"progress": progress.state_dict(), "method": method.state_dict(), "batches": batches.state_dict()}

    for epoch in epochs_with_progress(settings.epochs, len(training_split), title, status, progress.epoch):
        since = time.perf_counter()
        if progress.stage == "start":
            progress.stage = "preparation" if method.start_epoch(epoch, settings.epochs) else "steps"
        if progress.stage == "preparation":
            for _ in preparation(method, batches, progress.prepared):
                after_step(current_state)
            batches.start_over()
            progress.stage = "steps"
            if progress.prepared:
                history.add(epoch, "masker", mean_terms(progress.prepared[-10:]))
                area = float(progress.prepared[-1]["mask_area"])
                LOG.info("%s: %d masker steps alone, mask area %.3f", title, len(progress.prepared), area)
        for batch in batches:
            progress.taken.append(method.step(batch))
            progress.seen += len(batch.labels)
            after_step(current_state)
        terms = mean_terms(progress.taken)
        count_seconds()
        history.add(epoch, method.phase, terms)
        validation = validate(method, validation_split)
        history.add(epoch, method.phase, validation)
        accuracy = validation["validation_accuracy"]
        status.update(loss=terms["total"], validation_accuracy=accuracy)
        if epoch > settings.eligible_from * settings.epochs and accuracy >= progress.best[0]:
            states = {name: copy.deepcopy(network.state_dict()) for name, network in method.networks.items()}
            progress.best = (accuracy, epoch, method.phase, states)
        progress.epoch, progress.stage, progress.prepared, progress.taken = epoch + 1, "start", [], []

    accuracy, selected, phase, states = progress.best
    failures = history.failures()
    for failure in failures:
        LOG.warning("%s: %s in epoch %d: %s", title, failure.name, failure.epoch, failure.detail)
    states = {name: {key: tensor.cpu() for key, tensor in own.items()} for name, own in states.items()}
    return Trained(states, history, failures, selected, phase, accuracy, progress.seen / progress.seconds)


def preparation(method: Method, batches: Iterable[Batch], steps: list[Terms]) -> Iterator[None]:
    """Take ``method``'s steps before an epoch's own, on one pass of ``batches`` after the other; yield after each.

    Args:
        method: after its ``start_epoch``, which has asked for them.
        batches: a pass each time.
        steps: what they reported; grows.
    """
    for batch in chain.from_iterable(repeat(batches)):
        if method.is_prepared(steps):
            return
        steps.append(method.prepare(batch))
        yield


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


def _stacked(steps: list[Terms]) -> Mapping[str, Tensor]:
    """Return the terms of all steps by name: a file holds a few tensors sooner than thousands of numbers."""
    return {name: torch.stack([step[name] for step in steps]) for name in (steps[0] if steps else ())}


def _unstacked(terms: Mapping[str, Tensor], device: torch.device) -> list[Terms]:
    columns = {name: values.to(device).unbind() for name, values in terms.items()}
    return [dict(zip(columns, values)) for values in zip(*columns.values())]
