"""The results in one table: accuracy in and out of distribution, and how good the explanations are."""

import pandas as pd

from align.results.collect import compared_rows
from align.results.titles import setting_title
from align.tables.columns import Column, by_dataset_and_protocol, column_summary, source_averages, with_headings
from align.tables.method_block import method_block
from align.tables.printing import Table

CAPTION = """
Accuracy on test images, and four measures of the saliency maps in distribution. Macro accuracy is the mean over classes,
so that rare classes count as much as frequent ones. *In* means the domains that were trained on. *Out* means the other
domains. Values are averages over domains, then means ± standard deviations over seeds. In each column, what a paired
t-test over seeds cannot tell from the best is bold. Controls stand below the methods. They show what in a method
does the work.
"""

COLUMNS = (
    Column("accuracy", "in"),
    Column("accuracy", "out"),
    Column("macro_accuracy", "in"),
    Column("macro_accuracy", "out"),
    Column("sufficiency", "in"),
    Column("comprehensiveness", "in"),
    Column("insertion_auc", "in"),
    Column("pointing_game", "in"),
)


def main_results(metrics: pd.DataFrame) -> Table:
    """Return a block for each data set and protocol: methods × the most important measures.

    Args:
        metrics: ``metrics.csv``.
    """
    data = source_averages(column_summary(compared_rows(metrics), COLUMNS))
    blocks = [
        method_block(setting_title(*setting), with_headings(rows), "column", str)
        for setting, rows in by_dataset_and_protocol(data)
    ]
    return Table(data, blocks)
