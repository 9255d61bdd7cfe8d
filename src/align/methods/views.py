"""Forward passes of several views of a batch, such as clean and changed images."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from align.models.classifier import Classifier


def view_features(classifier: Classifier, views: Sequence[Tensor], passes: Literal["separate", "shared"]) -> tuple[Tensor, ...]:
    """Return the last feature maps of each view.

    Args:
        classifier: in training mode, its batch normalisation uses the statistics of each pass.
        views: normalised images, each N×3×H×W with an N of its own.
        passes: ``forward_passes`` of :class:`align.methods.settings.ViewSettings`.

    Returns:
        Feature maps N×C×h×w of each view.
    """
    if passes == "separate":
        return tuple(classifier.features(images) for images in views)
    features: tuple[Tensor, ...] = classifier.features(torch.cat(list(views))).split([len(images) for images in views])
    return features
