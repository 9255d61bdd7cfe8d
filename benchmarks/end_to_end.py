"""The speed of training with its data: packed images and batched augmentation, compared with the usual DataLoader."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from PIL import Image

from align.augmentation.settings import AugmentationSettings
from align.methods.base import Batch
from align.preparation.packed import Packed
from align.training.batches import TrainingBatches
from align.training.images import Images, on_device, on_device_or_streamed
from benchmarks.photographs import write_photographs
from benchmarks.plain_loader import plain_batches
from benchmarks.setting import CLASSES, CORES, Setting
from benchmarks.timing import synchronise, with_goals

FILES = 128  # number of different files; a pass reads each as often as it needs
NAMES = ("erm", "align")
DATA_GOAL = 0.05  # share of a step that the data may take at most, on a GPU
PACKED, STREAMED, PLAIN = "packed", "streamed", "plain"

Passes = dict[str, Callable[[], Iterator[Batch]]]


def end_to_end(setting: Setting, width: int, height: int, batches: int, rounds: int) -> pd.DataFrame:
    """Return the images per second of ERM and ALIGN with each way to load images, and the share of a step that the data takes.

    Args:
        setting: the network, the size of the training images, and the batch size.
        width: width of the image files, in pixels.
        height: height of the image files, in pixels.
        batches: the number of batches in a pass.
        rounds: the number of passes of each contender. The contenders take turns, and the median counts.

    Returns:
        A row for each method and loader. Its ``ratio`` is its seconds over the seconds with packed images. Then a row
        ``data side`` for each method, with the seconds of a batch without a step. Its ``ratio`` is their share of a step with
        its data.
    """
    with TemporaryDirectory() as folder:
        paths = write_photographs(Path(folder), FILES, width, height)
        passes = _passes(setting, paths, batches)
        steps: dict[str, Callable[[Batch], object]] = {name: setting.method(name).step for name in NAMES}
        contenders = {(loader, name): (passes[loader], step) for loader in passes for name, step in steps.items()}
        contenders[PACKED, "data"] = passes[PACKED], lambda batch: None
        taken: dict[tuple[str, str], list[float]] = {key: [] for key in contenders}
        for _ in range(rounds):
            for key, (one_pass, step) in contenders.items():
                taken[key].append(seconds_per_batch(one_pass(), step, batches))
    seconds = {key: statistics.median(values) for key, values in taken.items()}
    data = seconds.pop((PACKED, "data"))
    whole = [("end to end", name, loader, value) for (loader, name), value in seconds.items()]
    data_side = [("data side", name, PACKED, data) for name in NAMES]
    rows = pd.DataFrame(whole + data_side, columns=["benchmark", "name", "loader", "seconds"]).assign(**setting.columns)
    packed = rows["name"].map({name: seconds[PACKED, name] for name in NAMES})
    rows = rows.assign(per_second=setting.batch_size / rows["seconds"], ratio=rows["seconds"] / packed)
    goals = dict.fromkeys(NAMES, DATA_GOAL) if setting.device.type == "cuda" else {}
    is_data = rows["benchmark"] == "data side"
    return pd.concat([rows[~is_data], with_goals(rows[is_data], goals, "ratio")])


def seconds_per_batch(batches: Iterator[Batch], step: Callable[[Batch], object], count: int) -> float:
    """Return the mean seconds of a batch and its step over the second half of a pass of ``count`` batches.

    In the first half, the workers start and get batches ready, so it does not count.
    """
    for _ in range(count // 2):
        step(next(batches))
    synchronise()
    start = time.perf_counter()
    for batch in batches:
        step(batch)
    synchronise()
    return (time.perf_counter() - start) / (count - count // 2)


def _passes(setting: Setting, paths: list[Path], batches: int) -> Passes:
    """Return, by loader, a function that begins a pass of ``batches`` batches."""
    count, device, augmentation = batches * setting.batch_size, setting.device, AugmentationSettings()
    numbers = np.arange(count)
    labels = numbers % CLASSES
    resized = [np.asarray(Image.open(path).resize((setting.size, setting.size))) for path in paths]
    packed = Packed(np.stack(resized)[numbers % len(paths)], labels, [], None)
    files = [paths[number % len(paths)] for number in numbers]
    generator, worker_generator = torch.Generator(device).manual_seed(0), torch.Generator().manual_seed(0)

    def packed_pass(split: Images) -> Callable[[], Iterator[Batch]]:
        return lambda: iter(TrainingBatches(split, setting.batch_size, augmentation, generator))

    def plain() -> Iterator[Batch]:
        size, batch_size = setting.size, setting.batch_size
        return plain_batches(files, labels.tolist(), size, batch_size, augmentation, CORES, worker_generator, device)

    passes = {PACKED: packed_pass(on_device([packed], device)), PLAIN: plain}
    return passes | {STREAMED: packed_pass(on_device_or_streamed([packed], device, 0.0))} if device.type == "cuda" else passes
