"""Collects the metrics of all runs in one long table."""

import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from align.errors import InputError

COLUMNS = [
    "study",
    "dataset",
    "protocol",
    "method",
    "source_domain",
    "target_domain",
    "distribution",
    "seed",
    "metric",
    "value",
    "n",
]
NAMES = (
    "study",
    "dataset",
    "protocol",
    "method",
    "source_domain",
    "target_domain",
    "domain",
    "places",
    "path",
    "class",
    "predicted",
)
DISTRIBUTIONS = {True: "in", False: "out"}


def read_results(path: Path | str) -> pd.DataFrame:
    """Read a table of metrics. Names are read as text, since a domain or a class may be called ``1`` or ``NA``.

    Raises:
        InputError: the file is cut short or is no table. The message names the file.
    """
    try:
        return pd.read_csv(path, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{path}: found no readable table ({error}); restore it, or remove it to have it made again") from None


def run_rows(metrics: pd.DataFrame, run: Mapping[str, Any], source_domains: Collection[str]) -> pd.DataFrame:
    """Return a run's metrics with the columns of ``metrics.csv``, once for each study that the run belongs to.

    ``distribution`` is ``in`` if the run was trained on the target domain, else ``out``. ``source_domain`` is :func:`trained_on`.

    Args:
        metrics: target_domain, metric, value and n of one run.
        run: dataset, protocol, domain, method, seed and studies.
        source_domains: the domains that the run was trained on.
    """
    labelled = metrics.assign(
        dataset=run["dataset"],
        protocol=run["protocol"],
        method=run["method"],
        seed=run["seed"],
        source_domain=trained_on(run["protocol"], run["domain"]),
        distribution=metrics["target_domain"].isin(source_domains).map(DISTRIBUTIONS),
    )
    return pd.concat([labelled.assign(study=study) for study in run["studies"]])[COLUMNS]


def trained_on(protocol: str, domain: str) -> str:
    """Return the name of a run's source domains: its only one, or ``all but`` the domain that was left out."""
    return domain if protocol == "single_source" else f"all but {domain}"


def study_rows(metrics: pd.DataFrame, study: str) -> pd.DataFrame:
    """Return the rows of ``metrics.csv`` that belong to ``study``."""
    return metrics[metrics["study"] == study].drop(columns="study")


def compared_rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``metrics.csv`` of the comparison, then of its controls. A run of both appears once."""
    both = pd.concat([study_rows(metrics, study) for study in ("comparison", "controls")])
    return both.drop_duplicates(ignore_index=True)
