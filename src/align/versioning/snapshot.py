"""Takes a snapshot: publishes finished runs, adds data and checkpoints to DVC, and writes metrics for comparing revisions."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from align.configuration.run import Run
from align.files import whole_file, write_json
from align.results.collect import read_results
from align.versioning.checkpoints import publish_listings, publish_run
from align.versioning.repository import add
from align.versioning.summary import DISTRIBUTION_NAMES, metric_means, nested_means, plot_rows

METRICS = "artifacts/metrics.json"
PLOT = "artifacts/plots/{distribution}.csv"


class Finished(NamedTuple):
    """A finished run.

    Attributes:
        folder: its folder below ``results/runs``.
        metrics: its ``metrics.csv``.
        preparation: see :func:`~align.configuration.places.preparation_settings`.
    """

    folder: Path
    metrics: Path
    preparation: Mapping[str, Any]


def take_snapshot(
    runs: Mapping[str, Finished],
    listings: Mapping[str, Mapping[str, Path]],
    folder: Path,
    data: Collection[Path],
    metrics: Path,
) -> None:
    """Publish runs, add data and checkpoints to DVC, and write the metrics that DVC compares.

    Args:
        runs: the runs to publish, by their path.
        listings: those of each of their data sets, see :func:`~align.versioning.checkpoints.publish_listings`.
        folder: the folder of published checkpoints.
        data: the folders of images that DVC also versions.
        metrics: ``metrics.csv`` of the configuration.
    """
    for dataset, several in listings.items():
        publish_listings(several, folder / dataset)
    for path, run in runs.items():
        own = listings[Run.from_path(path).dataset]
        publish_run(run.folder, run.metrics, own, run.preparation, folder / path)
    add([*data, folder])
    summary = metric_means(read_results(metrics))
    write_json(METRICS, nested_means(summary))
    for distribution in DISTRIBUTION_NAMES.values():
        with whole_file(PLOT.format(distribution=distribution)) as partial:
            plot_rows(summary, distribution).to_csv(partial, index=False, lineterminator="\n")
