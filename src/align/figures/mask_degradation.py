"""Accuracy and macro accuracy on images whose background is blurred, against how far the masks differ from the true ones."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from align.figures.style import Drawing, colours, legend_on_top, nothing_to_draw
from align.methods.naming import method_of
from align.results.accuracies import accuracies, accuracy_label
from align.results.collect import study_rows
from align.results.summary import averages
from align.results.titles import DISTRIBUTION_TITLES, plain, setting_title

CAPTION = """
What happens when masks get worse. A classifier is trained and tested on images in which everything outside of the mask
is blurred. The masks are made worse step by step: eroded, dilated, shifted (each image's mask in a direction of its
own), or with squares at random places that are sharp or blurred at random. A line is the mean over seeds. Its band
reaches from the lowest to the highest seed. One seed is a point. The dotted line is the same classifier on unchanged
images. Where macro accuracy differs from accuracy by a point or more, it has panels of its own.
"""

METHOD = "masked_erm"
KEPT = ["dataset", "protocol", "distribution", "metric", "method", "seed", "source_domain", "target_domain", "value"]
COLUMNS = ["dataset", "protocol", "distribution", "metric", "mask", "degradation", "degree", "seed", "accuracy"]

LINES: Any = {"kind": "line", "markers": True, "dashes": False, "errorbar": ("pi", 100)}
POINTS: Any = {"kind": "scatter"}

Settings = Mapping[str, Mapping[str, Any]]


def mask_degradation(metrics: pd.DataFrame, variants: Settings) -> Drawing:
    """Return a panel for each data set, protocol, mask, distribution and accuracy: lines for degradations in bands of seeds.

    Args:
        metrics: ``metrics.csv``.
        variants: the hyper-parameters of each variant.
    """
    data = degraded_accuracy(metrics, variants)
    return Drawing(data, draw_mask_degradation(data))


def degraded_accuracy(metrics: pd.DataFrame, variants: Settings) -> pd.DataFrame:
    """Return the accuracy of each seed, a mean over targets and sources, by mask, degradation and degree.

    Masks that are not degraded have the degree 0 of every degradation. Images that are not masked have the mask ``none``.

    Args:
        metrics: ``metrics.csv``.
        variants: the hyper-parameters of each variant.

    Returns:
        dataset, protocol, distribution; metric, accuracy or macro_accuracy; mask, degradation (``none`` for images that are not
        masked), degree, seed; accuracy, the value of the metric.
    """
    study = study_rows(metrics, "mask_quality")
    rows = accuracies(study[study["method"].map(method_of).eq(METHOD)])[KEPT]
    rows = averages(averages(rows, "target_domain"), "source_domain").rename(columns={"value": "accuracy"})
    for setting in ("mask", "degradation", "degree"):
        rows[setting] = [variants[method][setting] for method in rows["method"]]
    degraded = rows[rows["degradation"] != "none"]
    kinds = degraded[["mask", "degradation"]].drop_duplicates()
    untouched = rows[rows["degradation"] == "none"].drop(columns="degradation").merge(kinds, on="mask")
    unmasked = rows[rows["mask"] == "none"]
    return pd.concat([untouched, degraded, unmasked], ignore_index=True)[COLUMNS]


def draw_mask_degradation(data: pd.DataFrame) -> Figure:
    """Draw the data of :func:`degraded_accuracy`."""
    masked, unmasked = data[data["mask"] != "none"], data[data["mask"] == "none"]
    if masked.empty:
        return nothing_to_draw("No mask was degraded.")
    panels = list(zip(masked["dataset"], masked["protocol"], masked["mask"], masked["distribution"], masked["metric"]))
    grid = sns.relplot(
        masked.assign(panel=pd.Series(panels, index=masked.index), accuracy=100 * masked["accuracy"]),
        x="degree", y="accuracy", hue="degradation", style="degradation", col="panel", col_wrap=2,
        palette=colours(list(masked["degradation"].unique())),
        **(LINES if len(masked["seed"].unique()) > 1 else POINTS),
        height=2.5, aspect=1.3, facet_kws={"sharey": False},
    )  # fmt: skip
    grid.set_xlabels("degree (share of the side; random: of the area)")
    for (dataset, protocol, mask, distribution, metric), panel in grid.axes_dict.items():
        panel.set_ylabel(accuracy_label(metric))
        panel.set_title(f"{setting_title(dataset, protocol)}\nmasks: {plain(mask)}, {DISTRIBUTION_TITLES[distribution]}")
        same = "dataset == @dataset and protocol == @protocol and distribution == @distribution and metric == @metric"
        beside = unmasked.query(same)
        if len(beside):
            panel.axhline(100 * beside["accuracy"].mean(), color="0.4", linestyle=":")
    grid.tight_layout()
    legend_on_top(grid, {"images as they are": Line2D([], [], color="0.4", linestyle=":")} if len(unmasked) else {})
    figure: Figure = grid.figure
    return figure
