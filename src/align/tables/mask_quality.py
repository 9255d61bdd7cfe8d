"""How well masks cover the object, and how accurate a classifier is on images whose background the masks blur."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from align.configuration.runs import LeftOut
from align.methods.naming import method_of
from align.metrics import LEARNED_MASKS, family_measures
from align.results.collect import study_rows
from align.results.titles import DISTRIBUTION_TITLES, setting_title
from align.tables.columns import Column, by_dataset_and_protocol, column_summary, source_averages, with_headings
from align.tables.left_out import with_left_out
from align.tables.method_block import method_block
from align.tables.printing import Table

CAPTION = """
The first part shows how well masks cover the object, if its true mask is known. It gives the share of the image that
the masks cover, the share that the object covers, and how well the two agree. These are means over images and domains.

The second part asks the paper's question: what are masks worth? A classifier is trained and tested on images in which
everything outside of the mask is blurred. The masks are the true ones, unless the brackets name others. *None* means
unchanged images. Degraded masks are the true ones made worse, by a share of the image's side (*random*: of its area).
Columns marked *in* are of the training domain. Columns marked *out* are the mean over the other domains.
"""

STUDIES = ("comparison", "controls", "masker_ablation")
MASKED = "masked_erm"
MASK_COLUMNS = [Column(metric, distribution) for distribution in DISTRIBUTION_TITLES for metric in family_measures(LEARNED_MASKS)]
CLASSIFIER_COLUMNS = (
    Column("accuracy", "in"),
    Column("accuracy", "out"),
    Column("macro_accuracy", "in"),
    Column("macro_accuracy", "out"),
    Column("learned_mask_area", "in"),
    Column("learned_mask_iou", "in"),
)


def mask_quality(metrics: pd.DataFrame, variants: Mapping[str, Mapping[str, Any]], left_out: LeftOut) -> Table:
    """Return blocks of masks against ground truth, then of classifiers that are trained and tested on masked images.

    Args:
        metrics: ``metrics.csv``.
        variants: the hyper-parameters of each variant.
        left_out: why variants could not be run, by data set and variant.
    """
    masks = source_averages(column_summary(_mask_rows(metrics), MASK_COLUMNS))
    classifiers = source_averages(column_summary(study_rows(metrics, "mask_quality"), CLASSIFIER_COLUMNS))
    blocks = [
        method_block(f"{setting_title(*setting)}, {title}: masks against ground truth", with_headings(summary), "column", str)
        for setting, rows in by_dataset_and_protocol(masks)
        for distribution, title in DISTRIBUTION_TITLES.items()
        if len(summary := rows[rows["distribution"] == distribution])
    ]
    degraded = {name for name, settings in variants.items() if settings.get("degradation", "none") != "none"}
    for setting, rows in by_dataset_and_protocol(classifiers):
        reasons = left_out.get(str(setting[0]), {})
        is_degraded = rows["method"].isin(degraded)
        for title, summary in (("by mask", rows[~is_degraded]), ("masks made worse", rows[is_degraded])):
            if len(summary):
                title = f"{setting_title(*setting)}: background blurred, {title}"
                block = method_block(title, with_headings(summary), "column", str)
                blocks.append(with_left_out(block, reasons, [MASKED]))
    return Table(pd.concat([masks, classifiers], ignore_index=True), blocks)


def _mask_rows(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every method that has masks of its own; a run that belongs to two studies appears once."""
    rows = metrics[metrics["study"].isin(STUDIES) & metrics["method"].map(method_of).ne(MASKED)]
    with_mask = rows.loc[rows["metric"] == "learned_mask_iou", "method"].unique()
    return rows[rows["method"].isin(with_mask)].drop(columns="study").drop_duplicates()
