"""Names to implementations, written as ``module:attribute`` so that naming one imports nothing.

Snakemake parses the configuration before every command; keeping torch out of that takes seconds off each.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from align.errors import InputError


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest known name, else the list of known names."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def require(kind: str, name: str, known: Iterable[str]) -> str:
    """Return ``name`` where it is known.

    Raises:
        InputError: it is not; the message suggests the nearest known name.
    """
    known = list(known)
    if name not in known:
        raise InputError(f"unknown {kind} {name!r}: {suggestion(name, known)}")
    return name


def load(implementation: str) -> Any:
    """Import and return what ``module:attribute`` names."""
    module, attribute = implementation.split(":")
    return getattr(import_module(module), attribute)


def module_of(implementation: str) -> str:
    """Return the module's part of ``module:attribute``."""
    return implementation.split(":")[0]
