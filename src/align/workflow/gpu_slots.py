"""A GPU of its own for each job, where several jobs run on a machine with several GPUs.

A GPU has as many slots as runs may share it. A slot is a file: the process that has locked it has the slot until it ends, in
whatever way. The files lie in one folder for all of a user's checkouts, which use the same GPUs.
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
    """Keep a slot of a GPU and hide all other GPUs from CUDA, which must not have looked yet.

    Nothing is done without a GPU, nor where Slurm has given this job a single one.

    Args:
        device: the configuration's.
        runs_per_gpu: the configuration's ``engine.runs_per_gpu``.
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
    """Return the folder for this user's slots on this machine, or within a Slurm job, which numbers its own GPUs from 0.

    Args:
        temporary: a folder that all processes of the machine see; not ``TMPDIR``, which each may have set.
        environment: the environment variables.
    """
    job = environment.get("SLURM_JOB_ID")
    return temporary / f"align-gpu-slots-{os.getuid()}{f'-slurm-{job}' if job else ''}"


@contextmanager
def gpu_slot(gpus: Sequence[Gpu], runs_per_gpu: int, folder: Path) -> Iterator[Gpu]:
    """Give a GPU with a free slot, of these the one on which the fewest run; wait where there is none, and log that once.

    Args:
        gpus: the GPUs to choose from, at least one.
        runs_per_gpu: how many slots each has.
        folder: where the slots' files are, see :func:`slots_folder`; made where it is absent.

    Raises:
        InputError: ``folder`` is a link or another user's.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise InputError(
            f"{folder}: found a link or another user's folder, expected your own, for slots of GPUs; have it removed"
        )
    waited = False
    while (claimed := _claim(gpus, runs_per_gpu, folder)) is None:
        if not waited:
            names = ", ".join(gpu.name for gpu in gpus)
            LOG.info("waiting: engine.runs_per_gpu (%d) runs are on each of %s already", runs_per_gpu, names)
            waited = True
        time.sleep(SECONDS_BETWEEN_LOOKS)
    gpu, slot = claimed
    with slot:
        LOG.info("on GPU %s", gpu.name)
        yield gpu


def _claim(gpus: Sequence[Gpu], runs_per_gpu: int, folder: Path) -> tuple[Gpu, IO[str]] | None:
    """Return a GPU with the locked file of one of its slots; None where all are taken."""
    with (folder / "choosing").open("w") as choosing:
        fcntl.flock(choosing, fcntl.LOCK_EX)  # else a slot that is only looked at would be counted as taken
        free = {gpu: _free_slots(folder / quote(gpu.name, safe=""), runs_per_gpu) for gpu in gpus}
        best = max(gpus, key=lambda gpu: len(free[gpu]))  # the first of several
        claimed = (best, free[best].pop()) if free[best] else None
        for slot in chain.from_iterable(free.values()):
            slot.close()
    return claimed


def _free_slots(path: Path, count: int) -> list[IO[str]]:
    """Return the files ``<path>.<number>`` that no process had locked; now this one has."""
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
