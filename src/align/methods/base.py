"""What every training method shares: named loss terms, their weighted sum, one optimiser step."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from align.configuration.schema import Training
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


class Method(ABC):
    """A way to train a classifier.

    A method gives :meth:`losses` and their :attr:`weights`; all else is the same for all methods.

    Args:
        classifier: what is trained, on its device.
        settings: the method's hyper-parameters, from ``align.methods.settings``.
        training: optimiser settings, the same for all methods.
        generator: all random numbers of the method, on the classifier's device.
    """

    phase = "train"

    def __init__(self, classifier: Classifier, settings: Any, training: Training, generator: torch.Generator) -> None:
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

    def start_epoch(self, epoch: int, epochs: int, batches: Callable[[], Iterator[Batch]]) -> list[dict[str, Tensor]]:
        """Get ready for ``epoch`` (from 1) of ``epochs``; ``batches()`` passes over the training split.

        Returns:
            The loss terms of each step that was taken before the epoch's own, if any.
        """
        return []

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


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """Return Σ weight · term, each scalar term with the weight of its name."""
    return torch.stack([weights[name] * term for name, term in terms.items()]).sum()


def minimise(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    """Take one step of ``optimiser`` down the gradient of the scalar ``loss``."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
