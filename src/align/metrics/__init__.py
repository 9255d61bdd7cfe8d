"""What is measured of a trained model: one file and a line here each; the folders are families of metrics.

Imports no torch (see align.registry): tables and figures read titles and directions from here.
"""

from typing import NamedTuple


class Measure(NamedTuple):
    """A value that a metric gives: its name in print, and whether higher is better (None: it only describes)."""

    title: str
    higher_is_better: bool | None


class Entry(NamedTuple):
    """Where a metric's function is, and the values that it gives, by name."""

    implementation: str
    measures: dict[str, Measure]


def _single(name: str, title: str, higher_is_better: bool) -> dict[str, Measure]:
    return {name: Measure(title, higher_is_better)}


def _erasure(name: str, title: str, higher_is_better: bool) -> dict[str, Measure]:
    normalised = {f"normalised_{name}": Measure(f"Normalised {title.lower()}", higher_is_better)}
    return _single(name, title, higher_is_better) | normalised


def _localisation(name: str, title: str) -> dict[str, Measure]:
    return {name: Measure(title, True), f"learned_mask_{name}": Measure(f"Learned mask: {title}", True)}


AUC = {"auc": Measure("AUC", True), "auc_classes": Measure("Classes in AUC", None)}
AREA = {
    "learned_mask_area": Measure("Learned mask: area", None),
    "ground_truth_area": Measure("Ground truth: area", None),
}
LOCAL_LIPSCHITZ = {
    "local_lipschitz": Measure("Local Lipschitz constant, mean", False),
    "local_lipschitz_95": Measure("95th percentile", False),
    "local_lipschitz_maximum": Measure("Maximum", False),
}
MSE_GAP = {
    "mse_gap": Measure("Gap of squared errors", False),
    "mse_gap_bound": Measure("4 × gap of expected outputs", None),
    "mse_gap_bound_holds": Measure("Bound holds, share", None),
}
CE_GAP = {
    "ce_gap": Measure("Gap of cross-entropies", False),
    "output_distance": Measure("ε", False),
    "ce_gap_constant": Measure("C", None),
    "ce_gap_bound": Measure("C · ε", None),
}

METRICS = {
    "accuracy": Entry("align.metrics.prediction.accuracy:accuracy", _single("accuracy", "Accuracy", True)),
    "auc": Entry("align.metrics.prediction.auc:auc", AUC),
    "sufficiency": Entry(
        "align.metrics.faithfulness.sufficiency:sufficiency", _erasure("sufficiency", "Sufficiency", higher_is_better=False)
    ),
    "comprehensiveness": Entry(
        "align.metrics.faithfulness.comprehensiveness:comprehensiveness",
        _erasure("comprehensiveness", "Comprehensiveness", higher_is_better=True),
    ),
    "insertion_auc": Entry(
        "align.metrics.faithfulness.insertion_auc:insertion_auc", _single("insertion_auc", "Insertion AUC", higher_is_better=True)
    ),
    "deletion_auc": Entry(
        "align.metrics.faithfulness.deletion_auc:deletion_auc", _single("deletion_auc", "Deletion AUC", higher_is_better=False)
    ),
    "pointing_game": Entry(
        "align.metrics.localisation.pointing_game:pointing_game", _localisation("pointing_game", "Pointing game")
    ),
    "energy_inside": Entry(
        "align.metrics.localisation.energy_inside:energy_inside", _localisation("energy_inside", "Energy inside")
    ),
    "iou": Entry("align.metrics.localisation.iou:iou", _localisation("iou", "IoU")),
    "pixel_average_precision": Entry(
        "align.metrics.localisation.pixel_average_precision:pixel_average_precision",
        _localisation("pixel_average_precision", "Pixel average precision"),
    ),
    "mask_area": Entry("align.metrics.localisation.mask_area:mask_area", AREA),
    "local_lipschitz": Entry("align.metrics.domain_shift.local_lipschitz:local_lipschitz", LOCAL_LIPSCHITZ),
    "output_gap": Entry(
        "align.metrics.domain_shift.output_gap:output_gap",
        _single("output_gap", "Gap of expected outputs", higher_is_better=False),
    ),
    "mse_gap": Entry("align.metrics.domain_shift.mse_gap:mse_gap", MSE_GAP),
    "ce_gap": Entry("align.metrics.domain_shift.ce_gap:ce_gap", CE_GAP),
}

MEASURES = {name: measure for entry in METRICS.values() for name, measure in entry.measures.items()}
