"""Where a number came from: hashes of code and settings, versions, revision."""

import ast
import hashlib
import json
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
# These modules carry values and names that the rules pass as params, or write and report; no number depends on their code.
PLUMBING = (
    "align.configuration",
    "align.errors",
    "align.files",
    "align.datasets.settings",
    "align.methods.settings",
    "align.workflow.provenance",
    "align.registry",
    "align.workflow.jobs",
)


@cache
def code_hash(*modules: str) -> str:
    """Return a hash of the syntax trees of ``modules`` and of all that they import from this package.

    Comments, docstrings and layout do not count, nor do the modules in ``PLUMBING``.
    """
    digest = hashlib.sha256()
    for module in sorted(_imported_closure(modules)):
        digest.update(f"{module}\n{_syntax(module)}\n".encode())
    return digest.hexdigest()[:16]


def script_hash(path: Path) -> str:
    """Return a hash of the syntax tree of a Python file; comments, docstrings, layout and the file's time do not count."""
    return hashlib.sha256(_without_docstrings(ast.parse(path.read_text())).encode()).hexdigest()[:16]


def value_hash(value: Any) -> str:
    """Return a hash of a JSON-like value that does not depend on the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers depend on."""
    numerical = ("numpy", "pandas", "pillow", "scikit-learn", "torch", "torchvision", "transformers")
    libraries = ("align-reproduction", *numerical)
    installed = {name: _version(name) for name in libraries}
    return {"python": platform.python_version()} | {name: v for name, v in installed.items() if v}


def git_revision(folder: Path | str = PACKAGE) -> str | None:
    """Return the revision of the checkout that holds ``folder`` (``-dirty`` where changed), None where no git tracks it."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--match="]
    try:
        # Unpacked inside another repository, it is none of that one's files.
        subprocess.run(["git", "-C", str(folder), "ls-files", "--error-unmatch", "."], capture_output=True, check=True)
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() or None
    except (OSError, subprocess.CalledProcessError):
        return None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _imported_closure(modules: tuple[str, ...]) -> set[str]:
    seen: set[str] = set()
    todo = list(modules)
    while todo:
        module = todo.pop()
        if module not in seen and not module.startswith(PLUMBING):
            seen.add(module)
            todo.extend(_imports(module))
    return seen


def _source_of(module: str) -> Path | None:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return next((p for p in (path.with_suffix(".py"), path / "__init__.py") if p.is_file()), None)


@cache
def _tree(module: str) -> ast.Module:
    source = _source_of(module)
    if source is None:
        raise ModuleNotFoundError(module)
    return ast.parse(source.read_text())


@cache
def _imports(module: str) -> frozenset[str]:
    """Return the modules of this package that ``module`` names in its import statements."""
    nodes = list(ast.walk(_tree(module)))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    names = {name for name in names if name.split(".")[0] == "align"}
    return frozenset(name for name in names if _source_of(name))


@cache
def _syntax(module: str) -> str:
    return _without_docstrings(_tree(module))


def _without_docstrings(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.unparse(tree)
