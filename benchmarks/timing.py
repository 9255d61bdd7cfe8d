"""Ratios of times measured in one run: these machines are noisy, so the contenders take turns and the medians are compared."""

import statistics
import time
from collections.abc import Callable, Mapping

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


def table(benchmark: str, network: str, size: int, batch_size: int, seconds: Mapping[str, float], reference: str) -> pd.DataFrame:
    """Return a row per contender: seconds per batch, images per second, and its seconds over those of ``reference``."""
    return pd.DataFrame(
        {
            "benchmark": benchmark,
            "network": network,
            "size": size,
            "batch_size": batch_size,
            "name": list(seconds),
            "seconds": list(seconds.values()),
            "per_second": [batch_size / value for value in seconds.values()],
            "ratio": [value / seconds[reference] for value in seconds.values()],
        }
    )


def synchronise() -> None:
    """Wait until a GPU, where there is one, has done what it was given."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
