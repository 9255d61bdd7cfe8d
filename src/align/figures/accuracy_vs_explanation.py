"""Accuracy against the quality of explanations, a point for each run."""

from collections.abc import Sequence

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from align.figures.style import Drawing, legend_on_top, method_colours, note_below, nothing_to_draw
from align.methods.naming import method_title
from align.metrics import FAITHFULNESS, LOCALISATION, MEASURES
from align.metrics.printing import measure_title, undefined_note
from align.results.collect import study_rows
from align.results.titles import DISTRIBUTION_TITLES, setting_title

CAPTION = """
Accuracy against four measures of explanation quality. Each run has two points. The circle is its own domain. The
triangle is the mean over the other domains. If better explanations come with better accuracy, the points of one shape
show a slope.
"""

RUN = ["dataset", "protocol", "method", "source_domain", "seed", "distribution"]
EXPLANATION = [name for name, measure in MEASURES.items() if measure.family in (FAITHFULNESS, LOCALISATION) and measure.headline]


def accuracy_vs_explanation(metrics: pd.DataFrame) -> Drawing:
    """Return a panel for each data set, protocol and measure of explanations.

    Args:
        metrics: ``metrics.csv``.
    """
    data = accuracy_and_explanation(metrics)
    return Drawing(data, draw_accuracy_vs_explanation(data, undefined_measures(metrics)))


def accuracy_and_explanation(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return each run's accuracy and measures of explanations, in distribution and out of distribution (mean over targets).

    Args:
        metrics: ``metrics.csv``.

    Returns:
        dataset, protocol, method, source_domain, seed, distribution, accuracy, measure, value.
    """
    compared = study_rows(metrics, "comparison")
    titled = compared.assign(distribution=compared["distribution"].map(DISTRIBUTION_TITLES))
    by_run = titled.groupby([*RUN, "metric"], sort=False)["value"].mean().unstack()  # noqa: PD010 (a Series has no pivot_table)
    wide = by_run.reindex(columns=["accuracy", *EXPLANATION]).reset_index()
    long = wide.melt([*RUN, "accuracy"], EXPLANATION, var_name="measure", value_name="value")
    return long.dropna(subset=["accuracy", "value"])


def undefined_measures(metrics: pd.DataFrame) -> list[str]:
    """Return the measures of explanations that are undefined for a whole domain in some run, in the order of the registry.

    Args:
        metrics: ``metrics.csv``.
    """
    rows = study_rows(metrics, "comparison")
    undefined = set(rows.loc[rows["value"].isna(), "metric"])
    return [name for name in EXPLANATION if name in undefined]


def draw_accuracy_vs_explanation(data: pd.DataFrame, undefined: Sequence[str] = ()) -> Figure:
    """Draw the data of :func:`accuracy_and_explanation`, and say why some measures are ``undefined``."""
    note = undefined_note(undefined)
    if data.empty:
        return nothing_to_draw(note or "No accuracy and explanation of a compared method were measured.")
    measures = [measure_title(measure) for measure in data["measure"]]
    settings = [setting_title(*names) for names in zip(data["dataset"], data["protocol"])]
    grid = sns.relplot(
        data.assign(
            panel=pd.Series(list(zip(settings, measures)), index=data.index),
            method=data["method"].map(method_title),
            accuracy=100 * data["accuracy"],
        ),
        x="value", y="accuracy", hue="method", style="distribution", style_order=DISTRIBUTION_TITLES.values(),
        col="panel", col_wrap=2, palette=method_colours(data["method"].unique()), markers=["o", "^"], s=30,
        height=2.5, aspect=1.4, facet_kws={"sharex": False, "sharey": False},
    )  # fmt: skip
    grid.set_ylabels("accuracy, %")
    for (setting, measure), panel in grid.axes_dict.items():
        panel.set_title(setting)
        panel.set_xlabel(measure)
    grid.tight_layout()
    legend_on_top(grid)
    figure: Figure = grid.figure
    if note:
        note_below(figure, f"Not drawn for some runs. {note}")
    return figure
