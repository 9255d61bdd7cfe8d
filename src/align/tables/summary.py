"""From metrics of single runs to means and spreads over seeds, and to cells in print."""

from collections.abc import Callable, Sequence

import pandas as pd

from align.metrics import MEASURES
from align.tables.printing import Block, Cell
from align.titles import method_title

PERCENTAGES = ("accuracy", "auc")  # printed as the paper prints them; data files have shares of 1
AVERAGE = "average"
# Printed with three digits wherever the point is: these may have any size.
ANY_SIZE = ("local_lipschitz", "local_lipschitz_95", "local_lipschitz_maximum", "ce_gap_constant", "ce_gap_bound")


def averages(values: pd.DataFrame, over: str) -> pd.DataFrame:
    """Return the mean over ``over`` of each method and seed, as rows whose ``over`` is ``average``.

    A seed that lacks a member that another seed or method has is left out, since its mean could not be compared.

    Args:
        values: metrics in long form: method, seed, value, ``over``, and columns that tell settings apart.
        over: the column that is averaged over, such as target_domain.
    """
    kept = [column for column in values.columns if column not in (over, "value")]
    of_seeds = values.groupby(kept, sort=False)["value"].agg(["mean", "size"])
    most = of_seeds["size"].groupby([name for name in kept if name not in ("method", "seed")], sort=False).transform("max")
    complete = of_seeds.loc[of_seeds["size"] == most, "mean"]
    return complete.rename("value").reset_index().assign(**{over: AVERAGE})


def over_seeds(values: pd.DataFrame) -> pd.DataFrame:
    """Return mean, standard deviation (n − 1; NaN of one seed) and number of seeds instead of seed and value."""
    kept = [column for column in values.columns if column not in ("seed", "value")]
    of_seeds = values.groupby(kept, sort=False)["value"]
    return of_seeds.agg(mean="mean", standard_deviation="std", seeds="size").reset_index()


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
