"""Insertion AUC."""

import torch
from torch import Tensor

from align.imaging.blur import REFERENCE_SIDE, gaussian_blur
from align.metrics.base import Explained, Values
from align.metrics.faithfulness.perturbation import curve_counts, curve_mean, perturbed_confidence, unchanged


def insertion_auc(explained: Explained) -> dict[str, Values]:
    """Return the mean probability of the predicted class while a blurred image gets its most salient pixels back.

    RISE, arXiv:1806.07421; the blur and the steps are those of DRE (arXiv:2303.16390).
    """
    sigma = explained.settings.blur * explained.images.shape[-2] / REFERENCE_SIDE
    *counts, _ = curve_counts(explained)
    confidences = perturbed_confidence(explained, counts, top=unchanged, rest=lambda images: blurred(images, sigma))
    return curve_mean(explained, "insertion_auc", torch.column_stack([confidences, explained.confidence]))


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Return ``images`` (n×3×H×W) after a Gaussian of ``sigma`` pixels, cut off at one σ as DRE's 11 pixels for σ = 5 are."""
    return gaussian_blur(images, sigma, max(1, round(sigma)))
