"""The name of the device on which a measurement was taken."""

import re

import torch

from align.training.device import device_name


def measured_device(device: torch.device) -> str:
    """Return the name of the GPU, or the name of the processor, of which one thread is used."""
    return device_name(device) if device.type == "cuda" else f"{device_name(device)}, one thread"


def slug(name: str) -> str:
    """Return the name of a device as part of a path, with small letters, digits and hyphens only."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
