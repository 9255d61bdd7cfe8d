"""Looking at a network without changing it."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from align.models.evaluation_mode import evaluation_mode


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Put ``network`` in evaluation mode, without gradients of its weights, for the length of the block.

    Gradients still flow through it to its input; those of the weights, half of a backward pass, are saved.
    """
    network.requires_grad_(False)
    try:
        with evaluation_mode(network):
            yield
    finally:
        network.requires_grad_(True)
