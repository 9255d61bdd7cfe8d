"""Faithfulness and localisation of saliency maps and learned masks, in and out of distribution."""

from collections.abc import Sequence

import pandas as pd

from align.metrics import MEASURES
from align.metrics.titles import short_measure_title
from align.results.collect import study_rows
from align.results.summary import averages, over_seeds
from align.results.titles import setting_title
from align.tables.printing import Table
from align.tables.summary import comparison

DISTRIBUTIONS = {"in": "in distribution", "out": "out of distribution"}
LEARNED_MASK = "learned_mask_"
GROUND_TRUTH_AREA = "ground_truth_area"  # what the learned mask's area should be near
FAITHFULNESS = (
    "sufficiency",
    "comprehensiveness",
    "normalised_sufficiency",
    "normalised_comprehensiveness",
    "insertion_auc",
    "deletion_auc",
)
LOCALISATION = ("pointing_game", "energy_inside", "iou", "pixel_average_precision")
FAMILIES = {
    "faithfulness of saliency maps": FAITHFULNESS,
    "saliency maps against ground truth": LOCALISATION,
    "learned masks against ground truth": (*(name for name in MEASURES if name.startswith(LEARNED_MASK)), GROUND_TRUTH_AREA),
}


def explanation_quality(metrics: pd.DataFrame) -> Table:
    """Return a block per data set, protocol, distribution and family of measures: methods × measures.

    Each value is the mean over source domains (in distribution) or over pairs of source and target (out of it).

    Args:
        metrics: ``results/metrics.csv``.
    """
    families = {measure: family for family, measures in FAMILIES.items() for measure in measures}
    metrics = study_rows(metrics, "comparison")
    learning = metrics.loc[metrics["metric"].str.startswith(LEARNED_MASK), "method"].unique()
    explanations = metrics[
        metrics["metric"].isin(families) & (metrics["metric"].ne(GROUND_TRUTH_AREA) | metrics["method"].isin(learning))
    ]
    values = explanations.assign(
        family=explanations["metric"].map(families),
        pair=explanations["source_domain"] + "/" + explanations["target_domain"],
    )[["dataset", "protocol", "distribution", "family", "metric", "pair", "method", "seed", "value"]]
    data = over_seeds(averages(values, "pair").drop(columns="pair"))
    blocks = []
    for (dataset, protocol), of_dataset in data.groupby(["dataset", "protocol"], sort=False):
        for distribution in DISTRIBUTIONS:
            for family, measures in FAMILIES.items():
                chosen = of_dataset[of_dataset["distribution"].eq(distribution) & of_dataset["family"].eq(family)]
                if len(chosen):
                    title = f"{setting_title(dataset, protocol)}, {DISTRIBUTIONS[distribution]}: {family}"
                    blocks.append(comparison(title, _in_order(chosen, measures), "metric", short_measure_title))
    return Table(data, blocks)


def _in_order(summary: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    return summary.sort_values("metric", key=lambda names: names.map(measures.index), kind="stable")
