"""The training loop, the same for every method: epochs, validation, and the choice of the best epoch."""

import copy
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from align.methods.base import Batch, Failure, Method
from align.training.batches import TrainingBatches
from align.training.history import History, mean_terms
from align.training.images import Images
from align.training.progress import epochs_with_progress
from align.training.settings import TrainingSettings

LOG = logging.getLogger("align")
VALIDATION_BATCH = 256
REPORTED_STEPS = 10  # of a preparation: the mean of the last ones is its row in the history

Terms = dict[str, Tensor]  # a step's loss terms, scalars by name
State = dict[str, Any]  # plain values and tensors, as torch.load takes them with weights_only
AfterStep = Callable[[Callable[[], State]], None]


def do_nothing(current_state: Callable[[], State]) -> None:
    """Do nothing after a step."""


class Interruption(NamedTuple):
    """How a run may be interrupted and go on.

    Attributes:
        state: the state that an interrupted run with the same settings has left. None if the run begins.
        after_step: called after every step, with a function that returns the state at that moment.
    """

    state: State | None = None
    after_step: AfterStep = do_nothing


class Trained(NamedTuple):
    """What a run leaves behind."""

    states: dict[str, dict[str, Tensor]]
    history: History
    failures: list[Failure]
    selected_epoch: int
    selected_phase: str
    validation_accuracy: float
    images_per_second: float


class Best(NamedTuple):
    """The epoch with the best validation accuracy so far, and its networks."""

    accuracy: float = -1.0
    epoch: int = 0
    phase: str = ""
    states: dict[str, Any] = {}  # noqa: RUF012 (never changed)


@dataclass
class Progress:
    """The progress of a run. The rest of the run depends on it and on the states of the method and of the batches only.

    Attributes:
        epoch: the present epoch, from 1.
        stage: what comes next in it: its ``start``, the method's ``preparation``, or its own ``steps``.
        prepared: what each step of the preparation reported.
        steps: what each of the epoch's own steps reported.
        rows: the rows of the history.
        best: the epoch that would be selected now.
        images: number of images that the steps so far were taken on.
        seconds: time that they took.
    """

    epoch: int = 1
    stage: str = "start"
    prepared: list[Terms] = field(default_factory=list)
    steps: list[Terms] = field(default_factory=list)
    rows: list[tuple[int, str, str, float]] = field(default_factory=list)
    best: Best = field(default_factory=Best)
    images: int = 0
    seconds: float = 0.0

    def state_dict(self) -> State:
        """Return the attributes. The terms of many steps become one tensor per name."""
        return vars(self) | {"prepared": _stacked(self.prepared), "steps": _stacked(self.steps), "best": tuple(self.best)}

    @classmethod
    def from_state(cls, state: State, device: torch.device) -> "Progress":
        """Return the progress whose :meth:`state_dict` is ``state``, with the terms on ``device``."""
        terms = {key: _unstacked(state[key], device) for key in ("prepared", "steps")}
        return cls(**state | terms | {"best": Best(*state["best"])})


