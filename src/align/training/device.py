"""Where a job computes, and what torch is told of it."""

import ctypes
import sys

import torch

from align.errors import InputError


def choose_device(device: str) -> torch.device:
    """Return the device that the configuration's ``device`` means here.

    Raises:
        InputError: a GPU is asked for and there is none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device: found no GPU that torch can use, expected one for 'cuda'; set device to auto or cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def prepare(device: str, threads: int) -> torch.device:
    """Choose the device and make this process ready for it: repeatable on a CPU, fast on a GPU.

    Args:
        device: the configuration's.
        threads: of this process.

    Raises:
        InputError: see :func:`choose_device`.
    """
    chosen = choose_device(device)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # a collapsed mask is full of denormal numbers, each a hundred times as slow as another
    if chosen.type == "cpu":
        keep_freed_memory()
        torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms would import the compiler, for a second
    else:
        torch.backends.cudnn.benchmark = True  # the shapes of a run are few
        torch.set_float32_matmul_precision("high")  # TF32, as cuDNN's convolutions are by default
    return chosen


def keep_freed_memory() -> bool:
    """Make glibc keep large blocks that are freed; return whether it does.

    It would give each back to the system, and every batch would then wait for new, zeroed pages. Other C libraries stay as they
    are.
    """
    if not sys.platform.startswith("linux"):
        return False
    # malloc.h: the largest int for M_TRIM_THRESHOLD, 1 GiB for M_MMAP_THRESHOLD, 64 MiB for M_TOP_PAD.
    settings = {-1: 2**31 - 1, -3: 2**30, -2: 2**26}
    change = getattr(ctypes.CDLL(None), "mallopt", None)
    return change is not None and all(change(name, value) == 1 for name, value in settings.items())


def precision_on(device: torch.device, precision: str) -> torch.dtype:
    """Return what networks compute in where the configuration says ``precision``: auto, float32 or bfloat16."""
    if precision == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
