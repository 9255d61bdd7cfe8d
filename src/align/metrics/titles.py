"""Names of measures in print."""

from align.metrics import MEASURES

ARROWS = {True: " ↑", False: " ↓", None: ""}


def measure_title(measure: str) -> str:
    """Return a measure's name in print with an arrow in the direction of better values."""
    title, higher_is_better = MEASURES[measure]
    return title + ARROWS[higher_is_better]


def short_measure_title(measure: str) -> str:
    """Return :func:`measure_title` without whose mask it is of, for headings that say so themselves."""
    title = measure_title(measure).removeprefix("Learned mask: ")
    return title[0].upper() + title[1:]
