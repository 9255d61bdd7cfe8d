"""One training step of every method: its ratio to ERM's, with goals and bounds, and the share that arithmetic must take."""

import gc
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product

import pandas as pd
import torch

from align.errors import first_line
from align.methods.base import Batch
from align.methods.passes import PASSES
from benchmarks.arithmetic import large_operations, operations
from benchmarks.setting import Setting
from benchmarks.timing import interleaved, with_goals

BOUNDS = {name: passes / PASSES["erm"] for name, passes in PASSES.items()}
GOALS = {"sgt": 2.8, "dre": 2.2, "align": 3.7, "align-swap": 3.7}
SAME = ["network", "size", "batch_size", "precision", "compile"]  # the columns in which compared steps must agree
COMPILED_WARM_UP = 5  # steps, for the compilation and the recording of CUDA graphs
COUNTED_IMAGES = 4


def training_steps(setting: Setting, rounds: int, names: Sequence[str] = tuple(BOUNDS)) -> pd.DataFrame:
    """Return a row for each method: seconds of a step, images/s, ratio to ERM, bound, share of arithmetic, goal and memory."""
    batch = setting.batch()
    large = large_operations(setting)
    memory, steps = {}, {}
    for name in names:
        steps[name], memory[name] = _warm_step(setting, name, batch)
    seconds = interleaved(steps | large, rounds)
    rate = max(operations(call) / seconds.pop(name) for name, call in large.items())
    rows = pd.DataFrame({"benchmark": "training step", "name": names, **setting.columns, "seconds": list(seconds.values())})
    rows = rows.assign(
        per_second=setting.batch_size / rows["seconds"],
        bound=[BOUNDS[name] for name in names],
        share_of_bound=[_operations_of_step(setting, name) / rate / seconds[name] for name in names],
        peak_memory_bytes=[memory[name] for name in names],
    )
    return with_goals(with_ratios(rows), GOALS, "ratio")


def variants(settings: Iterable[Setting], rounds: int, names: Sequence[str], budget: float) -> pd.DataFrame:
    """Return :func:`training_steps` of each setting and method. If one fails, its row has a note with the reason.

    Args:
        settings: the settings, the most important first.
        rounds: the number of timed steps of each.
        names: the methods.
        budget: the seconds after which no further variant is measured. Each later one becomes a row without a measurement.
    """
    end = time.perf_counter() + budget

    def variant_rows() -> Iterator[pd.DataFrame]:
        for setting, name in product(settings, names):
            try:
                if time.perf_counter() > end:
                    raise TimeoutError(f"not measured: {budget:.0f} seconds for variants were over")
                torch.compiler.reset()  # otherwise torch compiles only the first few variants of a module
                yield training_steps(setting, rounds, (name,))
            except Exception as error:  # a compiler may raise anything
                yield left_out(setting, [name], f"{type(error).__name__}: {first_line(error)}")

    return with_ratios(pd.concat(variant_rows(), ignore_index=True))


def left_out(setting: Setting, names: Iterable[str], note: str) -> pd.DataFrame:
    """Return a row without a measurement for each method. Its note says why there is none."""
    row = {"benchmark": "training step", **setting.columns, "seconds": math.nan, "note": note}
    return pd.DataFrame([{"name": name} | row for name in names])


def with_ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``rows`` with ``ratio``: seconds over ERM's seconds in the same configuration. NaN if ERM was not measured."""
    erm = rows[rows["name"] == "erm"].set_index(SAME)["seconds"].rename("erm_seconds")
    with_erm = rows.join(erm, on=SAME)
    return with_erm.assign(ratio=with_erm["seconds"] / with_erm["erm_seconds"]).drop(columns="erm_seconds")


def _warm_step(setting: Setting, name: str, batch: Batch) -> tuple[Callable[[], object], int | None]:
    """Return a method's step after its first steps, and the peak of GPU memory that a step adds. On a CPU, the memory is None."""
    on_gpu = setting.device.type == "cuda"
    gc.collect()
    held = torch.cuda.memory_allocated(setting.device) if on_gpu else 0
    step = partial(setting.method(name).step, batch)
    for _ in range(1 if setting.compile == "none" else COMPILED_WARM_UP):
        step()
    if not on_gpu:
        return step, None
    torch.cuda.reset_peak_memory_stats(setting.device)  # the first step tries algorithms, which needs additional memory
    step()
    return step, torch.cuda.max_memory_allocated(setting.device) - held


def _operations_of_step(setting: Setting, name: str) -> float:
    """Return the number of operations in a step. It is counted for a few images and scaled, because all images cost the same."""
    few = setting._replace(batch_size=COUNTED_IMAGES, compile="none")
    method, batch = few.method(name), few.batch()
    return operations(lambda: method.step(batch)) * setting.batch_size / COUNTED_IMAGES
