"""The name of the device on which a measurement was taken."""

import platform
import re
from pathlib import Path

import torch


def device_name(device: torch.device) -> str:
    """Return the name of the GPU, or the name of the processor, of which one thread is used."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {processor()}, one thread"


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's model from Linux's file ``cpuinfo``. Without that file, return what Python knows."""
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    return model[1] if model else platform.processor() or platform.machine()


def slug(name: str) -> str:
    """Return the name of a device as part of a path, with small letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
