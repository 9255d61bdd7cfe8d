"""The few numbers by which two revisions are compared with ``dvc metrics diff`` and ``dvc plots diff``."""

from typing import Any

import pandas as pd

from align.results.collect import study_rows
from align.results.summary import averages, seed_summary

DISTRIBUTIONS = {"in": "in_distribution", "out": "out_of_distribution"}
LABELS = ["dataset", "protocol", "method"]


def means(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return each metric's mean over targets, sources and seeds, as in the tables, to six digits.

    Args:
        metrics: ``results/metrics.csv``.

    Returns:
        dataset, protocol, method, distribution, metric and mean, a row for each metric of each method in each distribution.
    """
    compared = study_rows(metrics, "comparison").drop(columns="n").dropna(subset="value")
    values = compared.assign(distribution=compared["distribution"].map(DISTRIBUTIONS))
    summary = seed_summary(averages(averages(values, "target_domain"), "source_domain"))
    summary["mean"] = [float(f"{mean:.6g}") for mean in summary["mean"]]
    return summary[[*LABELS, "distribution", "metric", "mean"]]


def nested(summary: pd.DataFrame) -> dict[str, Any]:
    """Return :func:`means` as dataset → protocol → method → distribution → metric → mean, each in sorted order."""
    content: dict[str, Any] = {}
    for *keys, metric, mean in summary.sort_values(list(summary.columns)).itertuples(index=False, name=None):
        section = content
        for key in keys:
            section = section.setdefault(key, {})
        section[metric] = mean
    return content


def plotted(summary: pd.DataFrame, distribution: str) -> pd.DataFrame:
    """Return one row per method, named ``<dataset>/<protocol>/<method>``, with a column for each metric."""
    rows = summary[summary["distribution"] == distribution]
    names = rows["dataset"] + "/" + rows["protocol"] + "/" + rows["method"]
    return rows.assign(run=names).pivot_table("mean", "run", "metric").reset_index()
