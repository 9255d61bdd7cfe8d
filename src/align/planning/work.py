"""The work of a training or an evaluation: passes of images times their pixels. Planning takes time to be proportional to it."""

import json
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from align import paths
from align.configuration.places import Places
from align.configuration.run import Run
from align.configuration.runs import source_domains
from align.configuration.schema import Configuration
from align.datasets.published_counts import published_counts
from align.datasets.terra_incognita import PUBLISHED_TOTAL
from align.preparation.splits import evaluated_split

TOTALS = {"terra_incognita": PUBLISHED_TOTAL}  # a source of which no numbers by domain are published for some settings


class Work(NamedTuple):
    """The work of a job, and the network that does it.

    Attributes:
        trained: number of images in all training steps.
        predicted: number of images in all forward passes without a step, for validation and for metrics.
        size: side of an image, in pixels.
        architecture: the architecture of the network.
    """

    trained: int
    predicted: int
    size: int
    architecture: str

    @property
    def amount(self) -> int:
        """Return the number of pixels in all passes."""
        return (self.trained + self.predicted) * self.size**2


def split_sizes(name: str, configuration: Configuration, counts: Path, results: Path = Path(paths.RESULTS)) -> pd.DataFrame:
    """Return the number of images of each split of a data set, with columns domain, split and images.

    If the data set is not split yet, its published numbers are divided by the shares of the splits. If only their total is
    published, it is first divided evenly among the domains. An unknown number has no row.

    Args:
        name: the name of the data set.
        configuration: has its domains and the shares of the splits.
        counts: ``reference/dataset_counts.csv``.
        results: the folder of results, with the splits of data sets.
    """
    listing = paths.below(results, Places(configuration).dataset(paths.SPLITS, name))
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
    """Return the work of training a run, which passes over its training and validation images in every epoch.

    Args:
        run: the planned run.
        configuration: has the epochs, the size of the images and the network.
        sizes: the sizes of the splits of its data set, from :func:`split_sizes`.

    Returns:
        The work. None if the number of images is unknown.
    """
    sources, epochs = source_domains(configuration, run), configuration.training.epochs
    if not set(sources) <= set(sizes["domain"]):
        return None
    trained, validated = (_images(sizes, sources, split) * epochs for split in ("train", "validation"))
    return Work(trained, validated, configuration.datasets[run.dataset].image_size, configuration.classifier.architecture)


def planned_evaluation(run: Run, configuration: Configuration, sizes: pd.DataFrame) -> Work | None:
    """Return the work of evaluating a run: the forward passes of :func:`align.metrics.evaluate.measure`.

    Args:
        run: the planned run.
        configuration: has the steps of the metrics, the size of the images and the network.
        sizes: the sizes of the splits of its data set, from :func:`split_sizes`.

    Returns:
        The work. None if the number of images is unknown.
    """
    settings, sources = configuration.evaluation, source_domains(configuration, run)
    perturbed = 2 * settings.curve_steps - 1 + 2 * len(settings.removed_shares)
    dataset, passes = configuration.datasets[run.dataset], 0
    if not set(dataset.domains) <= set(sizes["domain"]):
        return None
    for domain in dataset.domains:
        tested = _images(sizes, [domain], evaluated_split(sizes, domain, sources, settings.target_part))
        passes += tested + perturbed * min(tested, settings.images_per_target or tested)
    return Work(0, passes, dataset.image_size, configuration.classifier.architecture)


def precision_and_device(path: Path) -> str | None:
    """Return how a run was trained, from its account ``path``, such as ``float32 on NVIDIA H200``. None if it does not say."""
    try:
        account = json.loads(path.read_text())
        return f"{account['precision']} on {account['device']}"
    except (OSError, ValueError, KeyError):
        return None


def finished_training(path: Path, results: Path) -> Work | None:
    """Return the work of training a finished run below ``results``, from its account ``path``. None if a file of it is gone."""
    try:
        account = json.loads(path.read_text())
        read = [paths.below(results, file) for file in account["hashes"]["data"]]
        arrays = ((file.stem, np.load(file, mmap_mode="r", allow_pickle=False).shape) for file in read if file.suffix == ".npy")
        sides = {domain: shape[1] for domain, shape in arrays if len(shape) == 4}  # images have colours, masks have none
        sizes, settings = _listed(next(file for file in read if file.suffix == ".csv")), account["settings"]
        epochs = settings["training"]["epochs"]
        trained, validated = (_images(sizes, sides, split) * epochs for split in ("train", "validation"))
        side = next(iter(sides.values()))
        return Work(trained, validated, side, settings["classifier"]["architecture"]) if trained else None
    except (OSError, ValueError, KeyError, StopIteration):
        return None


def _images(sizes: pd.DataFrame, domains: Collection[str], split: str | None) -> int:
    """Return the number of images that ``domains`` have in ``split``. None stands for all splits."""
    rows = sizes[sizes["domain"].isin(domains)]
    return int((rows[rows["split"] == split] if split else rows)["images"].sum())


@cache
def _listed(listing: Path) -> pd.DataFrame:
    table = pd.read_csv(listing, usecols=["domain", "split"])
    return table.value_counts().rename("images").reset_index()
