"""A block of a table with a row for each method."""

from collections.abc import Callable, Sequence

import pandas as pd

from align.methods.naming import method_title
from align.metrics import MEASURES
from align.metrics.printing import mean_and_spread, number_text
from align.tables.printing import Block, Cell


def method_block(title: str, summary: pd.DataFrame, columns: str, heading: Callable[[str], str]) -> Block:
    """Return a block with a row for each method, the best value of each column in bold.

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
    note = seeds_note(summary["seeds"]) + (" Best in bold." if best else "")
    return Block(title, ["Method", *map(heading, across)], rows, note)


def in_registry_order(summary: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order in which the registry lists their metric; rows of one metric keep their order."""
    return summary.sort_values("metric", key=lambda names: names.map(list(MEASURES).index), kind="stable")


def seeds_note(seeds: Sequence[int] | pd.Series) -> str:
    """Return a sentence that says over how many seeds means and standard deviations are taken."""
    fewest, most = min(seeds), max(seeds)
    if most == 1:
        return "One seed: no spread is known."
    return f"Mean ± standard deviation over {most if fewest == most else f'{fewest} to {most}'} seeds."


def _best(summary: pd.DataFrame, columns: str) -> set[object]:
    """Return the index of each column's best row, of all best rows where they look the same in print.

    A column has no best row where it has one row only, or where neither direction of its measure is better.
    """
    best: set[object] = set()
    for _, column in summary.groupby(columns, sort=False):
        metric = column["metric"].iloc[0]
        higher_is_better = MEASURES[metric].higher_is_better
        if higher_is_better is not None and len(column) > 1:
            printed = pd.Series([float(number_text(metric, mean)) for mean in column["mean"]], index=column.index)
            best |= set(column.index[printed == (printed.max() if higher_is_better else printed.min())])
    return best
