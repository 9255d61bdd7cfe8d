"""How well masks cover the object, and what a classifier makes of images whose background they blur."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from align.configuration.runs import LeftOut
from align.methods.naming import method_of
from align.results.collect import study_rows
from align.results.titles import setting_title
from align.tables.columns import Column, measured, of_settings, over_sources, titled
from align.tables.left_out import with_left_out
from align.tables.printing import Table
from align.tables.summary import comparison

STUDIES = ("comparison", "masker_ablation")
MASKED = "masked_erm"
DISTRIBUTIONS = {"in": "in distribution", "out": "out of distribution"}
MASKS = (
    "learned_mask_area",
    "ground_truth_area",  # what the mask's area should be near
    "learned_mask_iou",
    "learned_mask_energy_inside",
    "learned_mask_pointing_game",
    "learned_mask_pixel_average_precision",
)
ACCURACY = (
    Column("accuracy", "in"),
    Column("accuracy", "out"),
    Column("learned_mask_area", "in"),
    Column("learned_mask_iou", "in"),
)


def mask_quality(metrics: pd.DataFrame, variants: Mapping[str, Mapping[str, Any]], left_out: LeftOut) -> Table:
    """Return blocks of masks against ground truth, then of classifiers that are trained and tested on masked images.

    Args:
        metrics: ``results/metrics.csv``.
        variants: the hyper-parameters of every variant.
        left_out: variants that could not be run, and why.
    """
    masks, accuracies = over_sources(_of_maskers(metrics)), over_sources(measured(study_rows(metrics, "mask_quality"), ACCURACY))
    blocks = [
        comparison(f"{setting_title(*setting)}, {where}: masks against ground truth", titled(summary), "column", str)
        for setting, rows in of_settings(masks)
        for distribution, where in DISTRIBUTIONS.items()
        if len(summary := rows[rows["distribution"] == distribution])
    ]
    degraded = {name for name, settings in variants.items() if settings.get("degradation", "none") != "none"}
    for setting, rows in of_settings(accuracies):
        reasons = left_out.get(str(setting[0]), {})
        is_degraded = rows["method"].isin(degraded)
        for what, summary in (("by mask", rows[~is_degraded]), ("masks made worse", rows[is_degraded])):
            if len(summary):
                block = comparison(f"{setting_title(*setting)}: background blurred, {what}", titled(summary), "column", str)
                blocks.append(with_left_out(block, reasons, [MASKED]))
    return Table(pd.concat([masks, accuracies], ignore_index=True), blocks)


def _of_maskers(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the quality of the masks of every method that has some, each run once, whatever studies it is part of."""
    own = metrics[metrics["study"].isin(STUDIES) & metrics["method"].map(method_of).ne(MASKED)]
    masking = own.loc[own["metric"] == "learned_mask_iou", "method"].unique()
    once = own[own["method"].isin(masking)].drop(columns="study").drop_duplicates()
    return measured(once, [Column(metric, distribution) for distribution in DISTRIBUTIONS for metric in MASKS])
