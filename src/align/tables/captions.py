"""Reads the captions of tables and figures without importing their modules."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

from align.registry import module_of


def plain(text: str) -> str:
    """Return ``text`` for a caption, in which Snakemake reads reStructuredText. A star in a folder's name begins no emphasis."""
    return re.sub(r"[\\*`|]|_(?!\w)", r"\\\g<0>", text)


def caption(implementation: str) -> str:
    """Return the constant ``CAPTION`` of the module in ``module:function``.

    Raises:
        ValueError: the module has no such constant.
    """
    spec = find_spec(module_of(implementation))
    path = Path(str(spec and spec.origin))
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id="CAPTION")], value=ast.Constant(value=str(text))):
                return text
    raise ValueError(f"{path}: found no caption, expected a constant CAPTION with a text; add it")
