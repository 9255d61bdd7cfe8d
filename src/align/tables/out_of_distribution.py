"""Accuracy and AUC on the test splits of domains that were not trained on."""

import pandas as pd

from align.metrics import MEASURES
from align.metrics.collect import of_study
from align.tables.printing import Table
from align.tables.summary import AVERAGE, PERCENTAGES, averages, comparison, over_seeds
from align.titles import plain, setting_title

SETTING = ["dataset", "protocol", "metric", "source_domain"]


def out_of_distribution(metrics: pd.DataFrame) -> Table:
    """Return a block per data set, protocol, measure and source: methods × targets and their average.

    A block of all sources comes first: the average over targets of each source, and of all pairs.

    Args:
        metrics: ``results/metrics.csv``.
    """
    compared = of_study(metrics, "comparison")
    single = compared["protocol"].eq("single_source") & compared["distribution"].eq("out")
    other = compared[single & compared["metric"].isin(PERCENTAGES)]
    pairs = other[[*SETTING, "target_domain", "method", "seed", "value"]]
    of_sources = averages(pairs, "target_domain")
    of_all = averages(of_sources, "source_domain")
    data = over_seeds(pd.concat([pairs, of_sources, of_all], ignore_index=True))
    blocks = []
    for (dataset, protocol, metric), rows in data.groupby(SETTING[:3], sort=False):
        title = f"{setting_title(dataset, protocol)}: {MEASURES[str(metric)].title}, %"
        of_targets = rows[rows["target_domain"] == AVERAGE]
        blocks.append(comparison(f"{title}, average over targets", of_targets, "source_domain", _source_heading))
        for source, targets in rows[rows["source_domain"] != AVERAGE].groupby("source_domain", sort=False):
            blocks.append(comparison(f"{title}, trained on {plain(source)}", targets, "target_domain", _target_heading))
    return Table(data, blocks)


def _source_heading(source: str) -> str:
    return AVERAGE if source == AVERAGE else f"{plain(source)} →"


def _target_heading(target: str) -> str:
    return AVERAGE if target == AVERAGE else f"→ {plain(target)}"
