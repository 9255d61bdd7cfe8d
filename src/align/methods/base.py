"""The base class of all training methods: named loss terms, their weighted sum, and one optimiser step."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from align.methods.adam import Adam
from align.methods.settings import MethodSettings
from align.models.classifier import Classifier


class Batch(NamedTuple):
    """The images of one step.

    Attributes:
        images: normalised, N×3×H×W.
        labels: N.
        given_masks: soft masks that the method is given and does not learn, N×1×H×W in [0, 1], NaN for an image without a mask.
            None if the method is given no masks.
        domains: which image belongs to which source domain, booleans D×N. None if there is one source domain.
        plain: the images before augmentation and normalisation, N×3×H×W in [0, 1].
    """

    images: Tensor
    labels: Tensor
    given_masks: Tensor | None = None
    domains: Tensor | None = None
    plain: Tensor | None = None


class OptimiserSettings(Protocol):
    """The settings of an optimiser. :class:`align.training.settings.TrainingSettings` has them."""

    @property
    def learning_rate(self) -> float:
        """Adam's step size."""

    @property
    def weight_decay(self) -> float:
        """Adam's weight decay."""


class Failure(NamedTuple):
    """A failure of a run: its name, the first epoch that shows it, and the numbers behind it."""

    name: str
    epoch: int
    detail: str


class Method(ABC):
    """A way to train a classifier.

    A method gives its :meth:`losses` and their :attr:`weights`. Everything else has a default.

    A subclass that has hyper-parameters annotates ``settings`` with their class: jobs read the class from there.

    Attributes:
        phase: the present phase of the training, as the history names it.
        preparation: what trains in :meth:`prepare`, as the history names it.
        remembered: names of the attributes that steps change, besides networks, optimisers and random numbers. They are saved, so
            that an interrupted run goes on with their values.

    Args:
        classifier: the network that is trained, on its device.
        settings: the hyper-parameters of the method.
        training: the settings of the optimiser, the same for all methods.
        generator: source of all random numbers of the method, on the classifier's device.
    """

    settings: MethodSettings
    phase = "train"
    preparation: ClassVar[str] = "preparation"
    remembered: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, classifier: Classifier, settings: MethodSettings, training: OptimiserSettings, generator: torch.Generator
    ) -> None:
        self.classifier = classifier
        self.settings = settings
        self.training = training
        self.generator = generator

    @property
    def learning_rate(self) -> float:
        """Return Adam's step size at the start of training: the method's own, or else that of ``training``."""
        return self.settings.learning_rate or self.training.learning_rate

    @cached_property  # a network that is only evaluated needs none
    def optimiser(self) -> Adam:
        """Return Adam over the classifier."""
        weight_decay = self.training.weight_decay
        return Adam(self.classifier.parameters(), lr=self.learning_rate, weight_decay=weight_decay, fused=True)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        return {"classification": 1.0}

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the classifier's loss terms by name. They are scalars without their weights."""

    def start_epoch(self, epoch: int, epochs: int) -> bool:
        """Begin ``epoch`` (from 1) of ``epochs``. Return whether steps of :meth:`prepare` come before the epoch's own."""
        return False

    def is_prepared(self, steps: Sequence[Mapping[str, Tensor]]) -> bool:
        """Return whether the epoch's own steps may begin.

        Args:
            steps: the terms that each step of :meth:`prepare` returned.
        """
        return True

    def prepare(self, batch: Batch) -> dict[str, Tensor]:
        """Take a step that comes before the epoch's own. Return its loss terms, detached."""
        raise NotImplementedError(f"{type(self).__name__} prepares nothing")

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one optimiser step on a batch. Return its loss terms and their ``total``, detached."""
        terms = self.losses(batch)
        total = weighted_sum(terms, self.weights)
        minimise(total, self.optimiser)
        return {name: term.detach() for name, term in (*terms.items(), ("total", total))}

    def view(self, batch: Batch) -> Tensor:
        """Return the images that the classifier sees in training and in tests, N×3×H×W."""
        return batch.images

    def used_masks(self, batch: Batch) -> Tensor | None:
        """Return the masks N×H×W that the method has learned or is given. None if it uses no masks."""
        return None

    def diagnose(self, batch: Batch, features: Tensor) -> dict[str, Tensor]:
        """Return the quantities that the method watches on validation images, by name.

        Args:
            batch: N validation images.
            features: the classifier's last feature maps of these images, N×C×h×w.

        Returns:
            N values for each quantity. An undefined value is NaN.
        """
        return {}

    def observe(self, values: Mapping[str, float]) -> None:  # noqa: B027 (a default, not an abstract method)
        """Take note of what was measured on the validation images after an epoch. Most methods need none of it.

        Args:
            values: the mean of each quantity by name, with ``validation_accuracy``. One that is undefined everywhere is missing.
        """

    def failures(self, history: Mapping[str, Mapping[int, float]]) -> list[Failure]:
        """Return the failures of a finished run.

        Args:
            history: the values of each quantity by epoch.
        """
        return []

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Return the networks that a checkpoint holds, by name."""
        return {"classifier": self.classifier}

    @property
    def optimisers(self) -> dict[str, Adam]:
        """Return the optimisers by name."""
        return {"classifier": self.optimiser}

    def state_dict(self) -> dict[str, Any]:
        """Return the state that later steps depend on."""
        return {
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "generator": self.generator.get_state(),
            "remembered": {name: getattr(self, name) for name in self.remembered},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, which a method with the same settings has returned."""
        for name, network in self.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.generator.set_state(state["generator"])
        for name, value in state["remembered"].items():
            setattr(self, name, _moved(value, self.generator.device))


def _moved(value: Any, device: torch.device) -> Any:
    """Return ``value`` with its tensors on ``device``."""
    if isinstance(value, dict):
        return {key: _moved(entry, device) for key, entry in value.items()}
    return value.to(device) if isinstance(value, Tensor) else value


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return Σ weight · term. Each scalar term has the weight of its name."""
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


def minimise(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """Take one step of ``optimiser`` down the gradient of the scalar ``loss``."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
