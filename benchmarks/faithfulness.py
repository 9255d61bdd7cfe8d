"""The faithfulness metrics of many images at a time, compared with a plain loop over images."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from torch import Tensor

from align.attribution import ATTRIBUTIONS
from align.metrics import METRICS
from align.metrics.base import Explained, Values
from align.metrics.evaluate import measure
from align.metrics.explain import explain
from align.metrics.settings import EvaluationSettings
from align.models.classifier import Classifier
from align.preparation.packed import Packed
from align.registry import load
from benchmarks.setting import CLASSES, Setting
from benchmarks.timing import interleaved, table

NAMES = ("sufficiency", "comprehensiveness", "insertion_auc", "deletion_auc")
AT_ONCE, PLAIN = "all images at a time", "a loop over images"


def faithfulness(setting: Setting, rounds: int) -> pd.DataFrame:
    """Return a row for the library and one for the loop: seconds for ``batch_size`` images, images/s, ratio to the library."""
    explained = explained_noise(setting)
    classifier = setting.method("erm").classifier.eval()
    contenders: dict[str, Callable[[], object]] = {
        AT_ONCE: lambda: all_at_once(explained),
        PLAIN: lambda: plain_loop(classifier, explained.images, explained.saliency, explained.settings),
    }
    return table("faithfulness", setting.columns, setting.batch_size, interleaved(contenders, rounds), AT_ONCE)


def explained_noise(setting: Setting) -> Explained:
    """Return ``batch_size`` images of noise and their Grad-CAM from a network with random weights."""
    method = setting.method("erm")
    method.classifier.eval()
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (setting.batch_size, setting.size, setting.size, 3), dtype=np.uint8)
    packed = Packed(images, np.arange(setting.batch_size) % CLASSES, [], None)
    options = EvaluationSettings(batch_size=setting.batch_size)
    return explain(method, load(ATTRIBUTIONS[options.attribution]), packed, options, setting.device)


def all_at_once(explained: Explained) -> dict[str, Values]:
    """Return the values of the metrics. They come from a copy, because ``explained`` keeps predictions for the next call."""
    return measure(replace(explained), [load(METRICS[name].implementation) for name in NAMES])


@torch.no_grad()
def plain_loop(classifier: Classifier, images: Tensor, saliency: Tensor, settings: EvaluationSettings) -> dict[str, list[float]]:
    """Return N values of each metric. One image after the other is perturbed and predicted.

    Args:
        classifier: a classifier in evaluation mode.
        images: normalised images, N×3×H×W.
        saliency: their saliency maps, N×h×w.
        settings: the shares of pixels, the steps of the curves and the blur.
    """
    values: dict[str, list[float]] = {name: [] for name in NAMES}
    for image, saliency_map in zip(images, saliency):
        for name, value in _image_values(classifier, image, saliency_map, settings).items():
            values[name].append(value)
    return values


def _image_values(classifier: Classifier, image: Tensor, saliency: Tensor, settings: EvaluationSettings) -> dict[str, float]:
    height, width = image.shape[1:]
    upsampled = F.interpolate(saliency[None, None], size=(height, width), mode="bilinear")[0, 0]
    order = upsampled.flatten().argsort(descending=True, stable=True)
    sigma = settings.blur * height / 224
    radius = max(1, round(sigma))
    point = np.zeros((2 * radius + 1, 2 * radius + 1))
    point[radius, radius] = 1
    window = torch.from_numpy(gaussian_filter(point, sigma)).to(image)
    blurred = F.conv2d(image[:, None], window[None, None], padding=radius)[:, 0]
    nothing = torch.zeros_like(image)
    label = int(classifier(image[None]).argmax())

    def confidence(count: int, top: Tensor, rest: Tensor) -> float:
        salient = torch.zeros(height * width, dtype=torch.bool, device=image.device)
        salient[order[:count]] = True
        perturbed = torch.where(salient.view(height, width), top, rest)
        return classifier(perturbed[None]).softmax(1)[0, label].item()

    unchanged = confidence(0, image, image)
    removed = [max(1, round(share * order.numel())) for share in settings.removed_shares]
    counts = [round(step * order.numel() / settings.curve_steps) for step in range(settings.curve_steps + 1)]

    def mean_height(confidences: Sequence[float]) -> float:
        return torch.trapezoid(torch.tensor(confidences), torch.tensor(counts) / order.numel()).item()

    return {
        "sufficiency": unchanged - float(np.mean([confidence(count, image, nothing) for count in removed])),
        "comprehensiveness": unchanged - float(np.mean([confidence(count, nothing, image) for count in removed])),
        "insertion_auc": mean_height([confidence(count, image, blurred) for count in counts]),
        "deletion_auc": mean_height([confidence(count, nothing, image) for count in counts]),
    }
