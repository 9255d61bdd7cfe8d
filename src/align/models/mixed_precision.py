"""Networks that compute in half the bits, and give what they compute in all of them."""

from collections.abc import Callable

import torch
from torch import Tensor


def autocast(network: Callable[[Tensor], Tensor], images: Tensor, precision: torch.dtype) -> Tensor:
    """Return the output of ``network`` in the precision of its weights, so that maps and losses are, whatever it computes in.

    Args:
        network: a network or a part of one.
        images: its input.
        precision: float32: as the weights are; bfloat16: by autocast, convolutions and what follows them.
    """
    if precision == torch.float32:
        return network(images)
    with torch.autocast(images.device.type, precision):
        return network(images).float()
