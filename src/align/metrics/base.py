"""What a metric is given, and what it gives."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from align.imaging.resizing import resized
from align.metrics.settings import EvaluationSettings


class Aggregate(NamedTuple):
    """A value of ``n`` images together, for metrics that have no value per image."""

    value: float
    n: int


Values = Tensor | Aggregate
"""One value per image (N), NaN where it is undefined, or one value of all of them."""


class Pairs(NamedTuple):
    """Images of a target domain, n of its N, that show the same objects as test images of a source domain.

    Attributes:
        indices: which of the N: n.
        labels: n.
        probabilities: p(x) of the target's images: n×K.
        source_probabilities: p(x′) of the source's: n×K.
        input_distances: ‖x − x′‖₂ of what the network takes: n.
    """

    indices: Tensor
    labels: Tensor
    probabilities: Tensor
    source_probabilities: Tensor
    input_distances: Tensor

    @property
    def output_distances(self) -> Tensor:
        """‖p(x) − p(x′)‖₂: n."""
        distances: Tensor = torch.linalg.vector_norm(self.probabilities - self.source_probabilities, dim=1)
        return distances


@dataclass(frozen=True, eq=False)
class Explained:
    """One model's predictions and explanations of one target domain's N test images, all on one device.

    Attributes:
        images: N×3×H×W, normalised as the network takes them.
        labels: N, int64.
        probabilities: N×K, softmax.
        saliency: N×h×w, not negative: maps of the predicted classes.
        class_saliency: N×h×w, not negative: maps of the true classes.
        ground_truth: N×H×W, uint8: 1 object, 0 not, 255 everywhere in an image without ground truth; None: no image has any.
        learned_mask: N×H×W in [0, 1]; None: the method learns no mask.
        pairs: the same objects on a source domain's background; None: not known, or this is that domain.
        predict: images to probabilities in evaluation mode, without gradients.
        batch_size: the most images that ``predict`` is given at once.
        settings: what is measured, and how finely.
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

    @property
    def pixels(self) -> int:
        """H·W."""
        return self.images[0, 0].numel()

    @cached_property
    def predicted(self) -> Tensor:
        """Predicted classes: N."""
        return self.probabilities.argmax(dim=1)

    @cached_property
    def ground_truth_area(self) -> Tensor | None:
        """Share of each image that is the object, NaN where none is known: N; None: no image has ground truth."""
        if self.ground_truth is None:
            return None
        areas = in_batches(lambda masks: (masks == 1).float().mean(dim=(1, 2)), self.ground_truth, size=self.batch_size)
        return torch.where(areas > 0, areas, torch.nan)

    @cached_property
    def drawn(self) -> Tensor:
        """Indices of the n images on which faithfulness is measured, evenly spread over all: n."""
        total = len(self.images)
        n = min(total, self.settings.images_per_target or total)
        return torch.arange(n, device=self.images.device) * total // n

    @cached_property
    def ranks(self) -> Tensor:
        """Rank of every pixel of the drawn images, 0 the most salient: n×1×H×W, int32.

        Maps are resized before they are ranked, so that pixels tie only where a map is flat; ties keep the reading order.
        """
        size = self.images.shape[-2:]
        return in_batches(
            lambda indices: descending_ranks(resized(self.saliency[indices], size)).unsqueeze(1), self.drawn, size=self.batch_size
        )

    @cached_property
    def confidence(self) -> Tensor:
        """Probability p_j(x) of the predicted class, of the drawn images: n."""
        return self.of_predicted(self.probabilities[self.drawn], self.drawn)

    @cached_property
    def null_confidence(self) -> Tensor:
        """Probability p_j(0) of the predicted class when nothing is shown, of the drawn images: n.

        The empty image is the same for all of them, so that this costs one forward of one image.
        """
        return self.predict(torch.zeros_like(self.images[:1]))[0, self.predicted[self.drawn]]

    @cached_property
    def perturbed(self) -> dict[tuple[Hashable, ...], Tensor]:
        """What was predicted of the drawn images so far, by how they were perturbed: see ``faithfulness.perturbation``."""
        return {}

    def of_predicted(self, probabilities: Tensor, indices: Tensor) -> Tensor:
        """Return the predicted classes' column of ``probabilities`` (n×K) of the images at ``indices`` (n)."""
        return probabilities.gather(1, self.predicted[indices].unsqueeze(1)).squeeze(1)

    def among_all(self, values: Tensor, indices: Tensor) -> Tensor:
        """Return ``values`` (n) of the images at ``indices`` (n) as one value per image (N), NaN for the others."""
        return values.new_full((len(self.images),), torch.nan).index_copy(0, indices, values)


Metric = Callable[[Explained], dict[str, Values]]
"""Values by name; nothing where the metric does not apply."""


def in_batches(function: Callable[..., Tensor], *tensors: Tensor, size: int) -> Tensor:
    """Return ``function`` of ``size`` rows of ``tensors`` at a time, concatenated."""
    return torch.cat([function(*rows) for rows in zip(*(torch.split(tensor, size) for tensor in tensors))])


def descending_ranks(maps: Tensor) -> Tensor:
    """Return every pixel's rank in its map (n×H×W), 0 for the largest value, ties in reading order: n×H×W, int32."""
    order = maps.flatten(1).argsort(dim=1, descending=True, stable=True)
    positions = torch.arange(order.shape[1], dtype=torch.int32, device=maps.device).expand_as(order)
    return torch.zeros_like(order, dtype=torch.int32).scatter_(1, order, positions).view_as(maps)
