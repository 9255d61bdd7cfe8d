"""Figures, as tidy data and as a drawing of them: one file and one entry here for each.

The file of a figure also has its caption, the constant ``CAPTION`` in reStructuredText. This module imports no matplotlib (see
align.registry).
"""

from align.tables import Entry

FIGURES = {
    "training_curves": Entry("align.figures.training_curves:training_curves", "Training curves"),
    "case_studies": Entry("align.figures.case_studies:case_studies", "Case studies"),
    "accuracy_vs_explanation": Entry(
        "align.figures.accuracy_vs_explanation:accuracy_vs_explanation", "Accuracy and explanation", reads=("metrics",)
    ),
    "average_ranks": Entry("align.figures.average_ranks:average_ranks", "Average ranks", reads=("metrics",)),
    "sensitivity": Entry(
        "align.figures.sensitivity:sensitivity", "Sensitivity", reads=("metrics",), settings=("variants", "defaults")
    ),
    "mask_degradation": Entry(
        "align.figures.mask_degradation:mask_degradation", "Mask degradation", reads=("metrics",), settings=("variants",)
    ),
    "rated_masks": Entry("align.figures.rated_masks:rated_masks", "Masks rated by people", reads=("ratings",)),
    "costs": Entry("align.figures.costs:costs", "Costs"),
    "performance": Entry("align.figures.performance:performance", "Performance"),
    "rule_graph": Entry("align.figures.rule_graph:rule_graph", "Rule graph"),
}
