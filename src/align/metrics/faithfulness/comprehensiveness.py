"""Comprehensiveness."""

from align.metrics.base import Explained, Values
from align.metrics.faithfulness.perturbation import empty, erasure, unchanged


def comprehensiveness(explained: Explained) -> dict[str, Values]:
    """Return how far the predicted class's probability falls when the most salient pixels are removed; higher is better.

    The mean over ``removed_shares`` of p_j(x) − p_j(x, top pixels zero): ERASER, arXiv:1911.03429, equation 1.
    """
    return erasure(explained, "comprehensiveness", top=empty, rest=unchanged)
