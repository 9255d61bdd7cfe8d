"""What can be measured of a trained model: one file and one entry here for each metric.

A metric gives one measure or several: values with a name. Everything about a measure is declared here, and only here. Tables,
figures and the verdict read it. This module imports no torch (see align.registry).
"""

from typing import NamedTuple

# Families. A table shows the measures of one family side by side, under the family's name.
PREDICTION = "predictions"
FAITHFULNESS = "faithfulness of saliency maps"
LOCALISATION = "saliency maps against ground truth"
LEARNED_MASKS = "learned masks against ground truth"
LEMMA_1 = "lemma 1, sensitivity to the background"
LEMMA_2 = "lemma 2, squared error"
LEMMA_3 = "lemma 3, cross-entropy"
BY_PEOPLE = "masks rated by people"

# Number formats, as Python's `format` takes them.
PER_CENT = ".1%"  # only in print: data files keep shares of 1
TWO_DECIMALS = ".2f"
THREE_DECIMALS = ".3f"
THREE_DIGITS = ".3g"  # for values of any size


# What measures need.
RANKED_PIXELS = "saliency maps that are not flat"  # a flat map ranks no pixel
A_DROP = f"{RANKED_PIXELS}, and predictions that are less probable for an empty image"
TRUE_MASKS = "true masks with an object"
RANKED_PIXELS_AND_TRUTH = f"{TRUE_MASKS}, and {RANKED_PIXELS}"
PAIRS_THAT_DIFFER = "pairs of images that differ"


class Measure(NamedTuple):
    """A value that a metric gives.

    Attributes:
        title: its name in print.
        higher_is_better: whether higher or lower values are better; None for a value that only describes.
        family: the family with which tables show it; None where no table shows it.
        number_format: how its values are printed.
        headline: whether it is shown where there is room for only some measures of its family.
        needs: what it is undefined without; empty for a measure that is always defined.
    """

    title: str
    higher_is_better: bool | None
    family: str | None
    number_format: str = THREE_DECIMALS
    headline: bool = False
    needs: str = ""

    @property
    def is_percentage(self) -> bool:
        """Whether its values are shares of 1 that are printed in per cent."""
        return self.number_format == PER_CENT


class Entry(NamedTuple):
    """Where a metric's function is, and the measures that it gives, by name."""

    implementation: str
    measures: dict[str, Measure]


def _localisation(name: str, title: str, *, headline: bool = False, ranks_pixels: bool = False) -> dict[str, Measure]:
    """Return the two measures of a localisation metric: one for the saliency map, one for the learned mask.

    The metric may only rank the pixels of a learned mask (``ranks_pixels``), or take its values as they are.
    """
    mask_needs = f"{TRUE_MASKS}, and learned masks that are not flat" if ranks_pixels else TRUE_MASKS
    return {
        name: Measure(title, True, LOCALISATION, headline=headline, needs=RANKED_PIXELS_AND_TRUTH),
        f"learned_mask_{name}": Measure(f"Learned mask: {title}", True, LEARNED_MASKS, needs=mask_needs),
    }


