"""All metrics of one run of the embedded benchmark, against the forward passes that they cannot do without."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from align.attribution import ATTRIBUTIONS
from align.configuration.schema import Classifier, Evaluation
from align.metrics import METRICS
from align.metrics.evaluate import measure
from align.metrics.explain import explain, predict
from align.preparation.packed import Packed
from align.registry import load
from benchmarks.setting import CLASSES, Setting
from benchmarks.timing import interleaved

TARGETS, IMAGES, SIZE = 4, 200, 48  # DigitScenes: the test splits of four domains
OPTIONS = Evaluation(batch_size=64)
GOAL = 20.0  # seconds, with what an idle core of a laptop does


def evaluation(device: torch.device, options: Evaluation = OPTIONS, rounds: int = 3) -> pd.DataFrame:
    """Return rows for the whole evaluation and for its forward passes alone; ``ratio`` is their share of the whole."""
    setting = Setting(Classifier(architecture="small_resnet", weights=None), SIZE, options.batch_size, device)
    whole, forwards = contenders(setting, options)
    seconds = interleaved({"all metrics": whole, "their forward passes": forwards}, rounds)
    images = TARGETS * IMAGES
    return pd.DataFrame(
        {
            "benchmark": "evaluation of a run",
            "network": "small_resnet",
            "size": SIZE,
            "batch_size": options.batch_size,
            "name": list(seconds),
            "seconds": list(seconds.values()),
            "per_second": [images / value for value in seconds.values()],
            "ratio": [value / seconds["all metrics"] for value in seconds.values()],
            "goal": [GOAL, None],
        }
    )


def contenders(setting: Setting, options: Evaluation) -> tuple[Callable[[], None], Callable[[], None]]:
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
