"""Hashes the code that a job depends on: what its script imports and what its settings name. A change makes the job run again."""

import ast
import hashlib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from align.registry import module_of

PACKAGE = Path(__file__).parents[1]
# Modules that no job runs again for, each with the reason. A pattern stands for every module that matches it.
NOT_COUNTED: Mapping[str, str] = {
    "align.settings": "the values that it checks reach a job as parameters of its rule, and these count",
    "align.*settings": "as align.settings",
    "align.configuration*": "as align.settings",
    "align.registry": "it loads an object by its name, and the code of the object counts",
    "align.paths": "Snakemake compares the paths themselves",
    "align.errors": "it makes messages for a person",
    "align.files": "it does not change the content that it writes",
    "align.training.progress": "it writes to a terminal or a log",
    "align.training.state": "an interrupted run ends with the same bits as another",
    "align.training.ownership": "as align.training.state",
    "align.training.finished": "as align.training.state",
    "align.workflow.jobs": "it makes logs, and messages for a person",
    "align.workflow.checksums": "it only compares files",
    "align.workflow.gpu_slots": "results do not depend on the GPU that a job gets",
    "align.workflow.gpus": "as align.workflow.gpu_slots",
    "align.workflow.provenance": "it records where a number came from and does not change the number",
    "align.workflow.code_hashes": "as align.workflow.provenance",
}
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where a statement holds others


@cache
def code_hash(script: Path, *implementations: str) -> str:
    """Return a hash of a script, of ``implementations``, and of all modules of this package that they import.

    The hash is that of syntax trees, so comments, docstrings and layout do not count. The modules in ``NOT_COUNTED`` do not count
    either.

    Args:
        script: a Python file.
        implementations: what the job loads by name, as ``module:attribute``.

    Raises:
        ModuleNotFoundError: an implementation is in no module of this package.
    """
    digest = hashlib.sha256(ast.unparse(_parsed(script)).encode())
    for module in sorted(counted_modules(script, *implementations)):
        digest.update(f"{module}\n{_syntax(module)}\n".encode())
    return digest.hexdigest()[:16]


def counted_modules(script: Path, *implementations: str) -> set[str]:
    """Return the modules of this package that count in :func:`code_hash`."""
    found: set[str] = set()
    pending = [*map(module_of, implementations), *_imports(script)]
    while pending:
        module = pending.pop()
        if module not in found and not is_exception(module):
            found.add(module)
            pending += _imports(_file_of(module))
    return found


def is_exception(module: str) -> bool:
    """Return whether a module is among ``NOT_COUNTED``."""
    return any(fnmatchcase(module, pattern) for pattern in NOT_COUNTED)


@cache
def _imports(path: Path) -> set[str]:
    """Return the modules of this package that a file imports, at its top or anywhere else."""
    names: set[str] = set()
    for node in _statements(_parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.startswith("align.") and _source_file(name)}


def _file_of(module: str) -> Path:
    source = _source_file(module)
    if source is None:
        raise ModuleNotFoundError(module)
    return source


@cache
def _syntax(module: str) -> str:
    return ast.unparse(_parsed(_file_of(module)))


@cache
def _parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file without its docstrings. A syntax tree has no comments and no layout."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _statements(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return tree


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield a module and all its statements. To walk their expressions, too, takes much longer and finds nothing here."""
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending += (child for block in BLOCKS for child in getattr(node, block, ()))


@cache
def _source_file(module: str) -> Path | None:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)
