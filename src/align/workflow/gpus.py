"""Which GPUs this process may use, asked without torch: Snakemake's rules ask before every command."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Gpu(NamedTuple):
    """A GPU as CUDA calls it in this process (``identifier``) and as every process of this machine does (``name``)."""

    identifier: str
    name: str


def visible_gpus(devices: Path = Path("/dev"), environment: Mapping[str, str] = os.environ) -> list[Gpu]:
    """Return the GPUs that an NVIDIA driver has made devices for and ``CUDA_VISIBLE_DEVICES`` does not hide.

    It is a guess: neither the driver nor torch is asked whether they can use the devices. Windows' subsystem for Linux has none.

    Args:
        devices: the folder of the system's devices.
        environment: the environment variables.
    """
    paths = devices.glob("nvidia*") if devices.is_dir() else []
    numbers = sorted(int(found[1]) for path in paths if (found := re.fullmatch(r"nvidia(\d+)", path.name)))
    # A container may be given nvidia3 alone, which is 0 to CUDA in it.
    names = {str(index): f"nvidia{number}" for index, number in enumerate(numbers)}
    chosen = environment.get("CUDA_VISIBLE_DEVICES")
    listed = names if chosen is None else [entry.strip() for entry in chosen.split(",")]
    if not names:
        return []
    return [Gpu(entry, names.get(entry, entry)) for entry in listed if entry not in ("", "-1")]


def gpu_is_visible(devices: Path = Path("/dev"), environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether there is any of :func:`visible_gpus`.

    The machine may be another one than that of the jobs, such as a cluster's login node. Where the guess is wrong,
    ``device: cuda`` or ``device: cpu`` says what is right.
    """
    return bool(visible_gpus(devices, environment))
