"""Data sets that the pipeline makes or brings by itself; any folder of images needs no code, only a configuration entry."""

from typing import NamedTuple

from align.configuration.base import Section
from align.datasets import settings


class Source(NamedTuple):
    """Where the function is that makes a data set's folder, what can be set of it, and the domains that it makes."""

    implementation: str
    settings: type[Section]
    domains: tuple[str, ...]


SOURCES = {
    "digit_scenes": Source(
        "align.datasets.digit_scenes:generate", settings.DigitScenesSettings, ("china", "flower", "noise", "stripes")
    ),
}
