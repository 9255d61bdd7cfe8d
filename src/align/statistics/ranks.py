"""Average ranks of methods over settings, and tests of whether they differ (Demšar, JMLR 7, 2006)."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from align.metrics import MEASURES
from align.results.collect import study_rows

ALPHA = 0.05
FEWEST_SETTINGS = 5  # with fewer, neither test can find much, and their approximations are poor
SETTING = ["dataset", "protocol", "source_domain", "target_domain"]
DISTRIBUTIONS = {"in": ["in"], "out": ["out"], "both": ["in", "out"]}


class Ranks(NamedTuple):
    """Average ranks of k methods over N settings.

    Attributes:
        average: by method; 1 is best, and tied methods share the mean of their ranks.
        settings: N.
        p: of Friedman's test that all methods are equal; NaN with fewer than three methods or too few settings.
        critical_difference: two methods differ where their average ranks differ by more (Nemenyi's test at 0.05); NaN where
            ``p`` is.
    """

    average: pd.Series
    settings: int
    p: float
    critical_difference: float


def rank_methods(values: pd.DataFrame, higher_is_better: bool) -> Ranks:
    """Return the average ranks of methods (columns) over settings (rows). A setting that lacks a method is left out."""
    complete = values.dropna()
    average = complete.rank(axis=1, ascending=not higher_is_better).mean()
    n, k = complete.shape
    if k < 3 or n < FEWEST_SETTINGS:
        return Ranks(average, n, float("nan"), float("nan"))
    all_tied = bool(complete.eq(complete.iloc[:, 0], axis=0).all(axis=None))
    p = 1.0 if all_tied else float(stats.friedmanchisquare(*complete.to_numpy().T).pvalue)
    return Ranks(average, n, p, critical_difference(k, n))


def critical_difference(methods: int, settings: int) -> float:
    """Return Nemenyi's critical difference of average ranks at 0.05: q √(k(k + 1) / 6N), q of the studentised range over √2."""
    q = float(stats.studentized_range.ppf(1 - ALPHA, methods, np.inf)) / 2**0.5
    return float(q * (methods * (methods + 1) / (6 * settings)) ** 0.5)


def rank_table(metrics: pd.DataFrame, metric: str = "accuracy") -> pd.DataFrame:
    """Return the average ranks of the compared methods in distribution, out of distribution, and in both.

    A setting is a source and a target of a data set. Its values are means over seeds. Settings of one source share their
    networks, and settings of one target share their images. So they are not the independent data sets that the tests assume.

    Args:
        metrics: ``metrics.csv``.
        metric: the metric by which methods are ranked.

    Returns:
        Columns: distribution, metric, method, average_rank, settings, friedman_p, critical_difference; the best method first. A
        distribution without a setting in which all methods ran has no rows.
    """
    compared = study_rows(metrics, "comparison")
    chosen = compared[compared["metric"].eq(metric) & compared["protocol"].eq("single_source")]
    tables = []
    for name, distributions in DISTRIBUTIONS.items():
        rows = chosen[chosen["distribution"].isin(distributions)]
        values = rows.pivot_table(index=SETTING, columns="method", values="value", sort=False)
        if values.shape[1] > 1 and len(values.dropna()):
            ranks = rank_methods(values, higher_is_better=bool(MEASURES[metric].higher_is_better))
            table = ranks.average.rename_axis("method").rename("average_rank").sort_values(kind="stable").reset_index()
            numbers = {"settings": ranks.settings, "friedman_p": ranks.p, "critical_difference": ranks.critical_difference}
            tables.append(table.assign(distribution=name, metric=metric, **numbers))
    columns = ["distribution", "metric", "method", "average_rank", "settings", "friedman_p", "critical_difference"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)
