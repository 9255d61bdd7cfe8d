"""Measures of predictions on the test split of the domain that was trained on, with the paper's numbers."""

from collections.abc import Hashable

import pandas as pd

from align.metrics import MEASURES, PREDICTION, family_measures
from align.metrics.printing import unit
from align.results.collect import compared_rows
from align.results.published import published_values
from align.results.summary import averages
from align.results.titles import plain, setting_title
from align.tables.method_block import method_block
from align.tables.method_summary import method_summary
from align.tables.printing import Block, Table
from align.tables.published import with_paper

CAPTION = """
Accuracy, macro accuracy, ROC AUC and insertion AUC on unseen images of the training domain. Macro accuracy is the mean
over classes. ROC AUC is macro too: one class against the rest, then the mean. Values are means ± standard deviations
over seeds. In each column, what cannot be told from the best is bold. Rows named *paper* give the paper's number, if
the data set is the paper's and the number is public. Otherwise the cell is empty. The paper prints one AUC and does not
say which, so its number stands beside both. The average over domains is taken for each seed, before mean and spread.
"""

SETTING = ["dataset", "protocol", "metric"]


def in_distribution(metrics: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Return a block for each data set, protocol and measure: methods × domains and their average.

    The measures are those of predictions, and those of which the paper prints numbers.

    Args:
        metrics: ``metrics.csv``.
        published: ``reference/align_paper.csv``.
    """
    known = published[published["setting"] == "in-distribution"]
    measures = {*family_measures(PREDICTION), *known["metric"]}
    compared = compared_rows(metrics)
    own = compared[compared["source_domain"].eq(compared["target_domain"]) & compared["metric"].isin(measures)]
    values = own.rename(columns={"source_domain": "domain"})[[*SETTING, "domain", "method", "seed", "value"]]
    data = method_summary(pd.concat([values, averages(values, "domain")], ignore_index=True))
    data["published"] = published_values(data, known, {"domain": "target_domain"})
    return Table(data, [_block(setting, rows) for setting, rows in data.groupby(SETTING, sort=False)])


def _block(setting: tuple[Hashable, ...], summary: pd.DataFrame) -> Block:
    dataset, protocol, metric = map(str, setting)
    title = f"{setting_title(dataset, protocol)}: {MEASURES[metric].title}{unit(metric)}"
    return with_paper(method_block(title, summary, "domain", plain), summary, "domain")
