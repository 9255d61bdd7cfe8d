"""Names of settings in print: data sets, protocols and distributions."""

from collections.abc import Hashable, Sequence

DISTRIBUTION_TITLES = {"in": "in distribution", "out": "out of distribution"}


def plain(name: Hashable) -> str:
    """Return an identifier as words: ``single source`` for ``single_source``."""
    return str(name).replace("_", " ")


def setting_title(*names: Hashable) -> str:
    """Return the title of a table's block or a figure's panel from what it is about: data set, protocol and more."""
    return " · ".join(plain(name) for name in names)


def listed(words: Sequence[str], before_and: str = " ") -> str:
    """Return ``a, b and c``. ``before_and`` stands before the last *and*."""
    *others, last = words
    return f"{', '.join(others)}{before_and}and {last}" if others else last
