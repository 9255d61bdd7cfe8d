"""Published numbers in a table, below ours."""

from collections.abc import Callable

import pandas as pd

from align.methods.naming import method_title
from align.tables.printing import Block, Cell


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
    """Return :func:`with_published` for the paper's values, in per cent with two decimals as the paper prints them."""
    return with_published(block, summary, columns, "paper", lambda _, value: f"{100 * value:.2f}")
