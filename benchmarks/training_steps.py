"""One training step of every method: ratios to ERM's beside goals and bounds, and how near it comes to what arithmetic takes."""

import gc
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import product

import pandas as pd
import torch

from align.methods.base import Batch
from benchmarks.arithmetic import large_operations, operations
from benchmarks.setting import Setting
from benchmarks.timing import interleaved, with_goals

# A forward pass, a backward pass to the input and one to the weights cost one unit each; ERM takes 3. Passes through a part of
# the network and those of a masker are left out.
BOUNDS = {
    "erm": 3 / 3,
    "mixup": 3 / 3,
    "rsc": 3 / 3,
    "cgc": 6 / 3,
    "irm": 3 / 3,
    "group_dro": 3 / 3,
    "sgt": 8 / 3,
    "dre": 6 / 3,
    "align": 10 / 3,
    "align-plus": 10 / 3,
}
GOALS = {"sgt": 2.8, "dre": 2.2, "align": 3.7}
SAME = ["network", "size", "batch_size", "precision", "compile"]  # what steps must share to be compared
WARM_UP_OF_COMPILED = 5  # steps: compilation, and the recording of CUDA graphs
COUNTED_IMAGES = 4


def training_steps(setting: Setting, rounds: int, names: Sequence[str] = tuple(BOUNDS)) -> pd.DataFrame:
    """Return a row per method: seconds per step, images/s, ratio to ERM, bound, share of arithmetic's bound, goal, memory."""
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
    """Return :func:`training_steps` of each of ``settings``, each method by itself: one that fails is a row that says why.

    Args:
        settings: the most important ones first.
        rounds: timed steps of each.
        names: methods.
        budget: seconds after which no further one is begun; it becomes a row without a measurement.
    """
    end = time.perf_counter() + budget

    def measured() -> Iterator[pd.DataFrame]:
        for setting, name in product(settings, names):
            try:
                if time.perf_counter() > end:
                    raise TimeoutError(f"not measured: {budget:.0f} seconds for variants were over")
                torch.compiler.reset()  # of many variants of one module torch compiles only the first few
                yield training_steps(setting, rounds, (name,))
            except Exception as error:  # whatever a compiler may raise
                note = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:160] if str(error) else ''}"
                row = {"benchmark": "training step", "name": name, **setting.columns, "seconds": math.nan, "note": note}
                yield pd.DataFrame([row])

    return with_ratios(pd.concat(measured(), ignore_index=True))


def with_ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``rows`` with ``ratio``: seconds over those of ERM in the same configuration, NaN where ERM has none."""
    erm = rows[rows["name"] == "erm"].set_index(SAME)["seconds"].rename("of_erm")
    joined = rows.join(erm, on=SAME)
    return joined.assign(ratio=joined["seconds"] / joined["of_erm"]).drop(columns="of_erm")


def _warm_step(setting: Setting, name: str, batch: Batch) -> tuple[Callable[[], object], int | None]:
    """Return a method's step, compiled and with an optimiser in motion, and the most GPU memory that it adds; on the CPU None."""
    on_gpu = setting.device.type == "cuda"
    gc.collect()
    held = torch.cuda.memory_allocated(setting.device) if on_gpu else 0
    step = partial(setting.method(name).step, batch)
    for _ in range(1 if setting.compile == "none" else WARM_UP_OF_COMPILED):
        step()
    if not on_gpu:
        return step, None
    torch.cuda.reset_peak_memory_stats(setting.device)  # the first step tries algorithms, which takes memory of its own
    step()
    return step, torch.cuda.max_memory_allocated(setting.device) - held


def _operations_of_step(setting: Setting, name: str) -> float:
    """Return the operations of a step; they are counted for a few images, as each costs the same."""
    few = setting._replace(batch_size=COUNTED_IMAGES, compile="none")
    method, batch = few.method(name), few.batch()
    return operations(lambda: method.step(batch)) * setting.batch_size / COUNTED_IMAGES
