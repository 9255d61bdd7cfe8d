"""Evaluation mode and frozen weights, for the length of a block."""

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
