"""The explorer: test images with every method's prediction, saliency map and mask, as data for the results page."""

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from align.figures.case_studies import Cases, Explanations, overlay, spread_evenly
from align.imaging.masks import UNKNOWN
from align.methods.naming import method_title
from align.preparation.packed import Packed
from align.results.collect import trained_on
from align.results.titles import DISTRIBUTION_TITLES, plain

EVENLY, DISAGREEMENT = "evenly drawn", "large disagreement"
LARGEST = 160  # pixels a side; larger images are reduced, so that the page stays small


def choose_by_domain(
    tested: Mapping[str, Packed], classes: Sequence[str], evaluations: Sequence[pd.DataFrame], evenly: int, disagreements: int
) -> dict[str, dict[int, str]]:
    """Return :func:`choose_images` for each target domain.

    Args:
        tested: the tested images of each domain.
        classes: the names of the classes, in the order of the labels.
        evaluations: the images of each method's evaluation, ``images.csv.gz``.
        evenly: how many images of a domain are spread evenly over its list.
        disagreements: how many more have the largest disagreements.
    """
    return {
        domain: choose_images(
            packed.paths,
            [classes[label] for label in packed.labels],
            [images[images["target_domain"] == domain] for images in evaluations],
            evenly,
            disagreements,
        )
        for domain, packed in tested.items()
    }


def choose_images(
    paths: Sequence[str], classes: Sequence[str], evaluations: Sequence[pd.DataFrame], evenly: int, disagreements: int
) -> dict[int, str]:
    """Return the images to show of one target domain, in the order of their list, each with the reason why.

    First come images that are spread evenly over the list, then those of whose true class the methods' probabilities lie furthest
    apart. Of equal ones the first counts.

    Args:
        paths: N paths of the tested images.
        classes: N names of their classes.
        evaluations: the images of each method's evaluation: path, and ``p:<class>`` for each class.
        evenly: the number of the former.
        disagreements: the number of the latter.
    """
    chosen = dict.fromkeys(map(int, spread_evenly(len(paths), evenly)), EVENLY)
    tables = [images.set_index("path") for images in evaluations]
    of_true_class = np.array([[table.loc[path, f"p:{name}"] for path, name in zip(paths, classes)] for table in tables])
    by_spread = map(int, np.argsort(-np.ptp(of_true_class, axis=0), kind="stable"))
    further = [index for index in by_spread if index not in chosen][:disagreements]
    chosen |= dict.fromkeys(further, DISAGREEMENT)
    return {index: chosen[index] for index in sorted(chosen)}


def explorer_data(
    dataset: str,
    protocol: str,
    domain: str,
    cases: Cases,
    reasons: Sequence[str],
    explanations: Mapping[str, Explanations],
    source_domains: Sequence[str],
) -> dict[str, Any]:
    """Return what the explorer shows of the models of one setting, as plain values for JSON. Images are data URIs.

    Args:
        dataset: of the models.
        protocol: theirs.
        domain: their source domain, or the domain that is left out.
        cases: N images.
        reasons: N, why each image is shown.
        explanations: what each method says about them.
        source_domains: the domains that the models were trained on.
    """
    classes = [plain(name) for name in cases.classes]
    return {
        "dataset": plain(dataset),
        "protocol": plain(protocol),
        "source": plain(trained_on(protocol, domain)),
        "classes": classes,
        "methods": {method: method_title(method) for method in explanations},
        "images": [
            {
                "path": cases.packed.paths[n],
                "target": plain(target),
                "distribution": DISTRIBUTION_TITLES["in" if target in source_domains else "out"],
                "class": classes[cases.packed.labels[n]],
                "reason": reasons[n],
                "image": data_uri(cases.packed.images[n]),
                "truth": _truth(cases, n),
                "methods": {method: _explained(cases, explanation, n) for method, explanation in explanations.items()},
            }
            for n, target in enumerate(cases.domains)
        ],
    }


def data_uri(image: npt.NDArray[np.uint8]) -> str:
    """Return an image S×S×3, or a grey one S×S, as a data URI of a WebP of at most ``LARGEST`` pixels a side."""
    picture = Image.fromarray(image)
    picture.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80, method=6)
    return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode()}"


def _explained(cases: Cases, explanation: Explanations, n: int) -> dict[str, Any]:
    """Return what one method says about image ``n``."""
    saliency = explanation.saliency[n]
    picture = np.round(255 * overlay(cases.packed.images[n], saliency)).astype(np.uint8)
    return {
        "predicted": int(explanation.predicted[n]),
        "right": bool(explanation.predicted[n] == cases.packed.labels[n]),
        "probabilities": [round(float(p), 4) for p in explanation.probabilities[n]],
        "map": data_uri(picture) if saliency.any() else None,  # a flat map shows nothing
        "mask": None if explanation.mask is None else data_uri(_grey(explanation.mask[n])),
        "area": None if explanation.mask is None else round(float(explanation.mask[n].mean()), 3),
    }


def _truth(cases: Cases, n: int) -> str | None:
    truth = cases.packed.ground_truth
    return None if truth is None or (truth[n] == UNKNOWN).all() else data_uri(_grey(truth[n]))


def _grey(mask: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return a mask in [0, 1] as grey levels."""
    return np.round(255 * mask.astype(np.float64)).astype(np.uint8)
