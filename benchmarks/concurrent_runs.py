"""Several training processes on one device at once: what each does, and what all of them do together."""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, islice, repeat
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import NamedTuple

import pandas as pd
import torch

from align.augmentation.settings import AugmentationSettings
from align.training.batches import TrainingBatches
from align.training.device import prepare
from benchmarks.setting import Setting
from benchmarks.timing import synchronise

IMAGES = 1024
WARM_UP = 5  # steps
START_UP = 300  # seconds that a process may take to be ready


class Timed(NamedTuple):
    """Images that one process trained on, and from when to when by ``time.perf_counter``: on Linux one clock for all of them."""

    begin: float
    end: float
    images: int

    @property
    def per_second(self) -> float:
        """Return the images per second."""
        return self.images / (self.end - self.begin)


barrier: Barrier  # of the processes that measure at once; set in each of them by _share


def concurrent_runs(setting: Setting, processes: Sequence[int], names: Sequence[str], seconds: float) -> pd.DataFrame:
    """Return a row per method and number of processes: seconds of a step in each, images/s of all, ``ratio`` to a single one's.

    Args:
        setting: what each process trains; all are alike.
        processes: how many train at once, first 1.
        names: methods, one after the other.
        seconds: how long each is measured, from when all processes are ready.
    """
    rows = []
    for count in processes:
        for name, timed in zip(names, zip(*together(setting, count, names, seconds))):
            rows.append({"name": name, "processes": count, "per_second": sum(own.per_second for own in timed)})
    measured = pd.DataFrame(rows).assign(benchmark="concurrent runs", **setting.columns)
    alone = measured.groupby("name")["per_second"].transform("first")
    seconds_of_step = measured["processes"] * setting.batch_size / measured["per_second"]
    return measured.assign(seconds=seconds_of_step, ratio=measured["per_second"] / alone)


def together(setting: Setting, count: int, names: Sequence[str], seconds: float) -> list[list[Timed]]:
    """Return what each of ``count`` processes that train at once did of each method."""
    context = get_context("spawn")  # CUDA does not survive a fork
    with ProcessPoolExecutor(count, context, initializer=_share, initargs=(context.Barrier(count),)) as pool:
        futures = [pool.submit(_train, setting, names, seconds) for _ in range(count)]
        return [future.result() for future in futures]


def _share(of_all: Barrier) -> None:
    global barrier
    barrier = of_all


def _train(setting: Setting, names: Sequence[str], seconds: float) -> list[Timed]:
    """Return what this process did of each method, while the others measured the same method."""
    prepare(setting.device.type, 1)
    generator = torch.Generator(setting.device).manual_seed(0)
    passes = TrainingBatches(setting.split(IMAGES), setting.batch_size, AugmentationSettings(), generator)
    timed = []
    for name in names:
        method, batches = setting.method(name), chain.from_iterable(repeat(passes))
        for batch in islice(batches, WARM_UP):
            method.step(batch)
        synchronise()
        barrier.wait(START_UP)
        begin, done = time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            method.step(next(batches))
            done += setting.batch_size
        synchronise()
        timed.append(Timed(begin, time.perf_counter(), done))
    return timed
