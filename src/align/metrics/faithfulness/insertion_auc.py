"""Insertion AUC."""

import torch
from torch import Tensor

from align.imaging.blur import REFERENCE_SIDE
from align.metrics.base import Explained, Values
from align.metrics.faithfulness.perturbation import curve_counts, curve_mean, perturbed_confidence, unchanged


def insertion_auc(explained: Explained) -> dict[str, Values]:
    """Return the mean probability of the predicted class while a blurred image gets its most salient pixels back.

    RISE, arXiv:1806.07421. The blur, the steps and the mean are those of DRE's code (arXiv:2303.16390), which calls this AUC. The
    blur scales with the image's side.
    """
    sigma = explained.settings.blur * explained.images.shape[-2] / REFERENCE_SIDE
    *counts, _ = curve_counts(explained)
    confidences = perturbed_confidence(explained, counts, top=unchanged, rest=lambda images: blurred(images, sigma))
    return curve_mean(explained, "insertion_auc", torch.column_stack([confidences, explained.confidence]))


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Return ``images`` (n×3×H×W) as RISE and DRE blur them: with a window of 11×11 pixels for σ = 5.

    The window is a point at its middle after a Gaussian that the window's borders reflect, so it is nearly a mean. Beyond its
    border an image is zero. For other σ the window has 2·round(σ) + 1 pixels a side, at least 3.
    """
    window = _reflected_gaussian(sigma, max(1, round(sigma)), images)
    vertical, horizontal = (_sliding(window, side) for side in images.shape[-2:])
    return vertical @ images @ horizontal.T


def _reflected_gaussian(sigma: float, radius: int, like: Tensor) -> Tensor:
    """Return a Gaussian on 2·radius + 1 pixels, onto which the borders reflect what is beyond them. It sums to 1."""
    length, reach = 2 * radius + 1, int(4 * sigma + 0.5)
    offsets = torch.arange(-reach, reach + 1, device=like.device)
    tail = (-0.5 * (offsets.to(like.dtype) / sigma).square()).exp()
    places = (offsets + radius) % (2 * length)
    inside = torch.minimum(places, 2 * length - 1 - places)
    return like.new_zeros(length).scatter_add_(0, inside, tail / tail.sum())


def _sliding(window: Tensor, side: int) -> Tensor:
    """Return the matrix S×S that takes a line of S = ``side`` pixels to its sums weighted by a window around each pixel."""
    radius = len(window) // 2
    padded = window.new_zeros(side, side + 2 * radius)
    places = torch.arange(side, device=window.device)[:, None] + torch.arange(len(window), device=window.device)
    return padded.scatter_(1, places, window.expand(side, -1))[:, radius : radius + side]
