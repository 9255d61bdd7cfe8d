"""Energy inside the mask."""

from torch import Tensor

from align.metrics.base import Explained, Values
from align.metrics.localisation.ground_truth import score_against_ground_truth


def energy_inside(explained: Explained) -> dict[str, Values]:
    """Return the share of the map's sum that lies on the object (Score-CAM, arXiv:1910.01279).

    That of a flat saliency map would be the object's area, whatever the model. A flat learned mask has chosen this area.
    """
    return score_against_ground_truth(explained, "energy_inside", share_inside, learned_mask_score=share_inside)


def share_inside(maps: Tensor, objects: Tensor) -> Tensor:
    """Return the share of each of ``maps`` (n×P) in ``objects`` (n×P, bool), NaN where a map is zero everywhere: n."""
    return (maps * objects).sum(dim=1) / maps.sum(dim=1)
