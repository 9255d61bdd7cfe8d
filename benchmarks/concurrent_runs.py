"""Several training processes on one device at once: the speed of each, and of all together."""

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
    """The images that one process trained on, and its times by ``time.perf_counter``. On Linux all processes share this clock."""

    begin: float
    end: float
    images: int

    @property
    def per_second(self) -> float:
        """Return the images per second."""
        return self.images / (self.end - self.begin)


barrier: Barrier  # shared by the processes that measure at once; _share sets it in each of them


def concurrent_runs(setting: Setting, processes: Sequence[int], names: Sequence[str], seconds: float) -> pd.DataFrame:
    """Return a row for each method and number of processes.

    It has the seconds of a step in one process, the images/s of all processes, and as ``ratio`` these images/s over those of a
    single process.

    Args:
        setting: the setting of each process. All are the same.
        processes: the numbers of processes that train at once. The first is 1.
        names: the methods, one after the other.
        seconds: the time for which a method is measured, once all processes are ready.
    """
    rows = []
    for count in processes:
        for name, timed in zip(names, zip(*together(setting, count, names, seconds))):
            rows.append({"name": name, "processes": count, "per_second": sum(own.per_second for own in timed)})
    table = pd.DataFrame(rows).assign(benchmark="concurrent runs", **setting.columns)
    single_process = table.groupby("name")["per_second"].transform("first")
    step_seconds = table["processes"] * setting.batch_size / table["per_second"]
    return table.assign(seconds=step_seconds, ratio=table["per_second"] / single_process)


def together(setting: Setting, count: int, names: Sequence[str], seconds: float) -> list[list[Timed]]:
    """Return what each of ``count`` processes measured for each method while all of them trained at once."""
    context = get_context("spawn")  # CUDA does not survive a fork
    with ProcessPoolExecutor(count, context, initializer=_share, initargs=(context.Barrier(count),)) as pool:
        futures = [pool.submit(_train, setting, names, seconds) for _ in range(count)]
        return [future.result() for future in futures]


def _share(shared_barrier: Barrier) -> None:
    global barrier
    barrier = shared_barrier


def _train(setting: Setting, names: Sequence[str], seconds: float) -> list[Timed]:
    """Return what this process measured for each method while the other processes measured the same method."""
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
