"""A network as it is when it is tested."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Put ``network`` in evaluation mode for the length of the block: batch normalisation takes its running statistics."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
