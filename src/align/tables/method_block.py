"""A block of a table with a row for each method."""

from collections.abc import Callable, Sequence

import pandas as pd

from align.methods.naming import is_upper_bound, method_title
from align.metrics import MEASURES
from align.metrics.printing import UNDEFINED, mean_and_spread, undefined_note
from align.tables.printing import Block, Cell

AMONG_BEST = "Bold: the best, and what a paired t-test over seeds cannot tell from it (p ≥ 0.05)."


def method_block(title: str, summary: pd.DataFrame, columns: str, heading: Callable[[str], str]) -> Block:
    """Return a block with a row for each method. In each column, what cannot be told from the best is bold.

    Rows of methods with true masks stand apart. A note says what is bold, and why values are undefined.

    Args:
        title: of the block.
        summary: method, metric, mean, standard_deviation, seeds, among_best and ``columns``; one row for each cell.
        columns: the column of ``summary`` whose values become the block's columns.
        heading: gives the heading of such a value.
    """
    across = list(summary[columns].unique())
    cells = {
        (row["method"], row[columns]): Cell(
            mean_and_spread(row["metric"], row["mean"], row["standard_deviation"]), best=row["among_best"]
        )
        for _, row in summary.iterrows()
    }
    rows = {
        method: [Cell(method_title(method)), *(cells.get((method, name), Cell("")) for name in across)]
        for method in summary["method"].unique()
    }
    undefined = undefined_note(summary.loc[summary["mean"].isna(), "metric"])
    remarks = [
        seeds_note(summary["seeds"]),
        AMONG_BEST if summary["among_best"].any() else "",
        f"{UNDEFINED} {undefined} What is undefined for all methods is left out of averages." if undefined else "",
    ]
    return Block(
        title,
        ["Method", *map(heading, across)],
        [cells for method, cells in rows.items() if not is_upper_bound(method)],
        " ".join(filter(None, remarks)),
        [cells for method, cells in rows.items() if is_upper_bound(method)],
    )


def in_registry_order(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order in which the registry lists their metric; rows of one metric keep their order."""
    return summary.sort_values("metric", key=lambda names: names.map(list(MEASURES).index), kind="stable")


def seeds_note(seeds: Sequence[int] | pd.Series) -> str:
    """Return a sentence that says over how many seeds means and standard deviations are taken. Empty if nothing is defined."""
    counted = [number for number in seeds if number > 0]
    if not counted:
        return ""
    fewest, most = min(counted), max(counted)
    if most == 1:
        return "One seed: no spread is known."
    return f"Mean ± standard deviation over {most if fewest == most else f'{fewest} to {most}'} seeds."
