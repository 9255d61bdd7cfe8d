"""Images of which the most salient pixels are shown or hidden, and what the model says of them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from align.metrics.base import Explained, Values, in_batches

Fill = Callable[[Tensor], Tensor]
"""Images to images of the same shape, from which pixels are taken."""

hidden: Fill = torch.zeros_like


def shown(images: Tensor) -> Tensor:
    """Return ``images`` as they are."""
    return images


def perturbed_confidence(explained: Explained, counts: Sequence[int], top: Fill, rest: Fill) -> Tensor:
    """Return the predicted class's probability when the most salient pixels come from ``top`` and the others from ``rest``.

    Args:
        explained: n drawn images; what was predicted of them for another metric is not predicted again.
        counts: how many pixels are the most salient ones, once per column of the result.
        top: what these pixels show, all channels alike.
        rest: what the other pixels show.

    Returns:
        n×len(counts).
    """
    known = explained.perturbed
    asked = [count for count in dict.fromkeys(counts) if (top, rest, count) not in known]

    def confidences(indices: Tensor, ranks: Tensor) -> Tensor:
        images = explained.images[indices]
        above, below = top(images), rest(images)
        depths = ranks.to(images.dtype).expand_as(images).contiguous(memory_format=torch.channels_last)
        perturbed = (chosen(above, below, depths, count) for count in asked)
        return torch.stack([explained.of_predicted(explained.predict(some), indices) for some in perturbed], dim=1)

    if asked:
        columns = in_batches(confidences, explained.drawn, explained.ranks, size=explained.batch_size).unbind(dim=1)
        known.update({(top, rest, count): column for count, column in zip(asked, columns)})
    return torch.stack([known[top, rest, count] for count in counts], dim=1)


def chosen(above: Tensor, below: Tensor, ranks: Tensor, count: int) -> Tensor:
    """Return ``above`` where ``ranks``, whole numbers as floats, are less than ``count``, else ``below``; all of one shape."""
    mask = (count - ranks).clamp_(0, 1)  # 1 or 0; five times as fast as a choice for each pixel
    return torch.lerp(below, above, mask, out=mask)


def erasure(explained: Explained, name: str, top: Fill, rest: Fill) -> dict[str, Values]:
    """Return the mean drop p_j(x) − p_j(perturbed x) over the removed shares of pixels, raw and normalised.

    The raw drop does not compare across models (arXiv:2408.08137). The bounds proposed there need a search over orderings
    of all pixels; the normalised form divides by the drop p_j(x) − p_j(0) when nothing is shown and clips to [0, 1]
    (Carton et al., arXiv:2010.04736; for sufficiency, one minus theirs). It is undefined (NaN) where that drop is not positive.
    """
    counts = [max(1, round(share * explained.pixels)) for share in explained.settings.removed_shares]
    drop = explained.confidence - perturbed_confidence(explained, counts, top, rest).mean(dim=1)
    null_drop = explained.confidence - explained.null_confidence
    normalised = torch.where(null_drop > 0, (drop / null_drop).clamp(0, 1), torch.nan)
    values = {name: drop, f"normalised_{name}": normalised}
    return {name: explained.among_all(value, explained.drawn) for name, value in values.items()}


def curve_counts(explained: Explained) -> list[int]:
    """Return the numbers of pixels at the points of a curve, ``curve_steps`` equal steps from 0 to all."""
    steps = explained.settings.curve_steps
    return [round(step * explained.pixels / steps) for step in range(steps + 1)]


def curve_mean(explained: Explained, name: str, confidences: Tensor) -> dict[str, Values]:
    """Return the mean height of each image's curve (n×(curve_steps + 1)) by the trapezoidal rule."""
    share = torch.tensor(curve_counts(explained), device=confidences.device) / explained.pixels
    return {name: explained.among_all(torch.trapezoid(confidences, share, dim=1), explained.drawn)}
