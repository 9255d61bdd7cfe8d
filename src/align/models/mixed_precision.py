"""Networks that compute in bfloat16 and return float32."""

from collections.abc import Callable

import torch
from torch import Tensor


def autocast(network: Callable[[Tensor], Tensor], images: Tensor, precision: torch.dtype) -> Tensor:
    """Return the output of ``network`` as float32, whatever precision it computes in. So maps and losses are float32 too.

    Args:
        network: a network or a part of one.
        images: its input.
        precision: float32 computes in the precision of the weights. bfloat16 computes under autocast.
    """
    if precision == torch.float32:
        return network(images)
    with torch.autocast(images.device.type, precision):
        return network(images).float()
