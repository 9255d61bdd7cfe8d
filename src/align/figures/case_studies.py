"""Test images with their ground truth, every method's saliency map and the learned masks."""

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

from align.figures.style import WRONG, Drawing
from align.imaging.masks import UNKNOWN
from align.imaging.resizing import resized
from align.imaging.scaling import min_max_scale
from align.methods.base import Method
from align.methods.naming import method_title
from align.metrics.explain import Attribution, explain
from align.metrics.settings import EvaluationSettings
from align.preparation.packed import Packed
from align.results.titles import DISTRIBUTION_TITLES, plain

CAPTION = """
Models of the first seed, trained on {sources} of {dataset}. The figure shows {images} test images of every target
domain. They are spread evenly over the list and not picked by hand. Beside each image stand:

- the true mask of the object, if it is known
- the saliency map of each method's prediction, from dark (none) to bright; a map that is the same everywhere says
  nothing about the image and is called flat
- the learned mask, from black (0) to white (1)

Below each map stand the predicted class and its probability. A wrong prediction has a cross, bold print and a frame.
"""

CELL = 1.15  # inches


@dataclass(frozen=True)
class Cases:
    """N packed images to show.

    Attributes:
        domains: N, the target domain of each image.
        packed: the images.
        classes: the names of the classes, in the order of the labels.
    """

    domains: Sequence[str]
    packed: Packed
    classes: Sequence[str]


@dataclass(frozen=True)
class Explanations:
    """What one trained model says about N images.

    Attributes:
        predicted: N, labels of the predicted classes.
        probabilities: N×K, of all classes.
        saliency: N×S×S in [0, 1], from 0 to 1 in each map; zero everywhere for a flat map.
        mask: N×S×S in [0, 1]; None for a method that learns no mask.
    """

    predicted: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    saliency: npt.NDArray[np.float32]
    mask: npt.NDArray[np.float32] | None

    @property
    def confidence(self) -> npt.NDArray[np.float32]:
        """N, the probabilities of the predicted classes."""
        return np.asarray(self.probabilities.max(axis=1))


def case_studies(cases: Cases, explanations: Mapping[str, Explanations], source_domains: Collection[str]) -> Drawing:
    """Return a row for each image: the image, its ground truth, each method's saliency map and each learned mask.

    The column of the ground truth is left out where no image has any.

    Args:
        cases: N images.
        explanations: what each method says about them.
        source_domains: the domains that the methods were trained on.
    """
    return Drawing(predictions(cases, explanations), draw_case_studies(cases, explanations, source_domains))


def sample_evenly(packed: Packed, n: int) -> Packed:
    """Return ``n`` images, evenly spread over their order, so that nobody picks them; all images where there are fewer."""
    return some_images(packed, spread_evenly(len(packed.labels), n))


def spread_evenly(total: int, n: int) -> npt.NDArray[np.int64]:
    """Return ``n`` of ``total`` positions, evenly spread; all of them where there are fewer."""
    return np.arange(min(n, total)) * total // min(n, total)


def some_images(packed: Packed, chosen: Sequence[int] | npt.NDArray[np.int64]) -> Packed:
    """Return the images at the positions ``chosen``."""
    ground_truth = None if packed.ground_truth is None else packed.ground_truth[chosen]
    return Packed(packed.images[chosen], packed.labels[chosen], [packed.paths[i] for i in chosen], ground_truth)


def collect_cases(by_domain: Mapping[str, Packed], classes: Sequence[str]) -> Cases:
    """Return the images of all target domains, one domain after the other."""
    parts = list(by_domain.values())
    unknown = [np.full(part.images.shape[:3], UNKNOWN, np.uint8) for part in parts]
    ground_truth = [none if part.ground_truth is None else part.ground_truth for none, part in zip(unknown, parts)]
    packed = Packed(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.labels for part in parts]),
        [path for part in parts for path in part.paths],
        np.concatenate(ground_truth),
    )
    return Cases([domain for domain, part in by_domain.items() for _ in part.labels], packed, classes)


def explain_cases(
    method: Method, attribution: Attribution, cases: Cases, settings: EvaluationSettings, device: torch.device
) -> Explanations:
    """Return a trained method's predictions, its saliency maps of the predicted classes, and its masks."""
    explained = explain(method, attribution, cases.packed, settings, device)
    probabilities = explained.probabilities.cpu().numpy()
    saliency = min_max_scale(resized(explained.saliency, explained.images.shape[-2:]))
    mask = None if explained.learned_mask is None else explained.learned_mask.cpu().numpy()
    return Explanations(probabilities.argmax(axis=1), probabilities, saliency.cpu().numpy(), mask)


