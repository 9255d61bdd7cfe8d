"""Accuracy, macro accuracy and ROC AUC on the test splits of domains that were not trained on, with the paper's numbers."""

from collections.abc import Callable

import pandas as pd

from align.metrics import MEASURES, PREDICTION, family_measures
from align.metrics.printing import unit
from align.results.collect import compared_rows
from align.results.published import comparable_name, published_values
from align.results.summary import AVERAGE, averages
from align.results.titles import plain, setting_title
from align.tables.method_block import method_block
from align.tables.method_summary import method_summary
from align.tables.printing import Block, Table
from align.tables.published import with_paper

CAPTION = """
Accuracy, macro accuracy and ROC AUC on images of domains that were not trained on, in per cent. Macro accuracy is the
mean over classes. ROC AUC is macro too: one class against the rest, then the mean. Values are means ± standard
deviations over seeds. In each column, what cannot be told from the best is bold. First comes the average over targets
for each source domain, then every target. A star marks the pairs of the paper's tables. Averages are taken for each
seed, before mean and spread.
"""

SETTING = ["dataset", "protocol", "metric", "source_domain"]
# The paper's tables show only some targets of these sources, by data set and source.
TARGETS_IN_THE_PAPER = {
    ("vlcs", "voc2007"): ("labelme", "caltech101", "sun09"),
    ("terraincognita", "l38"): ("l43", "l46", "l100"),
}


def out_of_distribution(metrics: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Return a block for each data set, protocol, measure of predictions and source: methods × targets and their average.

    A block of all sources comes first. It has each source's average over targets, and the average of these. Pairs that the
    paper shows are marked.

    Args:
        metrics: ``metrics.csv``.
        published: ``reference/align_paper.csv``.
    """
    compared = compared_rows(metrics)
    single = compared["protocol"].eq("single_source") & compared["distribution"].eq("out")
    rows = compared[single & compared["metric"].isin(family_measures(PREDICTION))]
    pairs = rows[[*SETTING, "target_domain", "method", "seed", "value"]]
    by_source = averages(pairs, "target_domain")
    data = method_summary(pd.concat([pairs, by_source, averages(by_source, "source_domain")], ignore_index=True))
    known = published[published["setting"] == "out-of-distribution"]
    data["published"] = published_values(data, known, {place: place for place in ("source_domain", "target_domain")})
    names = (data[column].map(comparable_name) for column in ("dataset", "source_domain", "target_domain"))
    data["shown_by_the_paper"] = [
        target in TARGETS_IN_THE_PAPER.get((dataset, source), ()) for dataset, source, target in zip(*names)
    ]
    blocks = []
    for (dataset, protocol, metric), rows in data.groupby(SETTING[:3], sort=False):
        title = f"{setting_title(dataset, protocol)}: {MEASURES[str(metric)].title}{unit(str(metric))}"
        over_targets = rows[rows["target_domain"] == AVERAGE]
        blocks.append(method_block(f"{title}, average over targets", over_targets, "source_domain", _source_heading))
        for source, targets in rows[rows["source_domain"] != AVERAGE].groupby("source_domain", sort=False):
            block = method_block(f"{title}, trained on {plain(source)}", targets, "target_domain", _target_heading(targets))
            blocks.append(_with_remarks(with_paper(block, targets, "target_domain"), targets, known))
    return Table(data, blocks)


def _with_remarks(block: Block, targets: pd.DataFrame, known: pd.DataFrame) -> Block:
    """Return ``block`` with an explanation of its marks, and with those of the paper's values that name no target."""
    if not targets["shown_by_the_paper"].any():
        return block
    dataset, metric, source = targets[["dataset", "metric", "source_domain"]].iloc[0]
    same_source = known["dataset"].map(comparable_name).eq(comparable_name(dataset)) & known["source_domain"].map(
        comparable_name
    ).eq(comparable_name(source))
    without_target = known[same_source & known["metric"].eq(metric) & known["target_domain"].isna()]
    note = f"{block.note} * The paper shows this pair."
    if len(without_target):
        values = " and ".join(f"{value:.2f} ({method})" for method, value in without_target[["method", "value"]].to_numpy())
        note += f" It gives {values} as its best setting, without saying which target."
    return block._replace(note=note)


def _source_heading(source: str) -> str:
    return AVERAGE if source == AVERAGE else f"{plain(source)} →"


def _target_heading(targets: pd.DataFrame) -> Callable[[str], str]:
    marked = set(targets.loc[targets["shown_by_the_paper"], "target_domain"])
    return lambda target: AVERAGE if target == AVERAGE else f"→ {plain(target)}{' *' if target in marked else ''}"
