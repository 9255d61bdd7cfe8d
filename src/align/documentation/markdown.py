"""Markdown from docstrings and rows."""

import html
import inspect
from collections.abc import Sequence
from typing import Any


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table, without the columns in which no row has a word. A bar in a cell does not end the cell."""
    used = [number for number in range(len(header)) if any(row[number] for row in rows)]
    lines = [header, ["---"] * len(header), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line[number] for number in used)} |" for line in lines)


def prose(text: str) -> str:
    """Return a text in which ``<name>`` is no tag. Code may stand between single backticks or, as in docstrings, double ones."""
    parts = text.replace("``", "`").split("`")  # every second part is code
    return "`".join(part if number % 2 else html.escape(part, quote=False) for number, part in enumerate(parts))


def first_paragraph(documented: Any) -> str:
    """Return the first paragraph of the docstring of a class or function, in one line."""
    return prose(" ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split()))


def source_file(module: str) -> str:
    """Return the path of a module in the repository, as code."""
    return f"`src/{module.replace('.', '/')}.py`"