class Trainer:
    """Trains one method, and keeps the networks of the epoch with the best validation accuracy.

    Args:
        method: holds the networks, on the device of the images.
        batches: what the method learns from.
        validation: the images on which the epoch is selected, without augmentation. Of equally good epochs, the last is selected.
        settings: number of epochs, and the epoch from which one may be selected.
        title: names the run in the log.
        interruption: the state to go on from, and what happens after each step.
    """

    def __init__(
        self,
        method: Method,
        batches: TrainingBatches,
        validation: Images,
        settings: TrainingSettings,
        title: str = "training",
        interruption: Interruption | None = None,
    ) -> None:
        self.method, self.batches, self.validation, self.settings, self.title = method, batches, validation, settings, title
        state, self.after_step = interruption or Interruption()
        self.progress = Progress()
        if state is not None:
            self.progress = Progress.from_state(state["progress"], batches.generator.device)
            method.load_state_dict(state["method"])
            batches.load_state_dict(state["batches"])
        self.history = History(self.progress.rows)
        self._since = time.perf_counter()

    def train(self) -> Trained:
        """Train until the last epoch. A restored run goes on from its state.

        Raises:
            NonFiniteLossError: a loss term became NaN or infinite. The message names the epoch and the term.
        """
        status: dict[str, float] = {}  # the values that the progress bar shows
        images = len(self.batches.split)
        for epoch in epochs_with_progress(self.settings.epochs, images, self.title, status, self.progress.epoch):
            self._since = time.perf_counter()
            self._prepare(epoch)
            total = self._take_steps(epoch)
            accuracy = self._validate(epoch)
            status.update(loss=total, validation_accuracy=accuracy)
            self._finish_epoch(epoch, accuracy)
        return self._trained()

    def current_state(self) -> State:
        """Return everything that the rest of the run depends on."""
        self._count_seconds()
        return {
            "progress": self.progress.state_dict(),
            "method": self.method.state_dict(),
            "batches": self.batches.state_dict(),
        }

    def _prepare(self, epoch: int) -> None:
        """Take the method's steps that come before the epoch's own. They may need several passes over the images."""
        progress, method = self.progress, self.method
        if progress.stage == "start":
            progress.stage = "preparation" if method.start_epoch(epoch, self.settings.epochs) else "steps"
        if progress.stage == "steps":
            return
        for _ in preparation_steps(method, self.batches, progress.prepared):
            self.after_step(self.current_state)
        self.batches.start_over()
        progress.stage = "steps"
        if progress.prepared:
            terms = mean_terms(progress.prepared[-REPORTED_STEPS:])
            self.history.add(epoch, method.preparation, terms)
            reported = ", ".join(f"{name} {value:.3g}" for name, value in terms.items())
            LOG.info("%s: %d steps that train only the %s; %s", self.title, len(progress.prepared), method.preparation, reported)

    def _take_steps(self, epoch: int) -> float:
        """Take the epoch's own steps. Return the mean total loss."""
        for group in self.method.optimiser.param_groups:
            group["lr"] = self.method.learning_rate * self.settings.share_of_rate(epoch)
        for batch in self.batches:
            self.progress.steps.append(self.method.step(batch))
            self.progress.images += len(batch.labels)
            self.after_step(self.current_state)
        terms = mean_terms(self.progress.steps)
        self._count_seconds()
        self.history.add(epoch, self.method.phase, terms)
        return terms["total"]

    def _validate(self, epoch: int) -> float:
        """Record the quantities that are measured on the validation images. Return the accuracy."""
        values = validate(self.method, self.validation)
        self.history.add(epoch, self.method.phase, values)
        self.method.observe(values)
        return values["validation_accuracy"]

    def _finish_epoch(self, epoch: int, accuracy: float) -> None:
        """Keep the networks if no epoch before was better, and make ready for the next epoch."""
        progress, method = self.progress, self.method
        if epoch > self.settings.eligible_from * self.settings.epochs and accuracy >= progress.best.accuracy:
            states = {name: copy.deepcopy(network.state_dict()) for name, network in method.networks.items()}
            progress.best = Best(accuracy, epoch, method.phase, states)
        progress.epoch, progress.stage, progress.prepared, progress.steps = epoch + 1, "start", [], []

    def _trained(self) -> Trained:
        best, progress = self.progress.best, self.progress
        failures = self.method.failures(self.history.by_name())
        for failure in failures:
            LOG.warning("%s: %s in epoch %d: %s", self.title, failure.name, failure.epoch, failure.detail)
        states = {name: {key: tensor.cpu() for key, tensor in state.items()} for name, state in best.states.items()}
        images_per_second = progress.images / progress.seconds
        return Trained(states, self.history, failures, best.epoch, best.phase, best.accuracy, images_per_second)

    def _count_seconds(self) -> None:
        now = time.perf_counter()
        self.progress.seconds, self._since = self.progress.seconds + now - self._since, now


def preparation_steps(method: Method, batches: Iterable[Batch], reported: list[Terms]) -> Iterator[None]:
    """Take the steps that ``method`` wants before an epoch's own, and yield after each.

    Args:
        method: the method. Its ``start_epoch`` has returned that such steps come first.
        batches: one pass over the images, which is repeated as often as it takes.
        reported: what the steps reported. The list grows.
    """
    for batch in chain.from_iterable(repeat(batches)):
        if method.is_prepared(reported):
            return
        reported.append(method.prepare(batch))
        yield


@torch.no_grad()
def validate(method: Method, split: Images) -> dict[str, float]:
    """Return accuracy and macro accuracy on ``split``, without augmentation, and the means of what the method watches there."""
    method.classifier.eval()
    values: dict[str, list[Tensor]] = {}
    everything = torch.arange(len(split), device=split.labels.device)
    for part in split.parts(everything.split(VALIDATION_BATCH)):
        batch = part.batch()
        features = method.classifier.features(method.view(batch))
        correct = method.classifier.classify(features).argmax(1) == batch.labels
        for name, value in {"validation_accuracy": correct.float(), **method.diagnose(batch, features)}.items():
            values.setdefault(name, []).append(value)
    method.classifier.train()
    together = {name: torch.cat(parts) for name, parts in values.items()}
    of_class = F.one_hot(split.labels).float()  # N×K
    means = {name: value.nanmean() for name, value in together.items()}
    means["validation_macro_accuracy"] = (together["validation_accuracy"] @ of_class / of_class.sum(0)).nanmean()
    numbers = torch.stack(list(means.values())).tolist()
    return {name: number for name, number in zip(means, numbers) if not math.isnan(number)}


def _stacked(steps: list[Terms]) -> Mapping[str, Tensor]:
    """Return the terms of all steps by name. A file holds a few tensors sooner than thousands of numbers."""
    return {name: torch.stack([step[name] for step in steps]) for name in (steps[0] if steps else ())}


def _unstacked(terms: Mapping[str, Tensor], device: torch.device) -> list[Terms]:
    columns = {name: values.to(device).unbind() for name, values in terms.items()}
    return [dict(zip(columns, values)) for values in zip(*columns.values())]
