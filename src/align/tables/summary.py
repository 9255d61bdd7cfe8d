"""From metrics of single runs to means and spreads over seeds, and to cells in print."""

from collections.abc import Callable, Sequence

import pandas as pd

from align.methods.naming import method_title
from align.metrics import MEASURES
from align.tables.printing import Block, Cell

PERCENTAGES = ("accuracy", "auc")  # printed as the paper prints them; data files have shares of 1
# Printed with three digits wherever the point is: these may have any size.
ANY_SIZE = ("local_lipschitz", "local_lipschitz_95", "local_lipschitz_maximum", "ce_gap_constant", "ce_gap_bound")


def comparison(title: str, summary: pd.DataFrame, columns: str, heading: Callable[[str], str]) -> Block:
    """Return a block with a row per method and the best of each column in bold.

    Args:
        title: of the block.
        summary: method, metric, mean, standard_deviation, seeds and ``columns``, one row per cell.
        columns: the column of ``summary`` that goes across.
        heading: gives the header of a value of ``columns``.
    """
    across = list(summary[columns].unique())
    best = _best(summary, columns)
    cells = {
        (row["method"], row[columns]): Cell(printed(row["metric"], row["mean"], row["standard_deviation"]), index in best)
        for index, row in summary.iterrows()
    }
    rows = [
        [Cell(method_title(method)), *(cells.get((method, name), Cell("")) for name in across)]
        for method in summary["method"].unique()
    ]
    note = seeds_note(summary["seeds"]) + (" Best in bold." if best else "")
    return Block(title, ["Method", *map(heading, across)], rows, note)


def printed(metric: str, mean: float, standard_deviation: float = float("nan")) -> str:
    """Return ``mean ± standard deviation``, without the latter where it is NaN."""
    return " ± ".join(_in_print(metric, value) for value in (mean, standard_deviation) if value == value)


def seeds_note(seeds: Sequence[int] | pd.Series) -> str:
    """Return what the spread is over."""
    fewest, most = min(seeds), max(seeds)
    if most == 1:
        return "One seed: no spread is known."
    return f"Mean ± standard deviation over {most if fewest == most else f'{fewest} to {most}'} seeds."


def _best(summary: pd.DataFrame, columns: str) -> set[object]:
    """Return the index of each best row, all of them where they are printed alike; none where nothing is compared."""
    found: set[object] = set()
    for _, column in summary.groupby(columns, sort=False):
        metric = column["metric"].iloc[0]
        higher_is_better = MEASURES[metric].higher_is_better
        if higher_is_better is not None and len(column) > 1:
            shown = pd.Series([float(_in_print(metric, mean)) for mean in column["mean"]], index=column.index)
            found |= set(column.index[shown == (shown.max() if higher_is_better else shown.min())])
    return found


def _in_print(metric: str, value: float) -> str:
    if metric in PERCENTAGES:
        return f"{100 * value:.1f}"
    return f"{value:.3g}" if metric in ANY_SIZE else f"{value:.3f}"
