"""Looking at a network without changing it."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Put ``network`` in evaluation mode, without gradients of its weights, for the length of the block.

    Gradients still flow through it to its input; those of the weights, half of a backward pass, are saved.
    """
    was_training = network.training
    network.eval()
    network.requires_grad_(False)
    try:
        yield
    finally:
        network.requires_grad_(True)
        network.train(was_training)
