"""The accuracies that figures draw."""

import pandas as pd

from align.results.titles import plain

VISIBLE = 0.01  # a smaller difference of two accuracies cannot be seen in a figure


def accuracies(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of accuracy, and those of macro accuracy in every data set where the two differ by a point or more.

    They differ where some classes have more test images than others.

    Args:
        metrics: ``metrics.csv``, or rows of it.
    """
    rows = metrics[metrics["metric"].isin(["accuracy", "macro_accuracy"])]
    values = rows.groupby([name for name in rows if name not in ("metric", "value", "n")])["value"]
    differs = values.transform("max") - values.transform("min") >= VISIBLE
    return rows[rows["metric"].eq("accuracy") | rows["dataset"].isin(rows.loc[differs, "dataset"])]


def accuracy_label(metric: str) -> str:
    """Return the label of an axis of accuracies."""
    return f"{plain(metric)}, %"
