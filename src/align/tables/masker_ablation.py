"""ALIGN with other masks than the learned ones, and without guidance, beside the paper's numbers."""

import pandas as pd

from align.configuration.runs import LeftOut
from align.results.collect import study_rows
from align.results.published import published_values
from align.results.summary import AVERAGE
from align.results.titles import plain, setting_title
from align.tables.columns import Column, measured, of_settings, titled
from align.tables.left_out import with_left_out
from align.tables.printing import Table
from align.tables.published import with_published
from align.tables.summary import comparison

COLUMNS = (
    Column("accuracy", "in"),
    Column("auc", "in"),
    Column("accuracy", "out"),
    Column("sufficiency", "in"),
    Column("comprehensiveness", "in"),
)
METHODS = ("align", "align-plus")


def masker_ablation(metrics: pd.DataFrame, published: pd.DataFrame, left_out: LeftOut) -> Table:
    """Return a block per data set, protocol and source domain, then of the average of several: maskers × measures.

    Args:
        metrics: ``results/metrics.csv``.
        published: ``reference/align_paper.csv``.
        left_out: variants that could not be run, and why.
    """
    data = measured(study_rows(metrics, "masker_ablation"), COLUMNS)
    data["target_domain"] = data["source_domain"].where(data["distribution"] == "in", "others")
    known = published[published["setting"] == "masker ablation"]
    data["published"] = published_values(data, known, {place: place for place in ("source_domain", "target_domain")})
    blocks = []
    for (dataset, protocol), rows in of_settings(data):
        sources = dict(list(rows.groupby("source_domain", sort=False)))
        if len(sources) == 2:  # the average of one is that one
            del sources[AVERAGE]
        for source, summary in sources.items():
            where = "average over source domains" if source == AVERAGE else f"trained on {plain(source)}"
            block = comparison(f"{setting_title(dataset, protocol)}: {where}", titled(summary), "column", str)
            block = with_published(block, titled(summary), "column", "paper", lambda _, value: f"{100 * value:.2f}")
            blocks.append(with_left_out(block, left_out.get(str(dataset), {}), METHODS))
    return Table(data, blocks)
