"""A block of a table with a row for each method."""

from collections.abc import Callable, Sequence

import pandas as pd

from align.methods.naming import method_title
from align.metrics import MEASURES
from align.metrics.printing import UNDEFINED, mean_and_spread, number_text, undefined_note
from align.tables.printing import Block, Cell


def method_block(title: str, summary: pd.DataFrame, columns: str, heading: Callable[[str], str]) -> Block:
    """Return a block with a row for each method, the best value of each column in bold. A note says why values are undefined.

    Args:
        title: of the block.
        summary: method, metric, mean, standard_deviation, seeds and ``columns``; one row for each cell.
        columns: the column of ``summary`` whose values become the block's columns.
        heading: gives the heading of such a value.
    """
    across = list(summary[columns].unique())
    best = _best(summary, columns)
    cells = {
        (row["method"], row[columns]): Cell(
            mean_and_spread(row["metric"], row["mean"], row["standard_deviation"]), best=index in best
        )
        for index, row in summary.iterrows()
    }
    rows = [
        [Cell(method_title(method)), *(cells.get((method, name), Cell("")) for name in across)]
        for method in summary["method"].unique()
    ]
    undefined = undefined_note(summary.loc[summary["mean"].isna(), "metric"])
    remarks = [
        seeds_note(summary["seeds"]),
        "Best in bold." if best else "",
        f"{UNDEFINED} {undefined} What is undefined for all methods is left out of averages." if undefined else "",
    ]
    return Block(title, ["Method", *map(heading, across)], rows, " ".join(filter(None, remarks)))


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


def _best(summary: pd.DataFrame, columns: str) -> set[object]:
    """Return the index of each column's best row, of all best rows where they look the same in print.

    A column has no best row where it has one value only, or where neither direction of its measure is better.
    """
    best: set[object] = set()
    for _, column in summary.dropna(subset="mean").groupby(columns, sort=False):
        metric = column["metric"].iloc[0]
        higher_is_better = MEASURES[metric].higher_is_better
        if higher_is_better is not None and len(column) > 1:
            printed = pd.Series([float(number_text(metric, mean)) for mean in column["mean"]], index=column.index)
            best |= set(column.index[printed == (printed.max() if higher_is_better else printed.min())])
    return best
