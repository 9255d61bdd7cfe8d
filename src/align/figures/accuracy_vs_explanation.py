"""Accuracy and macro accuracy against the quality of explanations, a point for each run."""

from collections.abc import Sequence

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from align.figures.style import Drawing, legend_on_top, method_colours, note_below, nothing_to_draw
from align.methods.naming import method_title
from align.metrics import FAITHFULNESS, LOCALISATION, MEASURES
from align.metrics.printing import measure_title, undefined_note
from align.results.accuracies import accuracies, accuracy_label
from align.results.collect import study_rows
from align.results.titles import DISTRIBUTION_TITLES, setting_title

CAPTION = """
Accuracy against four measures of explanation quality. Each run has two points. The circle is its own domain. The
triangle is the mean over the other domains. If better explanations come with better accuracy, the points of one shape
show a slope. Macro accuracy counts every class the same. Where it differs from accuracy by a point or more, both are
drawn.
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
        dataset, protocol, method, source_domain, seed, distribution; measure and its value; metric (accuracy or macro_accuracy)
        and accuracy, its value. Which metrics, :func:`align.results.accuracies.accuracies` says.
    """
    compared = study_rows(metrics, "comparison")
    titled = compared.assign(distribution=compared["distribution"].map(DISTRIBUTION_TITLES))
    by_run = titled.groupby([*RUN, "metric"], sort=False)["value"].mean().reset_index()
    explanations = by_run[by_run["metric"].isin(EXPLANATION)].rename(columns={"metric": "measure"})
    in_order = explanations.sort_values("measure", key=lambda names: names.map(EXPLANATION.index), kind="stable")
    return in_order.merge(accuracies(by_run).rename(columns={"value": "accuracy"}), on=RUN).dropna(subset=["accuracy", "value"])


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
    settings = [setting_title(*names) for names in zip(data["dataset"], data["protocol"])]
    panels = list(zip(settings, data["measure"], data["metric"]))
    grid = sns.relplot(
        data.assign(
            panel=pd.Series(panels, index=data.index),
            method=data["method"].map(method_title),
            accuracy=100 * data["accuracy"],
        ),
        x="value", y="accuracy", hue="method", style="distribution", style_order=DISTRIBUTION_TITLES.values(),
        col="panel", col_wrap=2, palette=method_colours(data["method"].unique()), markers=["o", "^"], s=30,
        height=2.5, aspect=1.4, facet_kws={"sharex": False, "sharey": False},
    )  # fmt: skip
    for (setting, measure, metric), panel in grid.axes_dict.items():
        panel.set(title=setting, xlabel=measure_title(measure), ylabel=accuracy_label(metric))
    grid.tight_layout()
    legend_on_top(grid)
    figure: Figure = grid.figure
    if note:
        note_below(figure, f"Not drawn for some runs. {note}")
    return figure
