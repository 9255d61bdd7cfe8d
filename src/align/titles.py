"""Names in print of what paths and tables name."""

import re
from collections.abc import Hashable

from align.configuration.runs import method_of
from align.methods import METHODS
from align.metrics import MEASURES

ARROWS = {True: " ↑", False: " ↓", None: ""}


# The paper's names of its masker ablation, and names of ours beside them.
VARIANT_TITLES = {
    "align-lambda3=0.0": "w/o EG",
    "align-masker=grey": "m-Gray",
    "align-masker=sam": "m-SAM",
    "align-masker=ground_truth": "ALIGN, true masks",
    "align-masker=random": "ALIGN, random masks",
    "align-masker=centre": "ALIGN, centred masks",
}


def method_title(variant: str) -> str:
    """Return a method's name in print, with what makes it a variant in brackets: ``ALIGN (lambda1=0.5)``."""
    if variant in VARIANT_TITLES:
        return VARIANT_TITLES[variant]
    method = method_of(variant)
    changes = re.sub(r"-(?=\w+=)", ", ", variant[len(method) + 1 :])
    return f"{METHODS[method].title} ({changes})" if changes else METHODS[method].title


def measure_title(measure: str) -> str:
    """Return a measure's name in print with an arrow in the direction of better values."""
    title, higher_is_better = MEASURES[measure]
    return title + ARROWS[higher_is_better]


def short_measure_title(measure: str) -> str:
    """Return :func:`measure_title` without whose mask it is of, for headings that say so themselves."""
    title = measure_title(measure).removeprefix("Learned mask: ")
    return title[0].upper() + title[1:]


def plain(name: Hashable) -> str:
    """Return an identifier, such as a key of pandas, as words: ``single_source`` as ``single source``."""
    return str(name).replace("_", " ")


def setting_title(*names: Hashable) -> str:
    """Return what a table's block or a figure's panel is about: data set, protocol and more, as words."""
    return " · ".join(plain(name) for name in names)
