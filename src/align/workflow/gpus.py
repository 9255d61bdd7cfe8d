"""Finds the GPUs that this process may use. Snakemake's rules ask before every command, so this works without torch."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Gpu(NamedTuple):
    """A GPU.

    Attributes:
        identifier: its name for CUDA in this process.
        name: its name for all processes of this machine.
    """

    identifier: str
    name: str


def visible_gpus(devices: Path = Path("/dev"), environment: Mapping[str, str] = os.environ) -> list[Gpu]:
    """Return the GPUs that have an NVIDIA device file and that ``CUDA_VISIBLE_DEVICES`` does not hide.

    This is a guess, because neither the driver nor torch is asked whether a device can be used. The Windows Subsystem for Linux
    has no such device files.

    Args:
        devices: the folder of the system's devices.
        environment: the environment variables.
    """
    paths = devices.glob("nvidia*") if devices.is_dir() else []
    numbers = sorted(int(found[1]) for path in paths if (found := re.fullmatch(r"nvidia(\d+)", path.name)))
    # If a container is given only nvidia3, its CUDA calls that GPU 0.
    names = {str(index): f"nvidia{number}" for index, number in enumerate(numbers)}
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    listed = names if chosen is None else [entry.strip() for entry in chosen.split(",")]
    if not names:
        return []
    return [Gpu(entry, names.get(entry, entry)) for entry in listed if entry not in ("", "-1")]


def gpu_is_visible(devices: Path = Path("/dev"), environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether :func:`visible_gpus` finds a GPU.

    Jobs may run on other machines: this one may be the login node of a cluster. If the guess is wrong, set ``device: cuda`` or
    ``device: cpu``.
    """
    return bool(visible_gpus(devices, environment))
