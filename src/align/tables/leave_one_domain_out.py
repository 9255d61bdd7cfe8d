"""Each domain in turn left out of training and tested on, with the numbers that DRE's and DomainBed's authors publish."""

from collections.abc import Hashable

import pandas as pd

from align.metrics import MEASURES, PREDICTION, family_measures
from align.metrics.printing import number_text, unit
from align.results.collect import compared_rows, trained_on
from align.results.published import comparable_name, published_values
from align.results.summary import AVERAGE, averages
from align.results.titles import plain, setting_title
from align.tables.method_block import method_block
from align.tables.method_summary import method_summary
from align.tables.printing import Block, Table
from align.tables.published import with_published

CAPTION = """
Accuracy, macro accuracy, ROC AUC and insertion AUC on a domain that was left out of training. Macro accuracy is the
mean over classes. ROC AUC is macro too: one class against the rest, then the mean. All other domains were trained on,
and their validation parts selected the checkpoint, as in DomainBed and DRE. Values are means ± standard deviations over
seeds. In each column, what cannot be told from the best is bold.

Rows named *published* give the numbers of DRE and DomainBed, if data set and domain are theirs. Those are of a
ResNet-50. DRE tests on the whole domain, DomainBed on 80 % of it. Here a domain is tested on its test split, unless the
configuration has none (``splits: {test: 0}``). The average stands beside ours only if every domain was left out once.
"""

PROTOCOL = "leave_one_domain_out"
SETTING = ["dataset", "metric"]


def leave_one_domain_out(metrics: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Return a block for each data set and measure: methods × domains that were left out, and their average.

    The measures are those of predictions, and those of which numbers are published.

    Args:
        metrics: ``metrics.csv``.
        published: ``reference/domain_generalization.csv``.
    """
    measures = {*family_measures(PREDICTION), *published["metric"]}
    compared = compared_rows(metrics)
    rows = compared[compared["protocol"].eq(PROTOCOL) & compared["metric"].isin(measures)]
    # A run may also be tested on a domain that is left out of every run. Only the one that it leaves out counts.
    sources_without_target = [trained_on(PROTOCOL, target) for target in rows["target_domain"]]
    left_out = rows[rows["source_domain"] == pd.Series(sources_without_target, index=rows.index, dtype=object)]
    values = left_out.rename(columns={"target_domain": "left_out"})[[*SETTING, "left_out", "method", "seed", "value"]]
    data = method_summary(pd.concat([values, averages(values, "left_out")], ignore_index=True))
    known = published[published["target_domain"].ne(AVERAGE) | published["dataset"].isin(_whole(data, published))]
    data["published"] = published_values(data, known, {"left_out": "target_domain"})
    return Table(data, [_block(setting, rows) for setting, rows in data.groupby(SETTING, sort=False)])


def _whole(data: pd.DataFrame, published: pd.DataFrame) -> set[str]:
    """Return the published data sets of which every domain was left out once: only their averages can be compared."""
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
    title = f"{setting_title(dataset, PROTOCOL)}: {MEASURES[metric].title}{unit(metric)}"
    ours = method_block(title, summary, "left_out", plain)
    block = with_published(ours, summary, "left_out", "published", number_text)
    if len(block.rows) == len(ours.rows):
        return block
    theirs = " Rows named published are from another experiment: ResNet-50, 5,000 steps, and the splits of their authors."
    return block._replace(note=block.note + theirs)
