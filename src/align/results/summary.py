"""Averages over targets and sources, and means and standard deviations over seeds."""

import pandas as pd

AVERAGE = "average"


def averages(values: pd.DataFrame, over: str) -> pd.DataFrame:
    """Return the mean over the column ``over`` for each method and seed, as rows in which that column says ``average``.

    A seed that lacks one of the averaged values is left out: its mean could not be compared with the others. The mean is NaN
    where a value is undefined (NaN) that is defined for another method or seed. What is undefined for all of them does not count.

    Args:
        values: metrics in long form: method, seed, value, ``over``, and columns that tell settings apart.
        over: the column to average over, such as target_domain.
    """
    kept = [column for column in values.columns if column not in (over, "value")]
    by_seed = values.groupby(kept, sort=False)["value"].agg(["mean", "size", "count"])
    setting = [name for name in kept if name not in ("method", "seed")]
    most = by_seed[["size", "count"]].groupby(setting, sort=False).transform("max")
    comparable = by_seed["mean"].where(by_seed["count"] == most["count"])
    complete = comparable[by_seed["size"] == most["size"]]
    return complete.rename("value").reset_index().assign(**{over: AVERAGE})


def seed_summary(values: pd.DataFrame) -> pd.DataFrame:
    """Return ``values`` with mean, standard_deviation and seeds (their number) in place of seed and value.

    A seed whose value is undefined (NaN) does not count. The standard deviation is that of a sample (n − 1), and NaN for one
    seed. The mean is NaN without a seed.
    """
    kept = [column for column in values.columns if column not in ("seed", "value")]
    by_setting = values.groupby(kept, sort=False)["value"]
    return by_setting.agg(mean="mean", standard_deviation="std", seeds="count").reset_index()
