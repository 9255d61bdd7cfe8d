"""The device on which a job computes, and the settings of torch for it."""

import ctypes
import platform
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from align.errors import InputError

# Instructions of a processor that multiply in bfloat16, by torch's names.
BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # constants of malloc.h


def choose_device(device: str) -> torch.device:
    """Return the device of this machine for the configuration's ``device``: auto, cpu or cuda.

    Raises:
        InputError: ``device`` is cuda, and there is no GPU that torch can use.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device: found no GPU that torch can use, expected one for 'cuda'; set device to auto or cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def prepare(device: str, threads: int, cudnn_trials: bool = True) -> torch.device:
    """Choose the device and set up torch for it: repeatable on a CPU, fast on a GPU.

    Args:
        device: ``device`` of the configuration.
        threads: the number of threads of this process.
        cudnn_trials: ``engine.cudnn_trials`` of the configuration.

    Raises:
        InputError: see :func:`choose_device`.
    """
    chosen = choose_device(device)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # a collapsed mask is full of denormal numbers, which are a hundred times as slow as others
    if chosen.type == "cpu":
        keep_freed_memory()
        torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms would take a second to import the compiler
        # No code reads memory that it has not written. Filling new memory would cost 2 to 4 % of a ResNet-18's step.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    else:
        torch.backends.cudnn.benchmark = cudnn_trials  # a run has few shapes, so trying algorithms pays off if it is long
        torch.set_float32_matmul_precision("high")  # TF32, which is the default of cuDNN's convolutions
    return chosen


def keep_freed_memory() -> None:
    """Make glibc keep large blocks of freed memory. Other C libraries stay as they are.

    Otherwise glibc returns each block to the system, and every batch waits for new, zeroed pages.
    """
    change = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if change is not None:
        # mallopt(3) promises to accept at most 32 MiB for M_MMAP_THRESHOLD. Newer versions accept more.
        for setting, value in (
            (M_TRIM_THRESHOLD, 2**31 - 1),
            (M_TOP_PAD, 2**26),
            (M_MMAP_THRESHOLD, 2**25),
            (M_MMAP_THRESHOLD, 2**30),
        ):
            change(setting, value)


def precision_on(device: torch.device, precision: str) -> torch.dtype:
    """Return the number format of the networks for the configuration's ``precision``: auto, float32 or bfloat16."""
    if precision == "auto":
        return torch.bfloat16 if has_bfloat16(device) else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]


def has_bfloat16(device: torch.device) -> bool:
    """Return whether the device itself computes in bfloat16. Others imitate it, which takes longer than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    asked: Callable[[], Mapping[str, object]] = getattr(torch.cpu, "get_capabilities", dict)  # an older torch cannot say
    return multiplies_bfloat16(asked())


def multiplies_bfloat16(capabilities: Mapping[str, object]) -> bool:
    """Return whether a processor has instructions for bfloat16: AVX512_BF16 or AMX_BF16.

    ARM has such instructions, too. Nobody has measured here whether torch is faster with them, so they do not count.

    Args:
        capabilities: what :func:`torch.cpu.get_capabilities` returns.
    """
    return any(capabilities.get(name, False) for name in BFLOAT16_INSTRUCTIONS)


def device_name(device: torch.device) -> str:
    """Return the name of the GPU, or of the processor, such as ``CPU, AMD EPYC``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {processor()}"


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's model from Linux's file ``cpuinfo``. Without that file, return what Python knows."""
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    return model[1] if model else platform.processor() or platform.machine()
