"""What one folder of results holds: its configuration, where its runs come from, and the results of single test images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from align import paths
from align.configuration.run import Run
from align.errors import InputError
from align.files import read_json
from align.results.collect import COLUMNS, read_results

CONFIGURATION, METRICS = Path(paths.CONFIGURATION).name, Path(paths.METRICS).name
ACCOUNT, RUN_METRICS, IMAGES = (Path(pattern).name for pattern in (paths.ACCOUNT, paths.RUN_METRICS, paths.IMAGE_METRICS))
SINGLE_SOURCE = "single_source"
VALUE = ["target_domain", "metric", "value", "n"]


class Results(NamedTuple):
    """A folder ``results/<configuration>``.

    Attributes:
        configuration: all settings.
        accounts: ``run.json`` of each run with one source domain.
        images: the file of the results of single test images of each of these runs.
    """

    configuration: Mapping[str, Any]
    accounts: Mapping[Run, Mapping[str, Any]]
    images: Mapping[Run, Path]


def read_folder(folder: Path) -> Results:
    """Return what a folder of results holds. It may have been made by another version.

    Raises:
        InputError: it has no configuration or no metrics, a file of it is broken, or the evaluation of a run is gone.
    """
    for name in (CONFIGURATION, METRICS):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder}: found no {name}, expected the results of a configuration, such as results/config; name another "
                "folder, or make its results with snakemake"
            )
    try:
        configuration = yaml.safe_load((folder / CONFIGURATION).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{folder / CONFIGURATION}: found no readable YAML ({error}), expected all settings") from None
    metrics = read_results(folder / METRICS)
    if not set(COLUMNS) <= set(metrics):
        raise InputError(
            f"{folder / METRICS}: found a table without the columns {', '.join(COLUMNS)}, expected them; make it again"
        )
    metrics = metrics[metrics["protocol"] == SINGLE_SOURCE].drop(columns="study").drop_duplicates()
    evaluations: dict[Run, Path] = {}
    for names, rows in metrics.groupby(["dataset", "source_domain", "method", "seed"], sort=False):
        dataset, source, method, seed = map(str, names)
        run = Run(dataset, SINGLE_SOURCE, source, method, int(seed))
        evaluations[run] = _evaluation(folder, run, rows)
    accounts = {run: read_json(_account(folder.parent, evaluation)) for run, evaluation in evaluations.items()}
    return Results(configuration, accounts, {run: evaluation / IMAGES for run, evaluation in evaluations.items()})


def _evaluation(folder: Path, run: Run, rows: pd.DataFrame) -> Path:
    """Return the evaluation that a run's rows of ``metrics.csv`` come from: settings of other configurations lie beside it."""
    expected = rows[VALUE].reset_index(drop=True)
    below = paths.below(folder.parent, paths.EVALUATIONS) / run.path
    for file in sorted(below.glob(f"*/*/{RUN_METRICS}")):
        if read_results(file)[VALUE].equals(expected):
            return file.parent
    raise InputError(
        f"{below}: found no evaluation with the numbers of {folder / METRICS}, expected the one that they come from; make the "
        "results again with snakemake"
    )


def _account(results: Path, evaluation: Path) -> Path:
    """Return ``run.json`` of the run that was evaluated in the folder ``evaluation``."""
    training = evaluation.parent.relative_to(paths.below(results, paths.EVALUATIONS))
    return paths.below(results, paths.RUNS) / training / ACCOUNT
