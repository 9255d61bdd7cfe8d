"""Where a job computes, and what torch is told of it."""

import ctypes
import sys

import torch

from align.errors import InputError

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # of malloc.h


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
        # All that is read was written before: to fill new memory as well costs 2 to 4 % of a ResNet-18's step.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    else:
        torch.backends.cudnn.benchmark = True  # the shapes of a run are few
        torch.set_float32_matmul_precision("high")  # TF32, as cuDNN's convolutions are by default
    return chosen


def keep_freed_memory() -> None:
    """Make glibc keep large blocks that are freed; other C libraries stay as they are.

    It would give each back to the system, and every batch would then wait for new, zeroed pages.
    """
    change = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if change is not None:
        # 32 MiB is the most that mallopt(3) promises to take for M_MMAP_THRESHOLD; newer versions take more.
        for setting, value in (
            (M_TRIM_THRESHOLD, 2**31 - 1),
            (M_TOP_PAD, 2**26),
            (M_MMAP_THRESHOLD, 2**25),
            (M_MMAP_THRESHOLD, 2**30),
        ):
            change(setting, value)


def precision_on(device: torch.device, precision: str) -> torch.dtype:
    """Return what networks compute in where the configuration says ``precision``: auto, float32 or bfloat16."""
    if precision == "auto":
        return (
            torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
        )
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
