"""Gives each job a GPU when several jobs run at once.

A GPU has one slot for each run that may share it. A slot is a file. The process that has locked the file holds the slot until
the process ends, in whatever way it ends. All checkouts of a user share one folder of slots, because they use the same GPUs.
"""

import fcntl
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO
from urllib.parse import quote

from align.errors import InputError
from align.workflow.gpus import Gpu, visible_gpus

LOG = logging.getLogger("align")
SECONDS_BETWEEN_LOOKS = 1.0


@contextmanager
def own_gpu(device: str, runs_per_gpu: int, devices: Path = Path("/dev"), temporary: Path = Path("/tmp")) -> Iterator[None]:
    """Hold a slot of a GPU and hide all other GPUs from CUDA. CUDA must not have been used yet.

    This does nothing if there is no GPU, or if Slurm has given this job exactly one.

    Args:
        device: ``device`` of the configuration.
        runs_per_gpu: ``engine.runs_per_gpu`` of the configuration.
        devices: the folder of the system's devices.
        temporary: see :func:`slots_folder`.

    Raises:
        InputError: see :func:`gpu_slot`.
    """
    gpus = [] if device == "cpu" else visible_gpus(devices)
    if not gpus or ("SLURM_JOB_ID" in os.environ and len(gpus) == 1):
        yield
        return
    with gpu_slot(gpus, runs_per_gpu, slots_folder(temporary)) as gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu.identifier
        yield


def slots_folder(temporary: Path, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of this user's slots on this machine. A Slurm job has its own, because it numbers its GPUs from 0.

    Args:
        temporary: a folder that all processes of the machine share. ``TMPDIR`` may differ between processes.
        environment: the environment variables.
    """
    job = environment.get("SLURM_JOB_ID")
    return temporary / f"align-gpu-slots-{os.getuid()}{f'-slurm-{job}' if job else ''}"


@contextmanager
def gpu_slot(gpus: Sequence[Gpu], runs_per_gpu: int, folder: Path) -> Iterator[Gpu]:
    """Hold a slot of the GPU with the most free slots, and yield this GPU. If no slot is free, log that once and wait.

    Args:
        gpus: the GPUs to choose from, at least one.
        runs_per_gpu: the number of slots of each GPU.
        folder: the folder of the slots, see :func:`slots_folder`. It is made if it does not exist.

    Raises:
        InputError: ``folder`` is a link or belongs to another user.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise InputError(
            f"{folder}: found a link or another user's folder, expected your own folder for slots of GPUs; have it removed"
        )
    waited = False
    while (claimed := _claim(gpus, runs_per_gpu, folder)) is None:
        if not waited:
            names = ", ".join(gpu.name for gpu in gpus)
            LOG.info("waiting: engine.runs_per_gpu (%d) runs already use each of %s", runs_per_gpu, names)
            waited = True
        time.sleep(SECONDS_BETWEEN_LOOKS)
    gpu, slot = claimed
    with slot:
        LOG.info("on GPU %s", gpu.name)
        yield gpu


def _claim(gpus: Sequence[Gpu], runs_per_gpu: int, folder: Path) -> tuple[Gpu, IO[str]] | None:
    """Lock a slot and return its GPU and its file. None if all slots are taken."""
    with (folder / "choosing").open("w") as choosing:
        fcntl.flock(choosing, fcntl.LOCK_EX)  # another process would count a slot that this one only tries as taken
        free = {gpu: _free_slots(folder / quote(gpu.name, safe=""), runs_per_gpu) for gpu in gpus}
        best = max(gpus, key=lambda gpu: len(free[gpu]))  # the first one if several are equal
        claimed = (best, free[best].pop()) if free[best] else None
        for slot in chain.from_iterable(free.values()):
            slot.close()
    return claimed


def _free_slots(path: Path, count: int) -> list[IO[str]]:
    """Lock every file ``<path>.<number>`` that no other process has locked, and return these files."""
    free: list[IO[str]] = []
    for number in range(count):
        slot = path.with_name(f"{path.name}.{number}").open("w")
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            slot.close()
        else:
            free.append(slot)
    return free
