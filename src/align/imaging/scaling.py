"""Scaling of saliency maps to [0, 1]."""

from torch import Tensor


def min_max_scale(maps: Tensor) -> Tensor:
    """Return each of ``maps`` (N×h×w or N×P) scaled to [0, 1]. A flat map becomes zero."""
    dimensions = tuple(range(1, maps.dim()))
    lowest = maps.amin(dimensions, keepdim=True)
    spread = maps.amax(dimensions, keepdim=True) - lowest
    flat = spread <= 0
    return (maps - lowest) / spread.masked_fill(flat, 1)
