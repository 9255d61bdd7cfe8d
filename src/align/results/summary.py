"""Means over targets and sources, and means and spreads over seeds."""

import pandas as pd

AVERAGE = "average"


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
