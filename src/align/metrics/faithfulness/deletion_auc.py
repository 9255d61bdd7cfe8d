"""Deletion AUC."""

import torch

from align.metrics.base import Explained, Values
from align.metrics.faithfulness.perturbation import curve_counts, curve_mean, empty, perturbed_confidence, unchanged


def deletion_auc(explained: Explained) -> dict[str, Values]:
    """Return the mean probability of the predicted class while an image loses its most salient pixels; lower is better.

    RISE, arXiv:1806.07421.
    """
    _, *counts, _ = curve_counts(explained)
    confidences = perturbed_confidence(explained, counts, top=empty, rest=unchanged)
    curve = torch.column_stack([explained.confidence, confidences, explained.null_confidence])
    return curve_mean(explained, "deletion_auc", curve)
