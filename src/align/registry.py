"""Registered names and their implementations, written as ``module:attribute`` so that a registry imports no implementation.

Snakemake parses the configuration before every command. Without an import of torch, each command starts seconds sooner.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from align.errors import InputError


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` with the nearest known name, or the list of known names where none is near."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def require(kind: str, name: str, known: Iterable[str]) -> str:
    """Return ``name`` if it is a known name.

    Args:
        kind: what the name stands for, such as ``method``, for the message.
        name: the name to check.
        known: all known names.

    Raises:
        InputError: the name is unknown; the message suggests the nearest known name.
    """
    known = list(known)
    if name not in known:
        raise InputError(f"unknown {kind} {name!r}: {suggestion(name, known)}")
    return name


def load(implementation: str) -> Any:
    """Import and return the object that ``module:attribute`` names."""
    module, attribute = implementation.split(":")
    return getattr(import_module(module), attribute)


def module_of(implementation: str) -> str:
    """Return the module's name in ``module:attribute``."""
    return implementation.split(":")[0]
