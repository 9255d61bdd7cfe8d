"""Whether this machine has a GPU, asked without torch: Snakemake's rules ask before every command."""

import os
import re
from collections.abc import Mapping
from pathlib import Path


def gpu_is_visible(devices: Path = Path("/dev"), environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether an NVIDIA driver has made a device that ``CUDA_VISIBLE_DEVICES`` does not hide.

    It is a guess: neither the driver nor torch is asked whether they can use the device, and the machine may be another one than
    that of the jobs, such as a cluster's login node. Windows' subsystem for Linux has no such devices. Where the guess is wrong,
    ``device: cuda`` or ``device: cpu`` says what is right.

    Args:
        devices: the folder of the system's devices.
        environment: the environment variables.
    """
    if environment.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return False
    return devices.is_dir() and any(re.fullmatch(r"nvidia\d+", path.name) for path in devices.iterdir())
