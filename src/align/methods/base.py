"""What every training method shares: named loss terms, their weighted sum, one optimiser step."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from align.configuration.schema import Training
from align.models.classifier import Classifier


class Batch(NamedTuple):
    """Normalised images N×3×H×W and their labels N."""

    images: Tensor
    labels: Tensor


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
        self.generator = generator
        self.optimiser = torch.optim.Adam(classifier.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the weight of each loss term in the total."""
        return {"classification": 1.0}

    @abstractmethod
    def losses(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the classifier's loss terms by name, unweighted scalars, for normalised images N×3×H×W and labels N."""

    def start_epoch(self, epoch: int, epochs: int, batches: Callable[[], Iterator[Batch]]) -> list[dict[str, Tensor]]:
        """Get ready for ``epoch`` (from 1) of ``epochs``; ``batches()`` passes over the training split.

        Returns:
            The loss terms of each step that was taken before the epoch's own, if any.
        """
        return []

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Take one optimiser step on a batch and return its loss terms and their ``total``, detached."""
        terms = self.losses(images, labels)
        total = weighted_sum(terms, self.weights)
        minimise(total, self.optimiser)
        return {name: term.detach() for name, term in (*terms.items(), ("total", total))}

    def mask(self, images: Tensor) -> Tensor | None:
        """Return the masks N×H×W that the method has learned for normalised images, None where it has none."""
        return None

    def diagnose(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return quantities N by name that are watched on validation images."""
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
