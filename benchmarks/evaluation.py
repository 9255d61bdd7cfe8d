"""All metrics of one run of the embedded benchmark, against the forward passes that they cannot do without."""

import time

import numpy as np
import pandas as pd
import torch

from align.attribution import ATTRIBUTIONS
from align.configuration.schema import Augmentation, Classifier, Evaluation, Training
from align.methods import METHODS
from align.metrics import METRICS
from align.metrics.evaluate import measure
from align.metrics.explain import explain, predict
from align.preparation.packed import Packed
from align.registry import load
from align.training.run import RunSettings

TARGETS, IMAGES, SIZE = 4, 200, 48  # DigitScenes: the test splits of four domains
GOAL = 20.0  # seconds, with what an idle core of a laptop does


def evaluation(device: torch.device) -> pd.DataFrame:
    """Return rows for the whole evaluation and for its forward passes alone; ``ratio`` is their share of the whole."""
    entry = METHODS["align"]
    classifier = Classifier(architecture="small_resnet", weights=None)
    settings = RunSettings(entry.implementation, entry.settings(), classifier, Training(), Augmentation())
    method = settings.build(5, 0, device)
    for network in method.networks.values():
        network.eval()
    random = np.random.default_rng(0)
    packed = Packed(
        random.integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8),
        np.arange(IMAGES) % 5,
        [str(number) for number in range(IMAGES)],
        random.integers(0, 2, (IMAGES, SIZE, SIZE), dtype=np.uint8),
    )
    options = Evaluation(batch_size=64)
    metrics = [load(METRICS[name].implementation) for name in options.metrics]
    attribution = load(ATTRIBUTIONS[options.attribution])

    start = time.perf_counter()
    for _ in range(TARGETS):
        explained = explain(method, attribution, packed, options, device)
        measure(explained, metrics)
    whole = time.perf_counter() - start

    perturbed = 2 * options.curve_steps - 1 + 2 * len(options.removed_shares)
    start = time.perf_counter()
    for _ in range(TARGETS * (perturbed + 1)):
        for batch in explained.images.split(options.batch_size):
            predict(method.classifier, batch)
    forwards = time.perf_counter() - start
    images = TARGETS * IMAGES
    return pd.DataFrame(
        {
            "benchmark": "evaluation of a run",
            "network": "small_resnet",
            "size": SIZE,
            "batch_size": options.batch_size,
            "name": ["all metrics", "their forward passes"],
            "seconds": [whole, forwards],
            "per_second": [images / whole, images / forwards],
            "ratio": [1.0, forwards / whole],
            "goal": [GOAL, None],
        }
    )
