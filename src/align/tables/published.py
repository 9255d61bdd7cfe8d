"""Published numbers beside ours, in a table."""

from collections.abc import Callable

import pandas as pd

from align.methods.naming import method_title
from align.tables.printing import Block, Cell


def with_published(block: Block, summary: pd.DataFrame, columns: str, whose: str, text: Callable[[str, float], str]) -> Block:
    """Return ``block`` with a further row for each method of which a value is published.

    Args:
        block: a comparison of ``summary``.
        summary: method, metric, ``columns`` and published, one row per cell of the block.
        columns: the column of ``summary`` that goes across.
        whose: whose values they are, for the names of the rows.
        text: gives a measure's value in print.
    """
    known = summary.dropna(subset="published")
    cells = {
        (method, place): Cell(text(metric, value))
        for method, place, metric, value in known[["method", columns, "metric", "published"]].itertuples(index=False)
    }
    across = summary[columns].unique()
    rows = [
        [Cell(f"{method_title(method)}, {whose}"), *(cells.get((method, place), Cell("")) for place in across)]
        for method in known["method"].unique()
    ]
    return block._replace(rows=[*block.rows, *rows])
