"""What the time of a training run or of its evaluation is taken to be proportional to: passes of images × their pixels."""

import json
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from align import paths
from align.configuration.runs import Run, source_domains
from align.configuration.schema import Configuration
from align.datasets.published_counts import published_counts
from align.datasets.terra_incognita import PUBLISHED_TOTAL
from align.preparation.splits import evaluated_split

TOTALS = {"terra_incognita": PUBLISHED_TOTAL}  # sources of which only the sum over domains is published


class Work(NamedTuple):
    """How much a job has to do, and with which network.

    Attributes:
        trained: images of all training steps.
        predicted: images of all forward passes without a step: of validation, and those that metrics want.
        size: side of an image, pixels.
        architecture: of the network.
    """

    trained: int
    predicted: int
    size: int
    architecture: str

    @property
    def amount(self) -> int:
        """Return the pixels of all passes."""
        return (self.trained + self.predicted) * self.size**2


def split_sizes(name: str, configuration: Configuration, counts: Path, results: Path = Path(paths.RESULTS)) -> pd.DataFrame:
    """Return how many images each split of a data set has or will have: columns domain, split, images.

    Of a data set that is not split yet, the published numbers are shared out; where only their total is published, evenly over
    the domains. No row for what nobody knows yet.

    Args:
        name: of the data set.
        configuration: for its domains and the shares of the splits.
        counts: ``reference/dataset_counts.csv``.
        results: where data sets are split.
    """
    listing = paths.below(results, paths.SPLITS.format(dataset=name))
    if listing.is_file():
        return _listed(listing)
    dataset, shares = configuration.datasets[name], configuration.splits
    published = published_counts(counts, dataset.published_as(name))
    total = TOTALS.get(dataset.source_name, 0) if dataset.source else 0
    sizes = []
    for domain in dataset.domains:
        images = sum(row.images for row in published if row.domain == domain) or total / len(dataset.domains)
        dealt = {"train": shares.train, "validation": shares.validation, "test": shares.test}
        parts = {"test": 1.0} if domain in dataset.test_only else dealt
        sizes += [(domain, split, round(images * share)) for split, share in parts.items() if images * share > 0]
    return pd.DataFrame(sizes, columns=["domain", "split", "images"])


def planned_training(run: Run, configuration: Configuration, sizes: pd.DataFrame) -> Work | None:
    """Return the work of training a run: its training and validation images in every epoch; None where these are not known.

    Args:
        run: what is planned.
        configuration: for epochs, size of the images and network.
        sizes: of the splits of its data set, from :func:`split_sizes`.
    """
    sources, epochs = source_domains(configuration, run), configuration.training.epochs
    if not set(sources) <= set(sizes["domain"]):
        return None
    trained, validated = (_images(sizes, sources, split) * epochs for split in ("train", "validation"))
    return Work(trained, validated, configuration.datasets[run.dataset].image_size, configuration.classifier.architecture)


def planned_evaluation(run: Run, configuration: Configuration, sizes: pd.DataFrame) -> Work | None:
    """Return the work of evaluating a run: its forward passes, by :func:`align.metrics.evaluate.measure`; None: not known.

    Args:
        run: what is planned.
        configuration: for the metrics' steps, size of the images and network.
        sizes: of the splits of its data set, from :func:`split_sizes`.
    """
    settings, sources = configuration.evaluation, source_domains(configuration, run)
    perturbed = 2 * settings.curve_steps - 1 + 2 * len(settings.removed_shares)
    dataset, passes = configuration.datasets[run.dataset], 0
    if not set(dataset.domains) <= set(sizes["domain"]):
        return None
    for domain in dataset.domains:
        tested = _images(sizes, [domain], evaluated_split(sizes, domain, sources))
        passes += tested + perturbed * min(tested, settings.images_per_target or tested)
    return Work(0, passes, dataset.image_size, configuration.classifier.architecture)


def measured_training(run: Run, results: Path) -> Work | None:
    """Return the work of a finished run below ``results`` by what its account says, None where that or its images are gone."""
    try:
        account = json.loads(paths.below(results, paths.ACCOUNT.format(**run._asdict())).read_text())
        packed = [paths.below(results, path) for path in account["hashes"]["data"] if path.endswith(".npy")]
        shapes = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False).shape for path in packed}
        sides = {domain: shape[1] for domain, shape in shapes.items() if len(shape) == 4}  # masks have no colours
        sizes, settings = _listed(paths.below(results, paths.SPLITS.format(dataset=run.dataset))), account["settings"]
        epochs = settings["training"]["epochs"]
        trained, validated = (_images(sizes, sides, split) * epochs for split in ("train", "validation"))
        side = next(iter(sides.values()))
        return Work(trained, validated, side, settings["classifier"]["architecture"]) if trained else None
    except (OSError, ValueError, KeyError, StopIteration):
        return None


def _images(sizes: pd.DataFrame, domains: Collection[str], split: str | None) -> int:
    """Return how many images ``domains`` have in ``split``, or in all splits."""
    rows = sizes[sizes["domain"].isin(domains)]
    return int((rows[rows["split"] == split] if split else rows)["images"].sum())


@cache
def _listed(listing: Path) -> pd.DataFrame:
    table = pd.read_csv(listing, usecols=["domain", "split"])
    return table.value_counts().rename("images").reset_index()
