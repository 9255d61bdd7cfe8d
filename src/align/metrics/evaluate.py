"""All metrics of one model on one target domain."""

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
    """A value, averaged over the ``n`` images for which it is defined."""

    metric: str
    value: float
    n: int


def measure(explained: Explained, metrics: Sequence[Metric]) -> dict[str, Values]:
    """Return every value that ``metrics`` give, by name.

    All metrics together predict at most n·(2·curve_steps − 1 + 2·|removed_shares|) + 1 perturbed images, n the number of drawn
    images: curve_steps for insertion, one less for deletion (its ends are known), a forward per share for sufficiency and
    for comprehensiveness (none for a share that is a step of deletion), and the empty image. Everything else is small beside
    that.
    """
    return {name: value for metric in metrics for name, value in metric(explained).items()}


def averaged(values: Mapping[str, Values]) -> list[Measurement]:
    """Return the means over images, except of values that are defined for no image."""
    aggregates = {name: aggregated(value) for name, value in values.items()}
    return [Measurement(metric=name, value=value, n=n) for name, (value, n) in aggregates.items() if n > 0]


def of_images(packed: Packed, explained: Explained, values: Mapping[str, Values], classes: Sequence[str]) -> pd.DataFrame:
    """Return a row per image: path, class, predicted class, ``p:<class>`` of every class, and each value that images have."""
    names = list(classes)
    labels = {"path": packed.paths, "class": [names[label] for label in packed.labels]}
    predicted = {"predicted": [names[label] for label in explained.predicted.tolist()]}
    probabilities = {f"p:{name}": column for name, column in zip(names, explained.probabilities.cpu().numpy().T)}
    own = {name: value.cpu().numpy() for name, value in values.items() if isinstance(value, torch.Tensor)}
    return pd.DataFrame(labels | predicted | probabilities | own)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write ``table`` with six digits, compressed where ``path`` ends so; the same table gives the same bytes."""
    content = table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode()
    with whole_file(path) as partial:
        partial.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def aggregated(values: Values) -> Aggregate:
    """Return the mean of the values that are not NaN (NaN itself where there is none), and their number."""
    if isinstance(values, Aggregate):
        return values
    defined = values[~values.isnan()].double()
    return Aggregate(defined.mean().item(), len(defined))
