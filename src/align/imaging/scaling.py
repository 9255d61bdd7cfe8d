"""Saliency maps on a common scale."""

from torch import Tensor


def min_max_scale(maps: Tensor) -> Tensor:
    """Scale each map N×h×w to [0, 1]; a flat map becomes zero instead of dividing by zero."""
    lowest = maps.amin((1, 2), keepdim=True)
    spread = maps.amax((1, 2), keepdim=True) - lowest
    flat = spread <= 0
    return (maps - lowest) / spread.masked_fill(flat, 1)
