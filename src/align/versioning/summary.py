"""The numbers that ``dvc metrics diff`` and ``dvc plots diff`` compare between two revisions."""

from typing import Any

import pandas as pd

from align.results.collect import compared_rows
from align.results.summary import averages, seed_summary

DISTRIBUTION_NAMES = {"in": "in_distribution", "out": "out_of_distribution"}
LABELS = ["dataset", "protocol", "method"]


def metric_means(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the mean of each metric over targets, sources and seeds, as the tables have it, with six digits.

    Args:
        metrics: ``metrics.csv``.

    Returns:
        A row for each metric of each method in each distribution, with columns dataset, protocol, method, distribution, metric
        and mean.
    """
    rows = compared_rows(metrics).drop(columns="n").dropna(subset="value")
    values = rows.assign(distribution=rows["distribution"].map(DISTRIBUTION_NAMES))
    summary = seed_summary(averages(averages(values, "target_domain"), "source_domain"))
    summary["mean"] = [float(f"{mean:.6g}") for mean in summary["mean"]]
    return summary[[*LABELS, "distribution", "metric", "mean"]]


def nested_means(summary: pd.DataFrame) -> dict[str, Any]:
    """Return :func:`metric_means` nested by dataset, protocol, method, distribution and metric, each in sorted order."""
    content: dict[str, Any] = {}
    for *keys, metric, mean in summary.sort_values(list(summary.columns)).itertuples(index=False, name=None):
        section = content
        for key in keys:
            section = section.setdefault(key, {})
        section[metric] = mean
    return content


def plot_rows(summary: pd.DataFrame, distribution: str) -> pd.DataFrame:
    """Return a row for each method, named ``<dataset>/<protocol>/<method>``, with a column for each metric."""
    rows = summary[summary["distribution"] == distribution]
    names = rows["dataset"] + "/" + rows["protocol"] + "/" + rows["method"]
    return rows.assign(run=names).pivot_table("mean", "run", "metric").reset_index()