METRICS = {
    "accuracy": Entry(
        "align.metrics.prediction.accuracy:accuracy", {"accuracy": Measure("Accuracy", True, PREDICTION, PER_CENT)}
    ),
    "macro_accuracy": Entry(
        "align.metrics.prediction.macro_accuracy:macro_accuracy",
        {"macro_accuracy": Measure("Macro accuracy", True, PREDICTION, PER_CENT)},
    ),
    "auc": Entry(
        "align.metrics.prediction.auc:auc",
        {
            "auc": Measure("ROC AUC", True, PREDICTION, PER_CENT, needs="test images of two classes or more"),
            "auc_classes": Measure("Classes in ROC AUC", None, None),
        },
    ),
    "sufficiency": Entry(
        "align.metrics.faithfulness.sufficiency:sufficiency",
        {
            "sufficiency": Measure("Sufficiency", False, FAITHFULNESS, headline=True, needs=RANKED_PIXELS),
            "normalised_sufficiency": Measure("Normalised sufficiency", False, FAITHFULNESS, needs=A_DROP),
        },
    ),
    "comprehensiveness": Entry(
        "align.metrics.faithfulness.comprehensiveness:comprehensiveness",
        {
            "comprehensiveness": Measure("Comprehensiveness", True, FAITHFULNESS, headline=True, needs=RANKED_PIXELS),
            "normalised_comprehensiveness": Measure("Normalised comprehensiveness", True, FAITHFULNESS, needs=A_DROP),
        },
    ),
    "insertion_auc": Entry(
        "align.metrics.faithfulness.insertion_auc:insertion_auc",
        {"insertion_auc": Measure("Insertion AUC", True, FAITHFULNESS, headline=True, needs=RANKED_PIXELS)},
    ),
    "deletion_auc": Entry(
        "align.metrics.faithfulness.deletion_auc:deletion_auc",
        {"deletion_auc": Measure("Deletion AUC", False, FAITHFULNESS, needs=RANKED_PIXELS)},
    ),
    "pointing_game": Entry(
        "align.metrics.localisation.pointing_game:pointing_game",
        _localisation("pointing_game", "Pointing game", ranks_pixels=True),
    ),
    "energy_inside": Entry(
        "align.metrics.localisation.energy_inside:energy_inside",
        _localisation("energy_inside", "Energy inside", headline=True),
    ),
    "iou": Entry("align.metrics.localisation.iou:iou", _localisation("iou", "IoU")),
    "box_iou": Entry("align.metrics.localisation.box_iou:box_iou", _localisation("box_iou", "IoU of bounding boxes")),
    "pixel_average_precision": Entry(
        "align.metrics.localisation.pixel_average_precision:pixel_average_precision",
        _localisation("pixel_average_precision", "Pixel average precision", ranks_pixels=True),
    ),
    "mask_area": Entry(
        "align.metrics.localisation.mask_area:mask_area",
        {
            "learned_mask_area": Measure("Learned mask: area", None, LEARNED_MASKS, needs="masks"),
            "ground_truth_area": Measure("Ground truth: area", None, LEARNED_MASKS, needs=TRUE_MASKS),  # a good mask's area
        },
    ),
    "local_lipschitz": Entry(
        "align.metrics.domain_shift.local_lipschitz:local_lipschitz",
        {
            name: Measure(title, False, LEMMA_1, THREE_DIGITS, needs=PAIRS_THAT_DIFFER)
            for name, title in (
                ("local_lipschitz", "Local Lipschitz constant, mean"),
                ("local_lipschitz_95", "95th percentile"),
                ("local_lipschitz_maximum", "Maximum"),
            )
        },
    ),
    "output_gap": Entry(
        "align.metrics.domain_shift.output_gap:output_gap",
        {"output_gap": Measure("Gap of expected outputs", False, LEMMA_2)},
    ),
    "mse_gap": Entry(
        "align.metrics.domain_shift.mse_gap:mse_gap",
        {
            "mse_gap": Measure("Gap of squared errors", False, LEMMA_2),
            "mse_gap_bound": Measure("4 × gap of expected outputs", None, LEMMA_2),
            "mse_gap_bound_holds": Measure("Bound holds, share", None, LEMMA_2),
        },
    ),
    "ce_gap": Entry(
        "align.metrics.domain_shift.ce_gap:ce_gap",
        {
            "ce_gap": Measure("Gap of cross-entropies", False, LEMMA_3),
            "output_distance": Measure("ε", False, LEMMA_3),
            "ce_gap_constant": Measure("C", None, LEMMA_3, THREE_DIGITS),
            "ce_gap_bound": Measure("C · ε", None, LEMMA_3, THREE_DIGITS),
        },
    ),
}

RATINGS = {
    "coverage": Measure("Rated coverage", True, BY_PEOPLE, TWO_DECIMALS, needs="raters"),
    "background": Measure("Rated background", False, BY_PEOPLE, TWO_DECIMALS, needs="raters"),
    "overall": Measure("Overall rating", True, BY_PEOPLE, TWO_DECIMALS, headline=True, needs="raters"),
}
"""What people say of masks, from 1 to 5, by the names of the questions of :mod:`align.rating`. No metric computes it."""

MEASURES = {name: measure for entry in METRICS.values() for name, measure in entry.measures.items()} | RATINGS


def family_measures(family: str) -> list[str]:
    """Return the names of a family's measures, in the order of the registry."""
    return [name for name, measure in MEASURES.items() if measure.family == family]
