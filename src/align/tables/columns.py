"""Columns that are measures in or out of distribution, for tables that show both side by side."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import pandas as pd

from align.metrics.printing import short_measure_title, unit
from align.results.summary import AVERAGE, averages
from align.tables.method_summary import method_summary


class Column(NamedTuple):
    """A measure, ``in`` or ``out`` of distribution."""

    metric: str
    distribution: str

    @property
    def heading(self) -> str:
        """The column's heading."""
        return f"{short_measure_title(self.metric)}{unit(self.metric)} ({self.distribution})"


def column_summary(metrics: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return what stands in ``columns``: for each source domain the mean over its targets, then the average over sources.

    Args:
        metrics: ``metrics.csv``, or rows of it, each run once.
        columns: the columns in their order; the returned rows have the same order.

    Returns:
        dataset, protocol, source_domain, metric, distribution, method, mean, standard_deviation, seeds.
    """
    order = {column: place for place, column in enumerate(columns)}
    places = pd.Series(list(zip(metrics["metric"], metrics["distribution"])), index=metrics.index, dtype=object).map(order)
    chosen = metrics.assign(place=places).dropna(subset="place").sort_values("place", kind="stable")
    kept = ["dataset", "protocol", "source_domain", "target_domain", "metric", "distribution", "method", "seed", "value"]
    by_source = averages(chosen[kept], "target_domain").drop(columns="target_domain")
    return method_summary(pd.concat([by_source, averages(by_source, "source_domain")], ignore_index=True))


def with_headings(summary: pd.DataFrame) -> pd.DataFrame:
    """Return rows of :func:`column_summary` with their column's heading as ``column``."""
    columns = map(Column, summary["metric"], summary["distribution"])
    return summary.assign(column=[column.heading for column in columns])


def source_averages(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of :func:`column_summary` that are averages over source domains."""
    return summary[summary["source_domain"] == AVERAGE]


def by_dataset_and_protocol(summary: pd.DataFrame) -> list[tuple[tuple[Hashable, ...], pd.DataFrame]]:
    """Return each pair of data set and protocol with its rows of :func:`column_summary`."""
    return list(summary.groupby(["dataset", "protocol"], sort=False))
