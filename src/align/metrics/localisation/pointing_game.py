"""Pointing game."""

from torch import Tensor

from align.metrics.base import Explained, Values
from align.metrics.localisation.judge import judge


def pointing_game(explained: Explained) -> dict[str, Values]:
    """Return for each image whether the map's maximum (of several, the first in reading order) lies on the object.

    Zhang et al., arXiv:1608.00507, without a tolerance around the object.
    """
    return judge(explained, "pointing_game", hit)


def hit(maps: Tensor, objects: Tensor) -> Tensor:
    """Return 1 where the maximum of ``maps`` (n×P) is in ``objects`` (n×P, bool), else 0: n."""
    return objects.gather(1, maps.argmax(dim=1, keepdim=True)).squeeze(1).float()
