"""What a measurement says of the device that it was taken on."""

import platform
import re
from pathlib import Path

import torch


def device_name(device: torch.device) -> str:
    """Return the GPU's name, or the processor's as one thread of it is used."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {processor()}, one thread"


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's model as Linux writes it into ``cpuinfo``; elsewhere what Python knows of it."""
    model = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.is_file() else None
    return model[1] if model else platform.processor() or platform.machine()


def slug(name: str) -> str:
    """Return a device's name as part of a path: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
