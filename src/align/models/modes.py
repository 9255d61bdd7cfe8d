"""Contexts in which a network is in evaluation mode, or its weights are frozen."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Put ``network`` in evaluation mode during the block, so that batch normalisation uses its running statistics."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)


@contextmanager
def frozen(network: nn.Module) -> Iterator[None]:
    """Put ``network`` in evaluation mode during the block, without gradients for its weights.

    Gradients still flow through the network to its input. Those for the weights, half of a backward pass, are not computed.
    """
    network.requires_grad_(False)
    try:
        with evaluation_mode(network):
            yield
    finally:
        network.requires_grad_(True)


@contextmanager
def frozen_statistics(network: nn.Module) -> Iterator[None]:
    """Let batch normalisation use its running statistics, and leave them as they are, during the block.

    The rest of the network stays in its mode, and the weights of batch normalisation still train.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d) and module.training]
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer in layers:
            layer.train()
