"""The accuracies that figures draw."""

import pandas as pd

from align.results.titles import plain

SAME = 1e-6  # two values that differ by less differ by rounding


def accuracies(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of accuracy, and those of macro accuracy in every data set in which the two differ.

    They differ where some classes have more test images than others.

    Args:
        metrics: ``metrics.csv``, or rows of it.
    """
    rows = metrics[metrics["metric"].isin(["accuracy", "macro_accuracy"])]
    values = rows.groupby([name for name in rows if name not in ("metric", "value", "n")])["value"]
    differs = values.transform("max") - values.transform("min") > SAME
    return rows[rows["metric"].eq("accuracy") | rows["dataset"].isin(rows.loc[differs, "dataset"])]


def accuracy_label(metric: str) -> str:
    """Return the label of an axis of accuracies."""
    return f"{plain(metric)}, %"
