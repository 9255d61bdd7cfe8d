"""What the time of a training run is taken to be proportional to: images × epochs × pixels."""

import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from align.acquisition.counts import published_counts
from align.configuration.runs import Run, source_domains
from align.configuration.schema import Configuration


class Work(NamedTuple):
    """How much a training run has to do, and with which network."""

    amount: int  # images of the source domains, all splits, × epochs × pixels of an image
    architecture: str


def planned_work(run: Run, configuration: Configuration, counts: Path, results: Path = Path("results")) -> Work | None:
    """Return the work of a run, None where nobody knows yet how many images there are.

    Args:
        run: what is planned.
        configuration: for epochs, size of the images and network.
        counts: ``reference/dataset_counts.csv``, for a data set that is not packed yet.
        results: where packed data sets are.
    """
    dataset = configuration.datasets[run.dataset]
    published = published_counts(counts, dataset.published_as(run.dataset))
    images = 0
    for domain in source_domains(configuration, run):
        packed = results / "data" / run.dataset / f"{domain}.npy"
        of_domain = _shape(packed)[0] if packed.is_file() else sum(row.images for row in published if row.domain == domain)
        if not of_domain:
            return None
        images += of_domain
    return Work(images * configuration.training.epochs * dataset.image_size**2, configuration.classifier.architecture)


def measured_work(run: Run, results: Path) -> Work | None:
    """Return the work of a finished run below ``results`` by what its account says, None where that or its images are gone."""
    try:
        account = json.loads((results / "runs" / run.path / "run.json").read_text())
        inputs = [Path(path) for path in account["hashes"]["data"]]
        shapes = [_shape(results / path.relative_to("results")) for path in inputs if path.suffix == ".npy"]
        pixels = sum(math.prod(shape[:3]) for shape in shapes if len(shape) == 4)  # masks have no colours
        settings = account["settings"]
        return Work(pixels * settings["training"]["epochs"], settings["classifier"]["architecture"])
    except (OSError, ValueError, KeyError):
        return None


def _shape(packed: Path) -> tuple[int, ...]:
    shape: tuple[int, ...] = np.load(packed, mmap_mode="r", allow_pickle=False).shape
    return shape
