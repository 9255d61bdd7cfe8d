"""Ratios of times. Times on a shared machine are noisy, so the contenders take turns, and their medians are compared."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import torch


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int, repeats: int = 1) -> dict[str, float]:
    """Return the median seconds of one call of each contender over ``rounds``. In a round, each is called ``repeats`` times."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    for _ in range(rounds):
        for name, call in contenders.items():
            synchronise()
            start = time.perf_counter()
            for _ in range(repeats):
                call()
            synchronise()
            seconds[name].append((time.perf_counter() - start) / repeats)
    return {name: statistics.median(values) for name, values in seconds.items()}


def table(
    benchmark: str, configuration: Mapping[str, Any], images: int, seconds: Mapping[str, float], reference: str
) -> pd.DataFrame:
    """Return a row for each contender: its seconds, its images per second, and the ratio of its seconds to the reference's.

    Args:
        benchmark: the name of the benchmark.
        configuration: the columns that name the configuration, such as :attr:`benchmarks.setting.Setting.columns`.
        images: the number of images that each contender processes in its seconds.
        seconds: the seconds of each contender, by name.
        reference: the name of one contender.
    """
    rows = pd.DataFrame({"benchmark": benchmark, "name": list(seconds), **configuration, "seconds": list(seconds.values())})
    return rows.assign(per_second=images / rows["seconds"], ratio=rows["seconds"] / seconds[reference])


def with_goals(rows: pd.DataFrame, goals: Mapping[str, float], column: str) -> pd.DataFrame:
    """Return ``rows`` with two more columns: ``goal``, by ``name``, and ``goal_of``, the ``column`` that the goal is for.

    Both are empty in a row without a goal.
    """
    goal = rows["name"].map(goals).astype(float)
    return rows.assign(goal=goal, goal_of=pd.Series(column, rows.index, dtype=object).where(goal.notna()))


def synchronise() -> None:
    """Wait until the GPU has finished its work. Without a GPU, do nothing."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
