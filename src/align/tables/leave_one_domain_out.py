"""Each domain in turn left out of training and tested on, beside what DRE's and DomainBed's authors publish."""

from collections.abc import Hashable

import pandas as pd

from align.metrics import MEASURES
from align.results.collect import study_rows, trained_on
from align.results.published import comparable_name, published_values
from align.results.summary import AVERAGE, averages, over_seeds
from align.results.titles import plain, setting_title
from align.tables.printing import Block, Table
from align.tables.published import with_published
from align.tables.summary import PERCENTAGES, comparison, printed

PROTOCOL = "leave_one_domain_out"
MEASURED = ("accuracy", "auc", "insertion_auc")
SETTING = ["dataset", "metric"]


def leave_one_domain_out(metrics: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Return a block per data set and measure: methods × domains that were left out, and their average.

    Args:
        metrics: ``results/metrics.csv``.
        published: ``reference/domain_generalization.csv``.
    """
    compared = study_rows(metrics, "comparison")
    of_protocol = compared[compared["protocol"].eq(PROTOCOL) & compared["metric"].isin(MEASURED)]
    alone = [trained_on(PROTOCOL, target) for target in of_protocol["target_domain"]]  # another target may be never trained on
    left_out = of_protocol[of_protocol["source_domain"] == pd.Series(alone, index=of_protocol.index, dtype=object)]
    values = left_out.rename(columns={"target_domain": "left_out"})[[*SETTING, "left_out", "method", "seed", "value"]]
    data = over_seeds(pd.concat([values, averages(values, "left_out")], ignore_index=True))
    known = published[published["target_domain"].ne(AVERAGE) | published["dataset"].isin(_whole(data, published))]
    data["published"] = published_values(data, known, {"left_out": "target_domain"})
    return Table(data, [_block(setting, rows) for setting, rows in data.groupby(SETTING, sort=False)])


def _whole(data: pd.DataFrame, published: pd.DataFrame) -> set[str]:
    """Return the published data sets whose every domain was left out here: only then are averages comparable."""
    ours = {
        (comparable_name(dataset), comparable_name(domain))
        for dataset, domain in data[["dataset", "left_out"]].itertuples(index=False)
    }
    theirs = published.groupby("dataset")["target_domain"].unique()
    return {
        str(name)
        for name, domains in theirs.items()
        if ours >= {(comparable_name(str(name)), comparable_name(place)) for place in domains}
    }


def _block(setting: tuple[Hashable, ...], summary: pd.DataFrame) -> Block:
    dataset, metric = map(str, setting)
    title = f"{setting_title(dataset, PROTOCOL)}: {MEASURES[metric].title}{', %' if metric in PERCENTAGES else ''}"
    ours = comparison(title, summary, "left_out", plain)
    block = with_published(ours, summary, "left_out", "published", printed)
    if len(block.rows) == len(ours.rows):
        return block
    theirs = " Rows named published are not the same experiment: ResNet-50, 5,000 steps, and splits of their authors'."
    return block._replace(note=block.note + theirs)
