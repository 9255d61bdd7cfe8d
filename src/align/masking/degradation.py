"""Degrading masks N×1×H×W in [0, 1] step by step, to find out which of their errors matter.

The degree is a share of the image's side for :func:`eroded`, :func:`dilated` and :func:`shifted`, and of its area for
:func:`replaced`. A degree of 0 leaves a mask unchanged.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

CELLS = 8
"""Cells along each side of the grid of :func:`replaced`. It replaces whole parts of objects, not single pixels."""


def dilated(masks: Tensor, degree: float) -> Tensor:
    """Return masks that are larger by ``degree`` of the side: each pixel takes the largest value of a square around it."""
    radius = round(degree * masks.shape[-1])
    vertically = F.max_pool2d(masks, (2 * radius + 1, 1), stride=1, padding=(radius, 0))
    return F.max_pool2d(vertically, (1, 2 * radius + 1), stride=1, padding=(0, radius))


def eroded(masks: Tensor, degree: float) -> Tensor:
    """Return masks that are smaller by ``degree`` of the side. A mask is not eroded from the image's border."""
    return 1 - dilated(1 - masks, degree)


def shifted(masks: Tensor, degree: float, turns: Tensor) -> Tensor:
    """Return masks moved by ``degree`` of the side. Pixels that come from outside of the image are 0.

    Args:
        masks: N×1×H×W.
        degree: distance, as a share of the side.
        turns: direction of each mask, in full turns clockwise from the right, N.
    """
    size, angles = masks.shape[-1], 2 * torch.pi * turns
    across, down = ((degree * size * step).round().long()[:, None] for step in (angles.cos(), angles.sin()))
    rows = torch.arange(masks.shape[-2], device=masks.device) - down
    columns = torch.arange(size, device=masks.device) - across
    inside = _within(rows, masks.shape[-2])[:, :, None] & _within(columns, size)[:, None]
    images = torch.arange(len(masks), device=masks.device)[:, None, None]
    moved = masks[images, 0, rows.clamp(0, masks.shape[-2] - 1)[:, :, None], columns.clamp(0, size - 1)[:, None]]
    return moved.where(inside, 0)[:, None]


def replaced(masks: Tensor, degree: float, order: Tensor, values: Tensor) -> Tensor:
    """Return masks in which a share of the cells of a grid has other values.

    Args:
        masks: N×1×H×W.
        degree: share of the cells that are replaced.
        order: any numbers, N×cells². The cells with the lowest numbers are replaced.
        values: the new value of each cell, N×cells².
    """
    cells = math.isqrt(order.shape[1])
    ranks = order.argsort(1).argsort(1)
    chosen, new = (
        F.interpolate(cell.view(-1, 1, cells, cells), masks.shape[-2:], mode="nearest")
        for cell in ((ranks < round(degree * order.shape[1])).to(masks.dtype), values.to(masks.dtype))
    )
    return torch.where(chosen > 0, new, masks)


def _within(positions: Tensor, length: int) -> Tensor:
    return (positions >= 0) & (positions < length)
