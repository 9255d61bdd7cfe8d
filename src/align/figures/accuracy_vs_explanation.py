"""Accuracy against the quality of explanations, a point per run."""

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from align.figures.style import colours, legend_on_top, nothing_to_draw
from align.methods.naming import method_title
from align.metrics.titles import measure_title
from align.results.collect import study_rows
from align.results.titles import setting_title

RUN = ["dataset", "protocol", "method", "source_domain", "seed", "distribution"]
EXPLANATION = ("sufficiency", "comprehensiveness", "insertion_auc", "energy_inside")
DISTRIBUTIONS = {"in": "in distribution", "out": "out of distribution"}


def accuracy_and_explanation(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return accuracy and each explanation measure of every run, in and out of distribution (the mean over its targets).

    Args:
        metrics: ``results/metrics.csv``.

    Returns:
        Columns: those of a run, distribution, accuracy, measure, value.
    """
    compared = study_rows(metrics, "comparison")
    named = compared.assign(distribution=compared["distribution"].map(DISTRIBUTIONS))
    of_runs = named.groupby([*RUN, "metric"], sort=False)["value"].mean().unstack()  # noqa: PD010 (a Series has no pivot_table)
    measured = of_runs.reindex(columns=["accuracy", *EXPLANATION]).reset_index()
    long = measured.melt([*RUN, "accuracy"], EXPLANATION, var_name="measure", value_name="value")
    return long.dropna(subset=["accuracy", "value"])


def draw_accuracy_vs_explanation(data: pd.DataFrame) -> Figure:
    """Return a panel per data set, protocol and measure.

    Args:
        data: from :func:`accuracy_and_explanation`.
    """
    if data.empty:
        return nothing_to_draw("No accuracy and explanation of a compared method were measured.")
    methods = [method_title(method) for method in data["method"].unique()]
    measures = [measure_title(measure) for measure in data["measure"]]
    settings = [setting_title(*names) for names in zip(data["dataset"], data["protocol"])]
    grid = sns.relplot(
        data.assign(
            panel=pd.Series(list(zip(settings, measures)), index=data.index),
            method=data["method"].map(method_title),
            accuracy=100 * data["accuracy"],
        ),
        x="value", y="accuracy", hue="method", style="distribution", style_order=DISTRIBUTIONS.values(), col="panel", col_wrap=2,
        palette=colours(methods), markers=["o", "^"], s=30, alpha=0.8,
        height=2.5, aspect=1.4, facet_kws={"sharex": False, "sharey": False},
    )  # fmt: skip
    grid.set_ylabels("accuracy, %")
    for (setting, measure), panel in grid.axes_dict.items():
        panel.set_title(setting)
        panel.set_xlabel(measure)
    grid.tight_layout()
    legend_on_top(grid)
    figure: Figure = grid.figure
    return figure
