"""What arithmetic alone would take: operations counted by torch, at the device's rate."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.setting import Setting

# The matrix's side, and number and side of the convolution's feature maps: large enough for the device's full rate, small enough
# to take turns with training steps.
SIZES = {"cpu": (1024, 16, 16), "cuda": (8192, 128, 56)}
CHANNELS = 256


class OperationCounter(TorchDispatchMode):
    """Counts by torch's formulas; unlike torch's own counter it follows no modules, which fails inside ``autograd.grad``."""

    total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of torch and add the operations that it takes."""
        result = function(*args, **(kwargs or {}))
        if formula := flop_registry.get(function._overloadpacket):
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result


def operations(call: Callable[[], object]) -> int:
    """Return the floating-point operations of the convolutions and matrix products in ``call``; all else is not counted."""
    with OperationCounter() as counter:
        call()
    return counter.total


def large_operations(setting: Setting) -> dict[str, Callable[[], object]]:
    """Return a large matrix product and a large convolution in the setting's precision, on its device.

    The faster of the two is the device's rate: on a CPU they come from different libraries, and either can be far ahead.
    """
    product, count, width = SIZES[setting.device.type]
    like = {"device": setting.device, "dtype": getattr(torch, setting.precision)}
    matrix = torch.randn((product, product), **like)
    images = torch.randn((count, CHANNELS, width, width), **like).to(memory_format=torch.channels_last)
    weights = torch.randn((CHANNELS, CHANNELS, 3, 3), **like).to(memory_format=torch.channels_last)
    return {"matrix product": lambda: matrix @ matrix, "convolution": lambda: F.conv2d(images, weights, padding=1)}
