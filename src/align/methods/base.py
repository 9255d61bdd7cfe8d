"""What every training method shares: named loss terms, their weighted sum, one optimiser step."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from align.methods.adam import Adam
from align.models.classifier import Classifier


class Batch(NamedTuple):
    """What a step is given.

    Attributes:
        images: normalised, N×3×H×W.
        labels: N.
        masks: given masks N×1×H×W in [0, 1], NaN where an image has none; None: the method asks for none.
        domains: which images are of which source domain, booleans D×N; None: there is one.
    """

    images: Tensor
    labels: Tensor
    masks: Tensor | None = None
    domains: Tensor | None = None


class OptimiserSettings(Protocol):
    """What a method is told of its optimiser; :class:`align.training.settings.TrainingSettings` has it."""

    @property
    def learning_rate(self) -> float:
        """Adam's step size."""

    @property
    def weight_decay(self) -> float:
        """Adam's weight decay."""


class Failure(NamedTuple):
    """A named failure, the epoch in which it was first seen, and the figures behind it."""

    name: str
    epoch: int
    detail: str


class Method(ABC):
    """A way to train a classifier.

    A method gives :meth:`losses` and their :attr:`weights`; all else is the same for all methods.

    Attributes:
        phase: of the training.
        remembered: names of the attributes that steps change, beside networks, optimisers and random numbers: an interrupted run
            goes on with their values.

    Args:
        classifier: what is trained, on its device.
        settings: the method's hyper-parameters, from ``align.methods.settings``.
        training: optimiser settings, the same for all methods.
        generator: all random numbers of the method, on the classifier's device.
    """

    phase = "train"
    remembered: ClassVar[tuple[str, ...]] = ()

    def __init__(self, classifier: Classifier, settings: Any, training: OptimiserSettings, generator: torch.Generator) -> None:
        self.classifier = classifier
        self.settings = settings
        self.training = training
        self.generator = generator

    @cached_property  # a network that is only evaluated needs none
    def optimiser(self) -> Adam:
        """Return Adam over the classifier, with the settings that all methods share."""
        weights, settings = self.classifier.parameters(), self.training
        return Adam(weights, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        return {"classification": 1.0}

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the classifier's loss terms by name, unweighted scalars."""

    def start_epoch(self, epoch: int, epochs: int) -> bool:
        """Get ready for ``epoch`` (from 1) of ``epochs``; return whether :meth:`prepare` comes before the epoch's own steps."""
        return False

    def is_prepared(self, steps: Sequence[Mapping[str, Tensor]]) -> bool:
        """Return whether the epoch's own steps may begin, by what the ``steps`` of :meth:`prepare` have reported."""
        return True

    def prepare(self, batch: Batch) -> dict[str, Tensor]:
        """Take a step before the epoch's own and return its loss terms, detached."""
        raise NotImplementedError(f"{type(self).__name__} prepares nothing")

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Take one optimiser step on a batch and return its loss terms and their ``total``, detached."""
        terms = self.losses(batch)
        total = weighted_sum(terms, self.weights)
        minimise(total, self.optimiser)
        return {name: term.detach() for name, term in (*terms.items(), ("total", total))}

    def view(self, batch: Batch) -> Tensor:
        """Return the images as the classifier is shown them, N×3×H×W, in training and when it is tested."""
        return batch.images

    def mask(self, batch: Batch) -> Tensor | None:
        """Return the method's masks N×H×W, learned or given, None where it has none."""
        return None

    def diagnose(self, batch: Batch, features: Tensor) -> dict[str, Tensor]:
        """Return quantities N by name that are watched on validation images with these ``features``, NaN where undefined."""
        return {}

    @property
    def networks(self) -> dict[str, nn.Module]:
        """Return what a checkpoint holds, by name."""
        return {"classifier": self.classifier}

    @property
    def optimisers(self) -> dict[str, Adam]:
        """Return the optimisers by name."""
        return {"classifier": self.optimiser}

    def state_dict(self) -> dict[str, Any]:
        """Return all that the coming steps depend on."""
        return {
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "generator": self.generator.get_state(),
            "remembered": {name: getattr(self, name) for name in self.remembered},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another of the same settings was when it returned ``state``."""
        for name, network in self.networks.items():
            network.load_state_dict(state["networks"][name])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.generator.set_state(state["generator"])
        for name, value in state["remembered"].items():
            setattr(self, name, value.to(self.generator.device) if isinstance(value, Tensor) else value)


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return Σ weight · term, each scalar term with the weight of its name."""
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


def minimise(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """Take one step of ``optimiser`` down the gradient of the scalar ``loss``."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