def predictions(cases: Cases, explanations: Mapping[str, Explanations]) -> pd.DataFrame:
    """Return a row for each prediction: domain, path, class, method, predicted class, confidence, correct."""
    names = np.array(cases.classes)
    frames = [
        pd.DataFrame(
            {
                "domain": cases.domains,
                "path": cases.packed.paths,
                "class": names[cases.packed.labels],
                "method": method,
                "predicted": names[explanation.predicted],
                "confidence": explanation.confidence,
                "correct": explanation.predicted == cases.packed.labels,
            }
        )
        for method, explanation in explanations.items()
    ]
    return pd.concat(frames, ignore_index=True)


def draw_case_studies(cases: Cases, explanations: Mapping[str, Explanations], source_domains: Collection[str]) -> Figure:
    """Draw the figure of :func:`case_studies`."""
    ground_truth = cases.packed.ground_truth
    known = ground_truth is not None and bool((ground_truth != UNKNOWN).any())
    with_mask = [method for method, explanation in explanations.items() if explanation.mask is not None]
    header = ["image", *(["ground truth"] if known else []), *map(method_title, explanations)]
    header += [f"{method_title(method)}: mask" for method in with_mask]
    rows = len(cases.domains)
    figure, grid = plt.subplots(
        rows, len(header), figsize=(CELL * len(header), 1.2 * CELL * rows), squeeze=False, layout="constrained"
    )
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
    for axes, title in zip(grid[0], header):
        axes.set_title(textwrap.fill(title, 18))
    for row, (panels, domain) in enumerate(zip(grid, cases.domains)):
        image, label = cases.packed.images[row], cases.packed.labels[row]
        remaining = iter(panels)
        first = next(remaining)
        first.imshow(image, interpolation="none")
        distribution = DISTRIBUTION_TITLES["in" if domain in source_domains else "out"]
        first.set_ylabel(f"{plain(domain)}\n{distribution}", fontsize=7)
        first.set_xlabel(f"class {plain(cases.classes[label])}", fontsize=7)
        if known and ground_truth is not None:
            _show_mask(next(remaining), None if (ground_truth[row] == UNKNOWN).all() else ground_truth[row])
        for explanation in explanations.values():
            axes = next(remaining)
            axes.imshow(overlay(image, explanation.saliency[row]), interpolation="none")
            if not explanation.saliency[row].any():
                axes.text(0.5, 0.5, "flat", color="white", ha="center", va="center", transform=axes.transAxes, fontsize=7)
            predicted = explanation.predicted[row]
            _label_prediction(axes, plain(cases.classes[predicted]), explanation.confidence[row], correct=predicted == label)
        for method in with_mask:
            mask = explanations[method].mask
            _show_mask(next(remaining), None if mask is None else mask[row])
    return figure


def overlay(image: npt.NDArray[np.uint8], saliency: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the image in grey under the map in colour, S×S×3 in [0, 1]. Only the map is coloured."""
    grey = image.mean(axis=2, keepdims=True) / 255
    return np.asarray(0.5 * grey + 0.5 * mpl.colormaps["inferno"](saliency)[..., :3])


def _show_mask(axes: Axes, mask: npt.NDArray[np.float32] | npt.NDArray[np.uint8] | None) -> None:
    if mask is None:
        axes.text(0.5, 0.5, "not known", ha="center", va="center", transform=axes.transAxes, fontsize=7)
    else:
        axes.imshow(mask, cmap="gray", vmin=0, vmax=1, interpolation="none")
        axes.set_xlabel(f"area {mask.mean():.2f}", fontsize=7)


def _label_prediction(axes: Axes, name: str, confidence: float, *, correct: bool) -> None:
    """Print the predicted class below a map. A wrong one has a cross, bold print, a frame and a colour."""
    if correct:
        axes.set_xlabel(f"✓ {name}, {confidence:.2f}", fontsize=7)
    else:
        axes.set_xlabel(f"✗ {name}, {confidence:.2f}", fontsize=7, color=WRONG, weight="bold")
        for spine in axes.spines.values():
            spine.set(edgecolor=WRONG, linewidth=2)
