"""Published numbers in a table, below ours."""

from collections.abc import Callable

import pandas as pd

from align.methods.naming import method_title
from align.metrics import MEASURES
from align.tables.printing import Block, Cell

READINGS_OF_AUC = ("auc", "insertion_auc")
DOUBT_ABOUT_AUC = (
    "The paper prints one AUC and does not say which. It may be ROC AUC, or insertion AUC, which DRE's code calls AUC. So the "
    "same number of the paper stands beside both."
)


def with_published(block: Block, summary: pd.DataFrame, columns: str, source: str, text: Callable[[str, float], str]) -> Block:
    """Return ``block`` with one more row for each method of which a value is published.

    Args:
        block: made from ``summary`` by :func:`align.tables.method_block.method_block`.
        summary: method, metric, ``columns`` and published; one row for each cell of the block.
        columns: the column of ``summary`` whose values are the block's columns.
        source: where the values come from, for the names of the new rows.
        text: gives a measure's value in print.
    """
    known = summary.dropna(subset="published")
    cells = {
        (method, place): Cell(text(metric, value))
        for method, place, metric, value in known[["method", columns, "metric", "published"]].itertuples(index=False)
    }
    across = summary[columns].unique()
    rows = [
        [Cell(f"{method_title(method)}, {source}"), *(cells.get((method, place), Cell("")) for place in across)]
        for method in known["method"].unique()
    ]
    return block._replace(rows=[*block.rows, *rows])


def with_paper(block: Block, summary: pd.DataFrame, columns: str) -> Block:
    """Return :func:`with_published` for the paper's values, with all digits that the paper prints.

    Where the paper's AUC is among them, a note says that it may be one of two measures.
    """
    shown = with_published(block, summary, columns, "paper", paper_number)
    if not summary.dropna(subset="published")["metric"].isin(READINGS_OF_AUC).any():
        return shown
    return shown._replace(note=f"{shown.note} {DOUBT_ABOUT_AUC}".lstrip())


def paper_number(metric: str, value: float) -> str:
    """Return a value of the paper in print: in per cent with two decimals, or as a share of 1 with as many digits."""
    return f"{100 * value:.2f}" if MEASURES[metric].is_percentage else f"{value:.4f}"
