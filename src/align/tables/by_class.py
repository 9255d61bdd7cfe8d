"""Accuracy of each class, and how well masks cover the objects of each class."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from align.metrics.printing import measure_title, unit
from align.results.collect import run_rows
from align.results.summary import averages
from align.results.titles import DISTRIBUTION_TITLES, plain, setting_title
from align.tables.method_block import method_block
from align.tables.method_summary import method_summary
from align.tables.printing import Table

CAPTION = """
What the averages hide: accuracy for each class, and how well saliency maps and masks lie on the objects of each class.
Masks are those that a method learns or is given. The number of test images with a value stands beside each class. Values
are means over the images of a class, then over domains (in distribution) or pairs of source and target (out of
distribution). Then follow mean ± standard deviation over seeds. In each column, what cannot be told from the best is
bold. The values of a data set with more than 20 classes are in the CSV file only.
"""

MOST_CLASSES = 20  # of a table that fits a page

SHOWN = (
    "accuracy",
    "pointing_game",
    "energy_inside",
    "learned_mask_pointing_game",
    "learned_mask_energy_inside",
    "learned_mask_box_iou",
)
PLACE = ["study", "dataset", "protocol", "distribution", "metric"]


def by_class(runs: Iterable[tuple[Mapping[str, Any], list[str], pd.DataFrame]]) -> Table:
    """Return a block for each study, data set, protocol, distribution and measure: methods × classes.

    Args:
        runs: each run (dataset, protocol, domain, method, seed and studies), its source domains, and its ``images.csv.gz``.
    """
    rows = pd.concat([class_means(images, run, sources) for run, sources, images in runs], ignore_index=True)
    rows = rows.assign(pair=rows["source_domain"] + "/" + rows["target_domain"])
    counts = rows.groupby([*PLACE, "class", "method", "seed"])["n"].sum().groupby([*PLACE, "class"]).max().rename("images")
    values = rows[[*PLACE, "class", "pair", "method", "seed", "value"]]
    data = method_summary(averages(values, "pair").drop(columns="pair")).join(counts, on=[*PLACE, "class"])
    data["heading"] = data["class"].map(plain) + " (" + data["images"].astype(str) + ")"
    blocks = [
        method_block(
            f"{setting_title(dataset, protocol, study)}, {DISTRIBUTION_TITLES[distribution]}: {measure_title(metric)}"
            f"{unit(metric)}",
            chosen,
            "heading",
            str,
        )
        for (study, dataset, protocol), found in data.groupby(PLACE[:3], sort=False)
        if found["class"].nunique() <= MOST_CLASSES
        for distribution in DISTRIBUTION_TITLES
        for metric in SHOWN
        if len(chosen := found[found["distribution"].eq(distribution) & found["metric"].eq(metric)])
    ]
    return Table(data.drop(columns="heading"), blocks)


def class_means(images: pd.DataFrame, run: Mapping[str, Any], source_domains: list[str]) -> pd.DataFrame:
    """Return the means of a run's measures over the images of each class that have a value, with their number ``n``.

    Args:
        images: the run's ``images.csv.gz``.
        run: dataset, protocol, domain, method, seed and studies.
        source_domains: the domains that the run was trained on.

    Returns:
        The rows of :func:`align.results.collect.run_rows`, with the column ``class``.
    """
    shown = [name for name in SHOWN if name in images]
    long = images.melt(["target_domain", "class"], shown, "metric").dropna(subset="value")
    means = long.groupby(["target_domain", "class", "metric"], sort=False)["value"].agg(value="mean", n="size").reset_index()
    return run_rows(means, run, source_domains).join(means["class"])
