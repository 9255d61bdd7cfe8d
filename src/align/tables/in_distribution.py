"""Accuracy and AUC on the test split of the domain that was trained on, beside the paper's."""

from collections.abc import Hashable

import pandas as pd

from align.metrics import MEASURES
from align.metrics.collect import of_study
from align.tables.printing import Block, Cell, Table
from align.tables.summary import PERCENTAGES, averages, comparison, over_seeds
from align.titles import method_title, plain, setting_title

SETTING = ["dataset", "protocol", "metric"]
PAPER = ["method", "domain", "paper"]


def in_distribution(metrics: pd.DataFrame, published: pd.DataFrame) -> Table:
    """Return a block per data set, protocol and measure: methods × domains and their average.

    Args:
        metrics: ``results/metrics.csv``.
        published: ``reference/align_paper.csv``.
    """
    compared = of_study(metrics, "comparison")
    own = compared[compared["source_domain"].eq(compared["target_domain"]) & compared["metric"].isin(PERCENTAGES)]
    values = own.rename(columns={"source_domain": "domain"})[[*SETTING, "domain", "method", "seed", "value"]]
    data = over_seeds(pd.concat([values, averages(values, "domain")], ignore_index=True))
    data["paper"] = _published_values(data, published)
    return Table(data, [_block(setting, rows) for setting, rows in data.groupby(SETTING, sort=False)])


def _published_values(data: pd.DataFrame, published: pd.DataFrame) -> pd.Series:
    """Return the paper's value of each row, a share of 1; NaN where the paper or its notes have none."""
    known = published[published["setting"] == "in-distribution"]
    places = zip(known["dataset"].map(_folded), known["method"], known["target_domain"].map(_folded), known["metric"])
    values = dict(zip(places, known["value"] / 100))
    wanted = zip(data["dataset"].map(_folded), data["method"].map(method_title), data["domain"].map(_folded), data["metric"])
    return pd.Series([values.get(place) for place in wanted], index=data.index, dtype=float)


def _folded(name: str) -> str:
    return name.lower().replace("_", "")


def _block(setting: tuple[Hashable, ...], summary: pd.DataFrame) -> Block:
    dataset, protocol, metric = map(str, setting)
    title = f"{setting_title(dataset, protocol)}: {MEASURES[metric].title}, %"
    block = comparison(title, summary, "domain", plain)
    known = summary.dropna(subset="paper")
    paper = {(method, domain): Cell(f"{100 * value:.2f}") for method, domain, value in known[PAPER].to_numpy()}
    rows = [
        [
            Cell(f"{method_title(method)}, paper"),
            *(paper.get((method, domain), Cell("")) for domain in summary["domain"].unique()),
        ]
        for method in known["method"].unique()
    ]
    return block._replace(rows=[*block.rows, *rows])
