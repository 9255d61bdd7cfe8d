"""All metrics of one model on one target domain, as numbers and as tables."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import pandas as pd
import torch

from align.files import whole_file
from align.metrics.base import Aggregate, Explained, Metric, Values
from align.preparation.packed import Packed


class Measurement(TypedDict):
    """A measure's value, averaged over the ``n`` images for which it is defined. NaN if it is defined for none."""

    metric: str
    value: float
    n: int


def measure(explained: Explained, metrics: Sequence[Metric]) -> dict[str, Values]:
    """Return all values of ``metrics``, by name.

    The cost: all metrics together predict at most n·(2·curve_steps − 1 + 2·|removed_shares|) + 1 perturbed images, where n is
    the number of sampled images. Insertion takes curve_steps of them, deletion one less, since its ends are known. Sufficiency
    and comprehensiveness take one for each share, and none for a share that is a step of deletion. The last is the empty image.
    """
    return {name: value for metric in metrics for name, value in metric(explained).items()}


def measurements(values: Mapping[str, Values]) -> list[Measurement]:
    """Return the mean of each value over the images for which it is defined."""
    aggregates = {name: aggregate(value) for name, value in values.items()}
    return [Measurement(metric=name, value=value, n=n) for name, (value, n) in aggregates.items()]


def image_table(packed: Packed, explained: Explained, values: Mapping[str, Values], classes: Sequence[str]) -> pd.DataFrame:
    """Return a row for each image: path, class, predicted, ``p:<class>`` for every class, and its values.

    Values of all images together are left out.
    """
    names = list(classes)
    labels = {"path": packed.paths, "class": [names[label] for label in packed.labels]}
    predicted = {"predicted": [names[label] for label in explained.predicted.tolist()]}
    probabilities = {f"p:{name}": column for name, column in zip(names, explained.probabilities.cpu().numpy().T)}
    own = {name: value.cpu().numpy() for name, value in values.items() if isinstance(value, torch.Tensor)}
    return pd.DataFrame(labels | predicted | probabilities | own)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write ``table`` with six digits, compressed where ``path`` ends in ``.gz``; the same table gives the same bytes."""
    content = table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()
    with whole_file(path) as partial:
        partial.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def aggregate(values: Values) -> Aggregate:
    """Return the mean of the values that are not NaN, and their number; the mean is NaN where there are none."""
    if isinstance(values, Aggregate):
        return values
    defined = values[~values.isnan()].double()
    return Aggregate(defined.mean().item(), len(defined))
