"""Faithfulness and localisation of saliency maps and learned masks, in and out of distribution."""

import pandas as pd

from align.methods.naming import method_title
from align.metrics import FAITHFULNESS, LEARNED_MASKS, LOCALISATION, MEASURES
from align.metrics.printing import short_measure_title
from align.results.collect import compared_rows
from align.results.summary import averages
from align.results.titles import DISTRIBUTION_TITLES, setting_title
from align.tables.method_block import in_registry_order, method_block
from align.tables.method_summary import method_summary
from align.tables.printing import Table

CAPTION = """
How good the explanations are. Values are means over test images, then over domains (in distribution) or pairs of source
and target (out of distribution). Then follow mean ± standard deviation over seeds. In each column, what cannot be told
from the best is bold.

*Faithfulness* asks whether the pixels that the saliency map ranks first carry the prediction. *Sufficiency* is the drop
in confidence when only these pixels are kept. *Comprehensiveness* is the drop when they are removed. Both are given raw
and normalised. Insertion and deletion curves add or remove the pixels step by step.

*Localisation* asks whether the map, or the mask that a method learns, lies on the object. It needs the true mask. The
measures are the pointing game, the share of the energy inside, intersection over union, and the average precision of
pixels.
"""

FAMILIES = (FAITHFULNESS, LOCALISATION, LEARNED_MASKS)
BLOCK = ["dataset", "protocol", "distribution", "family"]
EVALUATED = ["dataset", "protocol", "method", "source_domain", "target_domain", "seed"]
GROUND_TRUTH_AREA = "ground_truth_area"  # stands beside the learned mask's area; measured of methods without a mask too


def explanation_quality(metrics: pd.DataFrame) -> Table:
    """Return a block for each data set, protocol, distribution and family of measures: methods × measures.

    Each value is the mean over source domains (in distribution) or over pairs of source and target (out of distribution).

    Args:
        metrics: ``metrics.csv``.
    """
    rows = compared_rows(metrics)
    rows = rows.assign(images=rows.groupby(EVALUATED)["n"].transform("max"))
    rows = rows.assign(family=rows["metric"].map({name: measure.family for name, measure in MEASURES.items()}))
    rows = rows[rows["family"].isin(FAMILIES)]
    is_area = rows["metric"].eq(GROUND_TRUTH_AREA)
    with_mask = rows.loc[rows["family"].eq(LEARNED_MASKS) & ~is_area, "method"].unique()
    rows = rows[~is_area | rows["method"].isin(with_mask)]
    values = rows.assign(pair=rows["source_domain"] + "/" + rows["target_domain"])[
        ["dataset", "protocol", "distribution", "family", "metric", "pair", "method", "seed", "value"]
    ]
    data = method_summary(averages(values, "pair").drop(columns="pair"))
    blocks = []
    for (dataset, protocol), setting_rows in data.groupby(["dataset", "protocol"], sort=False):
        for distribution, distribution_title in DISTRIBUTION_TITLES.items():
            for family in FAMILIES:
                chosen = setting_rows[setting_rows["distribution"].eq(distribution) & setting_rows["family"].eq(family)]
                if len(chosen):
                    title = f"{setting_title(dataset, protocol)}, {distribution_title}: {family}"
                    block = method_block(title, in_registry_order(chosen), "metric", short_measure_title)
                    counted = rows[rows[BLOCK].eq(chosen[BLOCK].iloc[0]).all(axis=1)]
                    blocks.append(block._replace(note=" ".join(filter(None, [block.note, _images_note(counted)]))))
    return Table(data, blocks)


def _images_note(rows: pd.DataFrame) -> str:
    """Return a sentence on the measures that only some images have a value of. Empty if there are none.

    Args:
        rows: metric, method, n (the images with a value) and images (all that were tested).
    """
    counts = in_registry_order(rows).groupby(["metric", "method"], sort=False)[["n", "images"]].sum().reset_index()
    some = counts[counts["n"].between(1, counts["images"] - 1)]
    fewest = some.loc[(some["n"] / some["images"]).groupby(some["metric"], sort=False).idxmin()]
    remarks = [
        f"{MEASURES[metric].title.removeprefix('Learned mask: ')} {n:,} of {images:,} ({method_title(method)})"
        for metric, method, n, images in fewest.itertuples(index=False)
    ]
    return f"Only some images have a value; the fewest, over all seeds and domains: {', '.join(remarks)}." if remarks else ""
