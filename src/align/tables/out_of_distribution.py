"""Accuracy and AUC on the test splits of domains that were not trained on, beside the paper's."""

from collections.abc import Callable

import pandas as pd

from align.metrics import MEASURES
from align.results.collect import study_rows
from align.results.published import comparable_name, published_values
from align.results.summary import AVERAGE, averages, over_seeds
from align.results.titles import plain, setting_title
from align.tables.printing import Block, Table
from align.tables.published import with_published
from align.tables.summary import PERCENTAGES, comparison

SETTING = ["dataset", "protocol", "metric", "source_domain"]
# The sources and targets that the paper's tables show, of all that there are.
SHOWN_BY_THE_PAPER = {
    ("vlcs", "voc2007"): ("labelme", "caltech101", "sun09"),
    ("terraincognita", "l38"): ("l43", "l46", "l100"),
}


def out_of_distribution(metrics: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Return a block per data set, protocol, measure and source: methods × targets and their average.

    A block of all sources comes first: the average over targets of each source, and of all pairs. Pairs that the paper shows
    are marked.

    Args:
        metrics: ``results/metrics.csv``.
        published: ``reference/align_paper.csv``.
    """
    compared = study_rows(metrics, "comparison")
    single = compared["protocol"].eq("single_source") & compared["distribution"].eq("out")
    other = compared[single & compared["metric"].isin(PERCENTAGES)]
    pairs = other[[*SETTING, "target_domain", "method", "seed", "value"]]
    of_sources = averages(pairs, "target_domain")
    of_all = averages(of_sources, "source_domain")
    data = over_seeds(pd.concat([pairs, of_sources, of_all], ignore_index=True))
    known = published[published["setting"] == "out-of-distribution"]
    places = {"source_domain": "source_domain", "target_domain": "target_domain"}
    data["published"] = published_values(data, known, places)
    names = (data[column].map(comparable_name) for column in ("dataset", "source_domain", "target_domain"))
    data["shown_by_the_paper"] = [target in SHOWN_BY_THE_PAPER.get((name, source), ()) for name, source, target in zip(*names)]
    blocks = []
    for (dataset, protocol, metric), rows in data.groupby(SETTING[:3], sort=False):
        title = f"{setting_title(dataset, protocol)}: {MEASURES[str(metric)].title}, %"
        of_targets = rows[rows["target_domain"] == AVERAGE]
        blocks.append(comparison(f"{title}, average over targets", of_targets, "source_domain", _source_heading))
        for source, targets in rows[rows["source_domain"] != AVERAGE].groupby("source_domain", sort=False):
            block = comparison(f"{title}, trained on {plain(source)}", targets, "target_domain", _target_heading(targets))
            block = with_published(block, targets, "target_domain", "paper", lambda _, value: f"{100 * value:.2f}")
            blocks.append(_with_remarks(block, targets, known))
    return Table(data, blocks)


def _with_remarks(block: Block, targets: pd.DataFrame, known: pd.DataFrame) -> Block:
    """Return ``block`` with what its marks mean, and with what the paper says of it without a target."""
    if not targets["shown_by_the_paper"].any():
        return block
    dataset, metric, source = targets[["dataset", "metric", "source_domain"]].iloc[0]
    of_block = known["dataset"].map(comparable_name).eq(comparable_name(dataset)) & known["source_domain"].map(
        comparable_name
    ).eq(comparable_name(source))
    unplaced = known[of_block & known["metric"].eq(metric) & known["target_domain"].isna()]
    note = f"{block.note} * The paper shows this pair."
    if len(unplaced):
        figures = " and ".join(f"{value:.2f} ({method})" for method, value in unplaced[["method", "value"]].to_numpy())
        note += f" It gives {figures} as its best setting, without saying which target."
    return block._replace(note=note)


def _source_heading(source: str) -> str:
    return AVERAGE if source == AVERAGE else f"{plain(source)} →"


def _target_heading(targets: pd.DataFrame) -> Callable[[str], str]:
    shown = set(targets.loc[targets["shown_by_the_paper"], "target_domain"])
    return lambda target: AVERAGE if target == AVERAGE else f"→ {plain(target)}{' *' if target in shown else ''}"
