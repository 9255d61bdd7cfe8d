"""Mixup in attribution space, on pairs of the same class (DRE, arXiv:2303.16390, section 3; ALIGN's L_reg)."""

import torch
from torch import Tensor


def same_class_partners(labels: Tensor, generator: torch.Generator) -> Tensor:
    """Return for each of N labels the index of a random label of the same class. The indices are a permutation."""
    noise = torch.rand(len(labels), generator=generator, device=labels.device)
    shuffled = noise.argsort()
    shuffled = shuffled[labels[shuffled].argsort(stable=True)]
    return torch.empty_like(shuffled).scatter_(0, labels.argsort(stable=True), shuffled)


def mixing_ratios(count: int, beta: float, generator: torch.Generator) -> Tensor:
    """Draw ``count`` ratios from Beta(beta, beta)."""
    # torch.distributions.Beta makes the same call, but only with the global generator.
    concentration = torch.full((count, 2), beta, device=generator.device)
    return torch._sample_dirichlet(concentration, generator=generator)[:, 0]


def mix(values: Tensor, partners: Tensor, ratios: Tensor) -> Tensor:
    """Return λ·v + (1 − λ)·v′ for values v of shape N×…, N partner indices and N ratios λ."""
    return torch.lerp(values[partners], values, ratios.view(-1, *[1] * (values.dim() - 1)))


def mixture_distances(maps: Tensor, mixed_maps: Tensor, partners: Tensor, ratios: Tensor) -> Tensor:
    """Return for each of N images the mean absolute difference of g(x̃) and λ·g(x) + (1 − λ)·g(x′), maps of N×h×w.

    g is Grad-CAM at the last feature map, without ReLU and scaled to [0, 1] per image.
    """
    return (mixed_maps - mix(maps, partners, ratios)).abs().mean((1, 2))


def class_mean(values: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Return the mean of N values within each class, averaged over all classes. A class without a value counts as 0.

    Args:
        values: one value for each image, N.
        labels: N.
        classes: the number of classes, with those that do not occur in the batch.
    """
    own = (labels[:, None] == labels).sum(1)  # images of the same class
    return (values / own).sum() / classes
