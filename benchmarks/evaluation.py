"""All metrics of one run of the embedded benchmark, compared with only the forward passes that they need."""

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

TARGETS, IMAGES = 4, 200  # the test splits of the four domains of DigitScenes
WHOLE, PASSES = "all metrics", "their forward passes"
GOALS = {PASSES: 0.8}  # least share of the whole evaluation
# The settings by benchmark: the defaults, and those of the embedded benchmark.
OPTIONS = {
    "evaluation of a run": {},
    "evaluation of a run, short curves": {"curve_steps": 10, "images_per_target": 64},
}


def evaluation(setting: Setting, rounds: int) -> pd.DataFrame:
    """Return a row for the whole evaluation and a row for its forward passes. ``ratio`` is their share of the whole.

    Args:
        setting: the network, the image size and the batch size. Evaluation is always in float32.
        rounds: the number of evaluations of each kind. They take turns with their forward passes.
    """
    return pd.concat([_evaluation(benchmark, setting, options, rounds) for benchmark, options in OPTIONS.items()])


def _evaluation(benchmark: str, setting: Setting, options: dict[str, int], rounds: int) -> pd.DataFrame:
    whole, forwards = contenders(setting, EvaluationSettings.model_validate({"batch_size": setting.batch_size} | options))
    seconds = interleaved({WHOLE: whole, PASSES: forwards}, rounds)
    return with_goals(table(benchmark, setting.columns, TARGETS * IMAGES, seconds, WHOLE), GOALS, "ratio")


def contenders(setting: Setting, options: EvaluationSettings) -> tuple[Callable[[], None], Callable[[], None]]:
    """Return the evaluation of a run of ALIGN, and its forward passes: those of the images, and those that metrics ask for."""
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
    requested = []

    def recorded(images: Tensor) -> Tensor:
        requested.append(len(images))
        return explained.predict(images)

    measure(replace(explained, predict=recorded), metrics)

    def whole() -> None:
        for _ in range(TARGETS):
            measure(explain(method, attribution, packed, options, setting.device), metrics)

    def forwards() -> None:
        for _ in range(TARGETS):
            for images in explained.images.split(options.batch_size):
                predict(method.classifier, images)
            for n in requested:
                explained.predict(explained.images[:n])

    return whole, forwards
