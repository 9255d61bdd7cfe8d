"""The time that arithmetic takes at least: the operations that torch counts, at the rate of the device."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.setting import Setting

# The side of the matrix, and the number and side of the feature maps in the convolution. They are large enough for the full rate
# of the device, and small enough to take turns with training steps.
SIZES = {"cpu": (1024, 16, 16), "cuda": (8192, 128, 56)}
CHANNELS = 256


class OperationCounter(TorchDispatchMode):
    """Counts operations by torch's formulas. Torch's own counter also follows modules, which fails inside ``autograd.grad``."""

    total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of torch and add its number of operations."""
        result = function(*args, **(kwargs or {}))
        if formula := flop_registry.get(function._overloadpacket):
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result


def operations(call: Callable[[], object]) -> int:
    """Return the number of floating-point operations in the convolutions and matrix products of ``call``. Others do not count."""
    with OperationCounter() as counter:
        call()
    return counter.total


def large_operations(setting: Setting) -> dict[str, Callable[[], object]]:
    """Return a large matrix product and a large convolution in the setting's precision, on its device.

    The faster of the two gives the rate of the device. On a CPU they come from different libraries, and either can be much
    faster.
    """
    product, count, width = SIZES[setting.device.type]
    like = {"device": setting.device, "dtype": getattr(torch, setting.precision)}
    matrix = torch.randn((product, product), **like)
    images = torch.randn((count, CHANNELS, width, width), **like).to(memory_format=torch.channels_last)
    weights = torch.randn((CHANNELS, CHANNELS, 3, 3), **like).to(memory_format=torch.channels_last)
    return {"matrix product": lambda: matrix @ matrix, "convolution": lambda: F.conv2d(images, weights, padding=1)}
