"""A trained model's predictions and explanations of test images, from which all metrics are computed."""

from collections.abc import Callable

import torch
from torch import Tensor

from align.methods.base import Method
from align.metrics.base import Explained
from align.metrics.settings import EvaluationSettings
from align.models.classifier import Classifier
from align.models.inference import fuse_batch_normalisation
from align.preparation.packed import Packed
from align.training.images import on_device

# (classifier, images, features, labels) -> maps; see align.attribution.
Attribution = Callable[[Classifier, Tensor, Tensor, Tensor], Tensor]


def explain(
    method: Method, attribution: Attribution, packed: Packed, settings: EvaluationSettings, device: torch.device
) -> Explained:
    """Return a method's predictions, saliency maps and learned masks for the images of one target domain.

    Args:
        method: a trained method, in evaluation mode, on ``device``.
        attribution: gives the saliency maps.
        packed: the images, without augmentation.
        settings: the batch size, and the settings of the metrics.
        device: the device to compute on.

    Raises:
        InputError: a probability or a value of a saliency map is NaN or infinite. The message names the image.
    """
    predictor = fuse_batch_normalisation(method.classifier)
    split = on_device([packed], device)
    shape = (len(split.labels), 3, *split.images.shape[1:3])
    # Filled batch by batch: the images of a large domain take gigabytes, and concatenating a list would double that.
    images = torch.empty(shape, device=device, memory_format=torch.channels_last)
    parts, learned_masks = [], []
    for start in range(0, len(images), settings.batch_size):
        some = slice(start, start + settings.batch_size)
        batch = split.part(some).batch()
        images[some] = method.view(batch)
        parts.append(_explain_batch(method, attribution, images[some], batch.labels))
        learned_masks.append(method.used_masks(batch))
    probabilities, saliency, class_saliency = (torch.cat(column) for column in zip(*parts))
    return Explained(
        images=images,
        labels=split.labels,
        probabilities=probabilities,
        saliency=saliency,
        class_saliency=class_saliency,
        ground_truth=None if packed.ground_truth is None else torch.from_numpy(packed.ground_truth.copy()).to(device),
        learned_mask=torch.cat([mask for mask in learned_masks if mask is not None]) if learned_masks[0] is not None else None,
        pairs=None,
        predict=lambda some: predict(predictor, some),
        batch_size=settings.batch_size,
        settings=settings,
        paths=packed.paths,
    )


@torch.no_grad()
def predict(classifier: Classifier, images: Tensor) -> Tensor:
    """Return probabilities N×K of normalised images N×3×H×W."""
    probabilities: Tensor = classifier(images).softmax(1)
    return probabilities


@torch.no_grad()
def _explain_batch(method: Method, attribution: Attribution, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    features = method.classifier.features(images)
    probabilities = method.classifier.classify(features).softmax(1)
    saliency = attribution(method.classifier, images, features, probabilities.argmax(1))
    class_saliency = attribution(method.classifier, images, features, labels)
    return probabilities, saliency, class_saliency
