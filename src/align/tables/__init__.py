"""Tables, as tidy data for machines and as blocks of cells for people: one file and one entry here for each.

The file of a table also has its caption, the constant ``CAPTION`` in reStructuredText. This module imports no pandas (see
align.registry).
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """A table or a figure, and the arguments of the function that makes it.

    Attributes:
        implementation: the function that returns it.
        title: its name in the report.
        reads: the CSV files that the function takes, in its order. ``metrics`` and ``ratings`` are of the results, any other
            name is a file in ``reference/``. Empty where the function takes other files: then it has a rule of its own.
        settings: keyword arguments that the workflow gives to the function: ``variants`` and ``defaults`` (the hyper-parameters
            of each variant and of each method), and ``left_out`` (why variants could not be run).
    """

    implementation: str
    title: str
    reads: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


TABLES = {
    "main_results": Entry("align.tables.main_results:main_results", "Main results", reads=("metrics",)),
    "data": Entry("align.tables.data:data", "Data"),
    "in_distribution": Entry("align.tables.in_distribution:in_distribution", "In distribution", reads=("metrics", "align_paper")),
    "out_of_distribution": Entry(
        "align.tables.out_of_distribution:out_of_distribution", "Out of distribution", reads=("metrics", "align_paper")
    ),
    "leave_one_domain_out": Entry(
        "align.tables.leave_one_domain_out:leave_one_domain_out",
        "Leave one domain out",
        reads=("metrics", "domain_generalization"),
    ),
    "explanation_quality": Entry(
        "align.tables.explanation_quality:explanation_quality", "Explanation quality", reads=("metrics",)
    ),
    "by_class": Entry("align.tables.by_class:by_class", "By class"),
    "masker_ablation": Entry(
        "align.tables.masker_ablation:masker_ablation",
        "Masker ablation",
        reads=("metrics", "align_paper"),
        settings=("left_out",),
    ),
    "mask_quality": Entry(
        "align.tables.mask_quality:mask_quality",
        "Mask quality",
        reads=("metrics",),
        settings=("variants", "left_out"),
    ),
    "human_ratings": Entry("align.tables.human_ratings:human_ratings", "Masks rated by people", reads=("ratings",)),
    "theory": Entry("align.tables.theory:theory", "Theory in numbers", reads=("metrics",)),
    "assumptions": Entry("align.tables.assumptions:assumptions", "Assumptions"),
    "runs": Entry("align.tables.runs:runs", "Runs"),
}
