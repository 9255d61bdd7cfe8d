"""The pointing game."""

from torch import Tensor

from align.metrics.base import Explained, Values
from align.metrics.localisation.ground_truth import score_against_ground_truth


def pointing_game(explained: Explained) -> dict[str, Values]:
    """Return for each image whether the map's maximum lies on the object; of equal maxima the first in reading order counts.

    Zhang et al., arXiv:1608.00507, without a tolerance around the object.
    """
    return score_against_ground_truth(explained, "pointing_game", hit)


def hit(maps: Tensor, objects: Tensor) -> Tensor:
    """Return 1 where the maximum of ``maps`` (n×P) is in ``objects`` (n×P, bool), else 0: n."""
    return objects.gather(1, maps.argmax(dim=1, keepdim=True)).squeeze(1).float()
