"""Means and spreads over seeds for a table with a row for each method, and which methods cannot be told from the best."""

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from align.methods.naming import is_upper_bound
from align.metrics import MEASURES
from align.results.summary import seed_summary

ALPHA = 0.05
FEWEST_SEEDS = 3


def method_summary(values: pd.DataFrame) -> pd.DataFrame:
    """Return :func:`seed_summary` with the column ``among_best``: whether a method is the best or cannot be told from it.

    Methods are compared where all columns but method, seed and value are the same. The best has the best mean. Another method is
    told from it if a paired t-test over their common seeds gives p < 0.05. Nothing is among the best where there are fewer than
    three seeds, where there is nothing to compare with, or where neither direction of the measure is better. A method with true
    masks is an upper bound and not compared.

    Args:
        values: metric, method, seed, value, and columns that tell settings apart.
    """
    summary = seed_summary(values)
    setting = [column for column in values.columns if column not in ("method", "seed", "value")]
    compared = values[~values["method"].map(is_upper_bound).astype(bool)]
    best = {
        (*place, method)
        for place, rows in compared.groupby(setting, sort=False)
        for method in _among_best(rows.pivot_table("value", "seed", "method", dropna=False), rows["metric"].iloc[0])
    }
    keys = summary[[*setting, "method"]].itertuples(index=False, name=None)
    return summary.assign(among_best=[key in best for key in keys])


def _among_best(values: pd.DataFrame, metric: str) -> list[str]:
    """Return the methods that cannot be told from the best: seeds × methods, NaN where a value is missing."""
    higher_is_better = MEASURES[metric].higher_is_better
    known = values.loc[:, values.count() >= FEWEST_SEEDS]
    if higher_is_better is None or known.shape[1] < 2:
        return []
    means = known.mean() if higher_is_better else -known.mean()
    return [str(method) for method in known if _p_of_difference(known[means.idxmax()] - known[method]) >= ALPHA]


def _p_of_difference(differences: pd.Series) -> float:
    """Return the two-sided p of a paired t-test. 1 for equal values, 0 for a difference that is the same for all seeds."""
    found = differences.dropna()
    if len(found) < FEWEST_SEEDS or np.allclose(found, 0):
        return 1.0
    error = found.std() / np.sqrt(len(found))
    if np.isclose(error, 0):
        return 0.0
    return float(2 * student_t.sf(abs(found.mean()) / error, len(found) - 1))
