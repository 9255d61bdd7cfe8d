"""All metrics of one run of the embedded benchmark, against the forward passes that they cannot do without."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from torch import Tensor

from align.attribution import ATTRIBUTIONS
from align.metrics import METRICS
from align.metrics.evaluate import measure
from align.metrics.explain import explain, predict
from align.metrics.settings import EvaluationSettings
from align.preparation.packed import Packed
from align.registry import load
from benchmarks.setting import CLASSES, Setting
from benchmarks.timing import interleaved, table, with_goals

TARGETS, IMAGES = 4, 200  # DigitScenes: the test splits of four domains
WHOLE, PASSES = "all metrics", "their forward passes"
GOALS = {PASSES: 0.8}  # share of the whole, at least
# By benchmark: what is usual, and what the embedded benchmark has.
OPTIONS = {
    "evaluation of a run": {},
    "evaluation of a run, short curves": {"curve_steps": 10, "images_per_target": 64},
}


def evaluation(setting: Setting, rounds: int) -> pd.DataFrame:
    """Return rows for the whole evaluation and for its forward passes alone; ``ratio`` is their share of the whole.

    Args:
        setting: network, size and batch; in float32, as evaluation is everywhere.
        rounds: evaluations of each kind, by turns with their forward passes.
    """
    return pd.concat([_evaluation(benchmark, setting, options, rounds) for benchmark, options in OPTIONS.items()])


def _evaluation(benchmark: str, setting: Setting, options: dict[str, int], rounds: int) -> pd.DataFrame:
    whole, forwards = contenders(setting, EvaluationSettings.model_validate({"batch_size": setting.batch_size} | options))
    seconds = interleaved({WHOLE: whole, PASSES: forwards}, rounds)
    return with_goals(table(benchmark, setting.columns, TARGETS * IMAGES, seconds, WHOLE), GOALS, "ratio")


def contenders(setting: Setting, options: EvaluationSettings) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return the evaluation of a run of ALIGN, and the forward passes of it: the images' own, and all that metrics ask for."""
    method = setting.method("align")
    for network in method.networks.values():
        network.eval()
    random = np.random.default_rng(0)
    packed = Packed(
        random.integers(0, 256, (IMAGES, setting.size, setting.size, 3), dtype=np.uint8),
        np.arange(IMAGES) % CLASSES,
        [str(number) for number in range(IMAGES)],
        random.integers(0, 2, (IMAGES, setting.size, setting.size), dtype=np.uint8),
    )
    metrics = [load(METRICS[name].implementation) for name in options.metrics]
    attribution = load(ATTRIBUTIONS[options.attribution])
    explained = explain(method, attribution, packed, options, setting.device)
    asked = []

    def recorded(images: Tensor) -> Tensor:
        asked.append(len(images))
        return explained.predict(images)

    measure(replace(explained, predict=recorded), metrics)

    def whole() -> None:
        for _ in range(TARGETS):
            measure(explain(method, attribution, packed, options, setting.device), metrics)

    def forwards() -> None:
        for _ in range(TARGETS):
            for images in explained.images.split(options.batch_size):
                predict(method.classifier, images)
            for n in asked:
                explained.predict(explained.images[:n])

    return whole, forwards
