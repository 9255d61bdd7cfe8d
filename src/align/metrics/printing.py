"""Measures in print: their titles and their numbers."""

import math
from collections.abc import Iterable

from align.metrics import MEASURES

UNDEFINED = "–"  # in place of a value; a note says why
ARROWS = {True: " ↑", False: " ↓", None: ""}


def measure_title(measure: str) -> str:
    """Return a measure's name in print, with an arrow that points to better values."""
    return MEASURES[measure].title + ARROWS[MEASURES[measure].higher_is_better]


def short_measure_title(measure: str) -> str:
    """Return :func:`measure_title` without ``Learned mask:``, for tables whose title says so already."""
    title = measure_title(measure).removeprefix("Learned mask: ")
    return title[0].upper() + title[1:]


def unit(measure: str) -> str:
    """Return what a title adds for a measure's unit: a comma and the sign for per cent, or nothing."""
    return ", %" if MEASURES[measure].is_percentage else ""


def number_text(measure: str, value: float) -> str:
    """Return a measure's value in print, without its unit. What rounds to zero has no sign, and NaN is ``UNDEFINED``."""
    if math.isnan(value):
        return UNDEFINED
    return format(value, f"z{MEASURES[measure].number_format}").removesuffix("%")


def mean_and_spread(measure: str, mean: float, standard_deviation: float) -> str:
    """Return ``mean ± standard deviation``, or the mean where the standard deviation is NaN."""
    spread = [] if math.isnan(standard_deviation) else [standard_deviation]
    return " ± ".join(number_text(measure, value) for value in (mean, *spread))


def undefined_note(measures: Iterable[str]) -> str:
    """Return a sentence on what ``measures`` need, for a table or a figure in which they are undefined."""
    titles: dict[str, list[str]] = {}
    for measure in dict.fromkeys(measures):
        title = MEASURES[measure].title.removeprefix("Learned mask: ")
        titles.setdefault(MEASURES[measure].needs or "values to average", []).append(title)
    reasons = [f"{', '.join(names)} (needs {what})" for what, names in titles.items()]
    return f"Undefined: {'; '.join(reasons)}." if reasons else ""
