"""Measures in print: their titles and their numbers."""

from align.metrics import MEASURES

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
    """Return a measure's value in print, without its unit."""
    return format(value, MEASURES[measure].number_format).removesuffix("%")


def mean_and_spread(measure: str, mean: float, standard_deviation: float) -> str:
    """Return ``mean ± standard deviation``, or the mean where the standard deviation is NaN."""
    return " ± ".join(number_text(measure, value) for value in (mean, standard_deviation) if value == value)
