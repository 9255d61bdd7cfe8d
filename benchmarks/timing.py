"""Ratios of times measured in one run: these machines are noisy, so the contenders take turns and the medians are compared."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import torch


def interleaved(contenders: Mapping[str, Callable[[], object]], rounds: int, repeats: int = 1) -> dict[str, float]:
    """Return the median seconds of one call of each contender, over ``rounds`` in which each is called ``repeats`` times."""
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
    """Return a row per contender: seconds, images per second, and its seconds over those of ``reference``.

    Args:
        benchmark: what is measured.
        configuration: the columns that say how, such as :attr:`benchmarks.setting.Setting.columns`.
        images: that each contender does in its seconds.
        seconds: by contender.
        reference: one of the contenders.
    """
    rows = pd.DataFrame({"benchmark": benchmark, "name": list(seconds), **configuration, "seconds": list(seconds.values())})
    return rows.assign(per_second=images / rows["seconds"], ratio=rows["seconds"] / seconds[reference])


def with_goals(rows: pd.DataFrame, goals: Mapping[str, float], of: str) -> pd.DataFrame:
    """Return ``rows`` with ``goal``, by ``name``, and ``goal_of``, the column that it is for; both empty where there is none."""
    goal = rows["name"].map(goals).astype(float)
    return rows.assign(goal=goal, goal_of=pd.Series(of, rows.index, dtype=object).where(goal.notna()))


def synchronise() -> None:
    """Wait until a GPU, where there is one, has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
