"""Images whose most salient pixels are kept or removed, and the model's predictions for them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from align.metrics.base import Explained, Values, in_batches

Fill = Callable[[Tensor], Tensor]
"""Takes images and gives images of the same shape, from which pixels are taken."""

empty: Fill = torch.zeros_like


def unchanged(images: Tensor) -> Tensor:
    """Return ``images`` as they are."""
    return images


def perturbed_confidence(explained: Explained, counts: Sequence[int], top: Fill, rest: Fill) -> Tensor:
    """Return the predicted class's probability when the most salient pixels come from ``top`` and the others from ``rest``.

    Predictions that another metric has needed are taken from ``explained``, which keeps them.

    Args:
        explained: n sampled images.
        counts: for each column of the result, how many pixels count as the most salient ones.
        top: gives the images that these pixels are taken from.
        rest: gives the images that the other pixels are taken from.

    Returns:
        n×len(counts).

    Raises:
        InputError: a probability is NaN or infinite.
    """
    known = explained.perturbed_confidences
    missing = [count for count in dict.fromkeys(counts) if (top, rest, count) not in known]

    def confidences(indices: Tensor, ranks: Tensor) -> Tensor:
        images = explained.images[indices]
        above, below = top(images), rest(images)
        depths = ranks.to(images.dtype).expand_as(images).contiguous(memory_format=torch.channels_last)
        perturbed = (select_by_rank(above, below, depths, count) for count in missing)
        return torch.stack([explained.predicted_probability(explained.predict(some), indices) for some in perturbed], dim=1)

    if missing:
        found = in_batches(confidences, explained.sampled, explained.ranks, size=explained.batch_size)
        explained.require_finite("probability with hidden pixels", found, explained.sampled)
        known.update({(top, rest, count): column for count, column in zip(missing, found.unbind(dim=1))})
    return torch.stack([known[top, rest, count] for count in counts], dim=1)


def select_by_rank(above: Tensor, below: Tensor, ranks: Tensor, count: int) -> Tensor:
    """Return ``above`` where ``ranks``, whole numbers as floats, are less than ``count``, else ``below``; all of one shape."""
    mask = (count - ranks).clamp_(0, 1)  # 1 or 0; five times as fast as torch.where
    return torch.lerp(below, above, mask, out=mask)


def erasure(explained: Explained, name: str, top: Fill, rest: Fill) -> dict[str, Values]:
    """Return the mean drop p_j(x) − p_j(perturbed x) over the removed shares of pixels, raw and normalised.

    Raw drops of different models cannot be compared (arXiv:2408.08137). The bounds proposed there need a search over orderings
    of all pixels. The normalised form divides by the drop p_j(x) − p_j(0) of an empty image, and clips to [0, 1] (Carton et al.,
    arXiv:2010.04736; sufficiency is one minus theirs). It is undefined (NaN) where that drop is not positive. Both are undefined
    for a flat map, which ranks no pixel.
    """
    counts = [max(1, round(share * explained.pixels)) for share in explained.settings.removed_shares]
    drop = explained.confidence - perturbed_confidence(explained, counts, top, rest).mean(dim=1)
    null_drop = explained.confidence - explained.null_confidence
    normalised = torch.where(null_drop > 0, (drop / null_drop).clamp(0, 1), torch.nan)
    values = {name: drop, f"normalised_{name}": normalised}
    return {name: _for_ranked_images(explained, value) for name, value in values.items()}


def curve_counts(explained: Explained) -> list[int]:
    """Return the number of pixels at each point of a curve: from none to all in ``curve_steps`` equal steps."""
    steps = explained.settings.curve_steps
    return [round(step * explained.pixels / steps) for step in range(steps + 1)]


def curve_mean(explained: Explained, name: str, confidences: Tensor) -> dict[str, Values]:
    """Return the mean height of each image's curve (n×(curve_steps + 1)) by the trapezoidal rule, NaN for a flat map."""
    share = torch.tensor(curve_counts(explained), device=confidences.device) / explained.pixels
    return {name: _for_ranked_images(explained, torch.trapezoid(confidences, share, dim=1))}


def _for_ranked_images(explained: Explained, values: Tensor) -> Tensor:
    """Return ``values`` (n) of the sampled images as one value for each image (N), NaN where the map ranks no pixel."""
    return explained.scatter(torch.where(explained.ranks_pixels, values, torch.nan), explained.sampled)
