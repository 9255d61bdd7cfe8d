"""Scaling of saliency maps to [0, 1], and the maps that have nothing to scale."""

import torch
from torch import Tensor

FLATNESS = 1e-5
"""The largest range of a flat map, as a share of its largest magnitude: 84 roundings of float32."""


def is_flat(maps: Tensor) -> Tensor:
    """Return whether each of ``maps`` (N×h×w or N×P) is the same everywhere, up to rounding: N, bool.

    A flat map ranks no pixel. A map of one cell is flat.
    """
    lowest, highest = maps.flatten(1).aminmax(dim=1)
    return _is_flat(lowest, highest)


def min_max_scale(maps: Tensor) -> Tensor:
    """Return each of ``maps`` (N×h×w or N×P) scaled to [0, 1]. A flat map becomes zero."""
    dimensions = tuple(range(1, maps.dim()))
    lowest, highest = maps.amin(dimensions, keepdim=True), maps.amax(dimensions, keepdim=True)
    flat = _is_flat(lowest, highest)
    return ((maps - lowest) / (highest - lowest).masked_fill(flat, 1)).masked_fill(flat, 0)


def _is_flat(lowest: Tensor, highest: Tensor) -> Tensor:
    return highest - lowest <= FLATNESS * torch.maximum(lowest.abs(), highest.abs())
