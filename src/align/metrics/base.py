"""The input of a metric, and its output."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from align.errors import InputError
from align.imaging.resizing import resized
from align.imaging.scaling import is_flat
from align.metrics.settings import EvaluationSettings


class Aggregate(NamedTuple):
    """A value of ``n`` images together, for metrics that have no value for each image. An undefined one is NaN of 0 images."""

    value: float
    n: int


UNDEFINED = Aggregate(math.nan, 0)

Values = Tensor | Aggregate
"""One value for each image (N), NaN where it is undefined, or one value for all images together."""


class Pairs(NamedTuple):
    """Pairs of images that show the same object, one in a target domain (x) and one in a source domain (x′).

    Attributes:
        indices: n, the positions of the pairs' images among the N images of the target domain.
        labels: n.
        probabilities: n×K, p(x).
        source_probabilities: n×K, p(x′).
        input_distances: n, ‖x − x′‖₂ of the images as the network takes them.
    """

    indices: Tensor
    labels: Tensor
    probabilities: Tensor
    source_probabilities: Tensor
    input_distances: Tensor

    @property
    def output_distances(self) -> Tensor:
        """n, ‖p(x) − p(x′)‖₂."""
        distances: Tensor = torch.linalg.vector_norm(self.probabilities - self.source_probabilities, dim=1)
        return distances


@dataclass(frozen=True, eq=False)
class Explained:
    """One model's predictions and explanations of the N test images of one target domain, all on one device.

    Attributes:
        images: N×3×H×W, normalised as the network takes them.
        labels: N, int64.
        probabilities: N×K, softmax.
        saliency: N×h×w, not negative; the maps of the predicted classes.
        class_saliency: N×h×w, not negative; the maps of the true classes.
        ground_truth: N×H×W, uint8: 1 for the object, 0 for the rest, 255 everywhere in an image without ground truth. None where
            no image has ground truth.
        learned_mask: N×H×W in [0, 1]; None for a method that learns no mask.
        pairs: the same objects on the background of a source domain; None where no pair is known, and for that domain itself.
        predict: gives the probabilities of images in evaluation mode, without gradients.
        batch_size: the largest number of images that ``predict`` takes at once.
        settings: what is measured, and how finely.
        paths: N names of the images, for messages; without them, images are named by their position.
    """

    images: Tensor
    labels: Tensor
    probabilities: Tensor
    saliency: Tensor
    class_saliency: Tensor
    ground_truth: Tensor | None
    learned_mask: Tensor | None
    pairs: Pairs | None
    predict: Callable[[Tensor], Tensor]
    batch_size: int
    settings: EvaluationSettings
    paths: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse values that are no numbers: their order, and so every metric, would be arbitrary.

        Raises:
            InputError: a probability or a value of a saliency map is NaN or infinite.
        """
        everything = torch.arange(len(self.labels))
        self.require_finite("probability", self.probabilities, everything)
        for maps in (self.saliency, self.class_saliency):
            self.require_finite("saliency map", maps, everything)

    def require_finite(self, what: str, values: Tensor, indices: Tensor) -> None:
        """Check that values (n×…) of the images at ``indices`` (n) are numbers.

        Raises:
            InputError: a value is NaN or infinite. The message says what it is of, and names the first such image.
        """
        finite = values.flatten(1).isfinite().all(dim=1)
        if finite.all():
            return
        broken = indices.to(finite.device)[~finite].tolist()
        first = self.paths[broken[0]] if self.paths else f"number {broken[0]} (from 0)"
        raise InputError(
            f"found a {what} that is NaN or infinite for {len(broken)} of {len(finite)} images, the first {first}, expected "
            "finite numbers; remove the checkpoint, and train again with a lower training.learning_rate or with "
            "training.precision: float32"
        )

    @property
    def pixels(self) -> int:
        """H·W."""
        return self.images[0, 0].numel()

    @cached_property
    def predicted(self) -> Tensor:
        """N, the predicted classes."""
        return self.probabilities.argmax(dim=1)

    @cached_property
    def ground_truth_area(self) -> Tensor | None:
        """N, the object's share of each image, NaN where it is not known; None where no image has ground truth."""
        if self.ground_truth is None:
            return None
        areas = in_batches(lambda truth: (truth == 1).float().mean(dim=(1, 2)), self.ground_truth, size=self.batch_size)
        return torch.where(areas > 0, areas, torch.nan)

    @cached_property
    def sampled(self) -> Tensor:
        """n, the indices of the sampled images, on which faithfulness is measured; they are evenly spread over all images."""
        total = len(self.images)
        n = min(total, self.settings.images_per_target or total)
        return torch.arange(n, device=self.images.device) * total // n

    @cached_property
    def ranks(self) -> Tensor:
        """n×1×H×W, int32: the rank of every pixel of the sampled images, 0 for the most salient one.

        Maps are resized before they are ranked, so that pixels tie only where a map is level. Ties keep the reading order. A map
        that is flat as a whole ranks no pixel: see :attr:`ranks_pixels`.
        """
        size = self.images.shape[-2:]
        return in_batches(
            lambda indices: descending_ranks(resized(self.saliency[indices], size)).unsqueeze(1),
            self.sampled,
            size=self.batch_size,
        )

    @cached_property
    def ranks_pixels(self) -> Tensor:
        """n, bool: whether the map of a sampled image is not flat. What depends on the order of its pixels is else undefined."""
        return ~is_flat(self.saliency[self.sampled])

    @cached_property
    def confidence(self) -> Tensor:
        """n, the probability p_j(x) of the predicted class, for the sampled images."""
        return self.predicted_probability(self.probabilities[self.sampled], self.sampled)

    @cached_property
    def null_confidence(self) -> Tensor:
        """n, the probability p_j(0) of the predicted class for an empty image, for the sampled images.

        The empty image is the same for all of them. So this takes one forward pass of one image.
        """
        return self.predict(torch.zeros_like(self.images[:1]))[0, self.predicted[self.sampled]]

    @cached_property
    def perturbed_confidences(self) -> dict[tuple[Hashable, ...], Tensor]:
        """The predictions for perturbed sampled images so far, by perturbation: see ``faithfulness.perturbation``."""
        return {}

    def predicted_probability(self, probabilities: Tensor, indices: Tensor) -> Tensor:
        """Return for each of the images at ``indices`` (n) the one of ``probabilities`` (n×K) of its predicted class: n."""
        return probabilities.gather(1, self.predicted[indices].unsqueeze(1)).squeeze(1)

    def scatter(self, values: Tensor, indices: Tensor) -> Tensor:
        """Return ``values`` (n) of the images at ``indices`` (n) as one value for each image (N), NaN for the others."""
        return values.new_full((len(self.images),), torch.nan).index_copy(0, indices, values)


Metric = Callable[[Explained], dict[str, Values]]
"""Gives values by name; an empty dictionary where the metric does not apply."""


def in_batches(function: Callable[..., Tensor], *tensors: Tensor, size: int) -> Tensor:
    """Apply ``function`` to ``size`` rows of ``tensors`` at a time, and return its results, concatenated."""
    return torch.cat([function(*rows) for rows in zip(*(torch.split(tensor, size) for tensor in tensors))])


def descending_ranks(maps: Tensor) -> Tensor:
    """Return every pixel's rank in its map (n×H×W): 0 for the largest value, ties in reading order; n×H×W, int32."""
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    positions = torch.arange(order.shape[1], dtype=torch.int32, device=maps.device).expand_as(order)
    return torch.zeros_like(order, dtype=torch.int32).scatter_(1, order, positions).view_as(maps)
