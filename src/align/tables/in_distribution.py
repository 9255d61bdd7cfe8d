"""Accuracy and AUC on the test split of the domain that was trained on, beside the paper's."""

from collections.abc import Hashable

import pandas as pd

from align.metrics import MEASURES
from align.results.collect import study_rows
from align.results.published import published_values
from align.results.summary import averages, over_seeds
from align.results.titles import plain, setting_title
from align.tables.printing import Block, Table
from align.tables.published import with_published
from align.tables.summary import PERCENTAGES, comparison

SETTING = ["dataset", "protocol", "metric"]


def in_distribution(metrics: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Return a block per data set, protocol and measure: methods × domains and their average.

    Args:
        metrics: ``results/metrics.csv``.
        published: ``reference/align_paper.csv``.
    """
    compared = study_rows(metrics, "comparison")
    own = compared[compared["source_domain"].eq(compared["target_domain"]) & compared["metric"].isin(PERCENTAGES)]
    values = own.rename(columns={"source_domain": "domain"})[[*SETTING, "domain", "method", "seed", "value"]]
    data = over_seeds(pd.concat([values, averages(values, "domain")], ignore_index=True))
    known = published[published["setting"] == "in-distribution"]
    data["published"] = published_values(data, known, {"domain": "target_domain"})
    return Table(data, [_block(setting, rows) for setting, rows in data.groupby(SETTING, sort=False)])


def _block(setting: tuple[Hashable, ...], summary: pd.DataFrame) -> Block:
    dataset, protocol, metric = map(str, setting)
    title = f"{setting_title(dataset, protocol)}: {MEASURES[metric].title}, %"
    block = comparison(title, summary, "domain", plain)
    return with_published(block, summary, "domain", "paper", lambda _, value: f"{100 * value:.2f}")
