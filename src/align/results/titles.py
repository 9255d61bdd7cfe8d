"""Names of settings in print: data sets, protocols and distributions."""

from collections.abc import Hashable


def plain(name: Hashable) -> str:
    """Return an identifier, such as a key of pandas, as words: ``single_source`` as ``single source``."""
    return str(name).replace("_", " ")


def setting_title(*names: Hashable) -> str:
    """Return what a table's block or a figure's panel is about: data set, protocol and more, as words."""
    return " · ".join(plain(name) for name in names)
