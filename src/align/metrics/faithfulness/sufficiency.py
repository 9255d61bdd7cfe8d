"""Sufficiency."""

from align.metrics.base import Explained, Values
from align.metrics.faithfulness.perturbation import empty, erasure, unchanged


def sufficiency(explained: Explained) -> dict[str, Values]:
    """Return how far the predicted class's probability falls when only the most salient pixels are kept; lower is better.

    The mean over ``removed_shares`` of p_j(x) − p_j(top pixels of x, zero elsewhere): ERASER, arXiv:1911.03429, equation 2.
    """
    return erasure(explained, "sufficiency", top=unchanged, rest=empty)
