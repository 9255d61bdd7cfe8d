"""Columns that are measures in or out of distribution, for tables that show both beside each other."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import pandas as pd

from align.metrics.titles import short_measure_title
from align.results.summary import AVERAGE, averages, over_seeds
from align.tables.summary import PERCENTAGES


class Column(NamedTuple):
    """A measure, ``in`` or ``out`` of distribution."""

    metric: str
    distribution: str

    @property
    def title(self) -> str:
        """Return the column's heading."""
        unit = ", %" if self.metric in PERCENTAGES else ""
        return f"{short_measure_title(self.metric)}{unit} ({self.distribution})"


def measured(metrics: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return what stands in ``columns``: the mean over targets of each source domain, and the average of these.

    Args:
        metrics: ``results/metrics.csv``, or rows of it, each run once.
        columns: in their order, which is that of the rows.

    Returns:
        dataset, protocol, source_domain, metric, distribution, method, mean, standard_deviation, seeds.
    """
    order = {column: place for place, column in enumerate(columns)}
    places = pd.Series(list(zip(metrics["metric"], metrics["distribution"])), index=metrics.index, dtype=object).map(order)
    chosen = metrics.assign(place=places).dropna(subset="place").sort_values("place", kind="stable")
    kept = ["dataset", "protocol", "source_domain", "target_domain", "metric", "distribution", "method", "seed", "value"]
    of_sources = averages(chosen[kept], "target_domain").drop(columns="target_domain")
    return over_seeds(pd.concat([of_sources, averages(of_sources, "source_domain")], ignore_index=True))


def titled(summary: pd.DataFrame) -> pd.DataFrame:
    """Return rows of :func:`measured` with the heading of what each is, ``column``."""
    places = zip(summary["metric"], summary["distribution"])
    return summary.assign(column=[Column(*place).title for place in places])


def over_sources(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of :func:`measured` that are averages over source domains."""
    return summary[summary["source_domain"] == AVERAGE]


def of_settings(summary: pd.DataFrame) -> list[tuple[tuple[Hashable, ...], pd.DataFrame]]:
    """Return data set and protocol, and the rows of :func:`measured` that belong to them."""
    return list(summary.groupby(["dataset", "protocol"], sort=False))
