"""Takes a snapshot: publishes finished runs, adds data and checkpoints to DVC, and writes metrics for comparing revisions."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from align import paths
from align.configuration.runs import Run
from align.files import whole_file, write_json
from align.results.collect import read_results
from align.versioning.checkpoints import publish_listings, publish_run
from align.versioning.repository import add
from align.versioning.summary import DISTRIBUTION_NAMES, metric_means, nested_means, plot_rows

METRICS = "artifacts/metrics.json"
PLOT = "artifacts/plots/{distribution}.csv"


def take_snapshot(preparations: Mapping[str, Mapping[str, Any]], folder: Path, data: Collection[Path], metrics: Path) -> None:
    """Publish runs, add data and checkpoints to DVC, and write the metrics that DVC compares.

    Args:
        preparations: the :func:`~align.versioning.agreement.preparation_settings` of each run, by the run's path.
        folder: the folder of published checkpoints.
        data: the folders of images that DVC also versions.
        metrics: ``results/metrics.csv``.
    """
    runs = {path: Run.from_path(path) for path in preparations}
    for dataset in sorted({run.dataset for run in runs.values()}):
        publish_listings(Path(paths.DATA.format(dataset=dataset)), folder / dataset)
    for path, run in runs.items():
        run_metrics = Path(paths.RUN_METRICS.format(**run._asdict()))
        listings = Path(paths.DATA.format(dataset=run.dataset))
        publish_run(Path(paths.RUNS, path), run_metrics, listings, preparations[path], folder / path)
    add([*data, folder])
    summary = metric_means(read_results(metrics))
    write_json(METRICS, nested_means(summary))
    for distribution in DISTRIBUTION_NAMES.values():
        with whole_file(PLOT.format(distribution=distribution)) as partial:
            plot_rows(summary, distribution).to_csv(partial, index=False, lineterminator="\n")
