"""Test images with every method's saliency map, ALIGN's learned mask and the ground truth."""

import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from align.figures.style import WRONG
from align.imaging.masks import UNKNOWN
from align.imaging.resizing import resized
from align.imaging.scaling import min_max_scale
from align.methods.base import Method
from align.methods.naming import method_title
from align.metrics.explain import Attribution, explain
from align.metrics.settings import EvaluationSettings
from align.preparation.packed import Packed
from align.results.titles import plain

CELL = 1.15  # inches


@dataclass(frozen=True)
class Cases:
    """Images to show, as they are packed.

    Attributes:
        domains: the target domain of each of the N images.
        packed: the images.
        classes: names of the classes in the order of the labels.
    """

    domains: Sequence[str]
    packed: Packed
    classes: Sequence[str]


@dataclass(frozen=True)
class Explanations:
    """What one trained model says about N images.

    Attributes:
        predicted: N, positions in the list of classes.
        confidence: N, probabilities of the predicted classes.
        saliency: N×S×S in [0, 1].
        mask: N×S×S in [0, 1]; None: the method learns no mask.
    """

    predicted: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float32]
    saliency: npt.NDArray[np.float32]
    mask: npt.NDArray[np.float32] | None


def evenly_drawn(packed: Packed, n: int) -> Packed:
    """Return ``n`` images (all where there are fewer), evenly spread over their order: nobody has picked them."""
    total = len(packed.labels)
    chosen = np.arange(min(n, total)) * total // min(n, total)
    masks = None if packed.masks is None else packed.masks[chosen]
    return Packed(packed.images[chosen], packed.labels[chosen], [packed.paths[i] for i in chosen], masks)


def cases(of_domains: Mapping[str, Packed], classes: Sequence[str]) -> Cases:
    """Return the images of all target domains, one domain after the other."""
    parts = list(of_domains.values())
    masks = [np.full(part.images.shape[:3], UNKNOWN, np.uint8) if part.masks is None else part.masks for part in parts]
    packed = Packed(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        [path for part in parts for path in part.paths],
        np.concatenate(masks),
    )
    return Cases([domain for domain, part in of_domains.items() for _ in part.labels], packed, classes)


def explanations(
    method: Method, attribution: Attribution, shown: Cases, settings: EvaluationSettings, device: torch.device
) -> Explanations:
    """Return a trained method's predictions, saliency maps of the predicted classes, and masks."""
    explained = explain(method, attribution, shown.packed, settings, device)
    confidence, predicted = explained.probabilities.max(dim=1)
    saliency = min_max_scale(resized(explained.saliency, explained.images.shape[-2:]))
    mask = None if explained.learned_mask is None else explained.learned_mask.cpu().numpy()
    return Explanations(predicted.cpu().numpy(), confidence.cpu().numpy(), saliency.cpu().numpy(), mask)


def predictions(shown: Cases, explained: Mapping[str, Explanations]) -> pd.DataFrame:
    """Return domain, path, class, method, predicted class, confidence and whether it is correct, a row per prediction."""
    names = np.array(shown.classes)
    frames = [
        pd.DataFrame(
            {
                "domain": shown.domains,
                "path": shown.packed.paths,
                "class": names[shown.packed.labels],
                "method": method,
                "predicted": names[of_method.predicted],
                "confidence": of_method.confidence,
                "correct": of_method.predicted == shown.packed.labels,
            }
        )
        for method, of_method in explained.items()
    ]
    return pd.concat(frames, ignore_index=True)


def draw_case_studies(shown: Cases, explained: Mapping[str, Explanations], source_domains: Collection[str]) -> Figure:
    """Return a row per image: the image, its ground truth if any is known, every method's saliency, every learned mask."""
    masks = shown.packed.masks
    known = masks is not None and bool((masks != UNKNOWN).any())
    masking = [method for method, of_method in explained.items() if of_method.mask is not None]
    header = ["image", *(["ground truth"] if known else []), *map(method_title, explained)]
    header += [f"{method_title(method)}: mask" for method in masking]
    rows = len(shown.domains)
    figure, grid = plt.subplots(
        rows, len(header), figsize=(CELL * len(header), 1.2 * CELL * rows), squeeze=False, layout="constrained"
    )
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
    for axes, title in zip(grid[0], header):
        axes.set_title(textwrap.fill(title, 18))
    for row, (panels, domain) in enumerate(zip(grid, shown.domains)):
        image, label = shown.packed.images[row], shown.packed.labels[row]
        remaining = iter(panels)
        first = next(remaining)
        first.imshow(image, interpolation="none")
        where = "in distribution" if domain in source_domains else "out of distribution"
        first.set_ylabel(f"{plain(domain)}\n{where}", fontsize=7)
        first.set_xlabel(f"class {plain(shown.classes[label])}", fontsize=7)
        if known and masks is not None:
            _show_mask(next(remaining), None if (masks[row] == UNKNOWN).all() else masks[row])
        for of_method in explained.values():
            axes = next(remaining)
            axes.imshow(_overlay(image, of_method.saliency[row]), interpolation="none")
            predicted = of_method.predicted[row]
            _label_prediction(axes, plain(shown.classes[predicted]), of_method.confidence[row], correct=predicted == label)
        for method in masking:
            mask = explained[method].mask
            _show_mask(next(remaining), None if mask is None else mask[row])
    return figure


def _overlay(image: npt.NDArray[np.uint8], saliency: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the image in grey under the map in colour, S×S×3 in [0, 1]: only saliency is colour."""
    grey = image.mean(axis=2, keepdims=True) / 255
    return np.asarray(0.5 * grey + 0.5 * mpl.colormaps["inferno"](saliency)[..., :3])


def _show_mask(axes: Axes, mask: npt.NDArray[np.float32] | npt.NDArray[np.uint8] | None) -> None:
    if mask is None:
        axes.text(0.5, 0.5, "not known", ha="center", va="center", transform=axes.transAxes, fontsize=7)
    else:
        axes.imshow(mask, cmap="gray", vmin=0, vmax=1, interpolation="none")
        axes.set_xlabel(f"area {mask.mean():.2f}", fontsize=7)


def _label_prediction(axes: Axes, name: str, confidence: float, *, correct: bool) -> None:
    """Print the predicted class below a map; mark a wrong one by sign, weight, frame and colour."""
    if correct:
        axes.set_xlabel(f"✓ {name}, {confidence:.2f}", fontsize=7)
    else:
        axes.set_xlabel(f"✗ {name}, {confidence:.2f}", fontsize=7, color=WRONG, weight="bold")
        for spine in axes.spines.values():
            spine.set(edgecolor=WRONG, linewidth=2)
