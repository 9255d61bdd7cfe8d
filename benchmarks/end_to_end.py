"""Training with its data, images per second: packed images and batched augmentation, against the usual DataLoader."""

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

FILES = 128  # different ones; a pass reads them as often as it needs to
NAMES = ("erm", "align")
GOAL_OF_DATA = 0.05  # share of a step that the data may take, on a GPU
PACKED, STREAMED, PLAIN = "packed", "streamed", "plain"

Passes = dict[str, Callable[[], Iterator[Batch]]]


def end_to_end(setting: Setting, width: int, height: int, batches: int, rounds: int) -> pd.DataFrame:
    """Return images per second of ERM and ALIGN with each way to load images, and the share of the data in each step.

    Args:
        setting: network, size of the images when trained on, batch.
        width: of the image files, pixels.
        height: of the image files, pixels.
        batches: in a pass.
        rounds: passes of each, by turns; the median counts.

    Returns:
        A row per method and loader, ``ratio`` being its seconds over those of packed images; then, as ``data side``, a row per
        method: the seconds of a batch without a step, and as ``ratio`` their share of the step with its data.
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
    of_data = [("data side", name, PACKED, data) for name in NAMES]
    rows = pd.DataFrame(whole + of_data, columns=["benchmark", "name", "loader", "seconds"]).assign(**setting.columns)
    packed = rows["name"].map({name: seconds[PACKED, name] for name in NAMES})
    rows = rows.assign(per_second=setting.batch_size / rows["seconds"], ratio=rows["seconds"] / packed)
    goals = dict.fromkeys(NAMES, GOAL_OF_DATA) if setting.device.type == "cuda" else {}
    is_data = rows["benchmark"] == "data side"
    return pd.concat([rows[~is_data], with_goals(rows[is_data], goals, "ratio")])


def seconds_per_batch(batches: Iterator[Batch], step: Callable[[Batch], object], count: int) -> float:
    """Return the mean seconds of a batch and its step over the second half of a pass of ``count`` batches.

    The first half makes up for workers that start, and for the batches that they have ready by then.
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
    """Return what begins a pass of so many ``batches``, by loader."""
    count, device, augmentation = batches * setting.batch_size, setting.device, AugmentationSettings()
    numbers = np.arange(count)
    labels = numbers % CLASSES
    resized = [np.asarray(Image.open(path).resize((setting.size, setting.size))) for path in paths]
    packed = Packed(np.stack(resized)[numbers % len(paths)], labels, [], None)
    files = [paths[number % len(paths)] for number in numbers]
    generator, of_workers = torch.Generator(device).manual_seed(0), torch.Generator().manual_seed(0)

    def of_packed(split: Images) -> Callable[[], Iterator[Batch]]:
        return lambda: iter(TrainingBatches(split, setting.batch_size, augmentation, generator))

    def plain() -> Iterator[Batch]:
        size, batch_size = setting.size, setting.batch_size
        return plain_batches(files, labels.tolist(), size, batch_size, augmentation, CORES, of_workers, device)

    passes = {PACKED: of_packed(on_device([packed], device)), PLAIN: plain}
    return passes | {STREAMED: of_packed(on_device_or_streamed([packed], device, 0.0))} if device.type == "cuda" else passes
