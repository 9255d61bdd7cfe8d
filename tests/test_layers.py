"""The folders of the library form layers: none imports from a layer above it."""

import ast
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1] / "src/align"
# From the top. A module or folder imports from its own line and from those below it; docs/architecture.md draws this.
LAYERS = [
    "commands",
    "workflow",
    "page",
    "documentation",
    "figures",
    "tables",
    "comparison",
    "verdict",
    "rating",
    "statistics",
    "versioning",
    "planning",
    "trained",
    "results",
    "configuration",
    "metrics",
    "training",
    "methods",
    "masking",
    "segmentation",
    "attribution",
    "models",
    "augmentation",
    "preparation",
    "datasets",
    "acquisition",
    "imaging",
    "settings",
    "registry",
    "files",
    "errors",
    "paths",
    "interruptions",
]
MODULES = sorted(path for path in LIBRARY.rglob("*.py") if path != LIBRARY / "__init__.py")


def layer_of(path: Path) -> str:
    """Return the first folder below the library, or the name of a module that lies in none."""
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def imported_layers(source: str) -> set[str]:
    """Return the layers that a module imports from, wherever in it the import stands."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module == "align":
            names += [f"align.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.append(node.module or "")
    return {name.split(".")[1] for name in names if name.startswith("align.")}


def upward(layer: str, imported: set[str]) -> set[str]:
    """Return those of ``imported`` that lie above ``layer``."""
    return {name for name in imported if LAYERS.index(name) < LAYERS.index(layer)}


def test_every_module_has_a_layer():
    assert {layer_of(path) for path in MODULES} == set(LAYERS)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_no_module_imports_from_a_layer_above(path):
    assert not upward(layer_of(path), imported_layers(path.read_text()))


@pytest.mark.parametrize(
    "source",
    [
        "from align.training.trainer import train",
        "import align.training.trainer",
        "from align import training",
        "def late():\n    from align.training.trainer import train",
    ],
)
def test_an_upward_import_is_found_however_it_is_written(source):
    assert upward("methods", imported_layers(source)) == {"training"}
    assert not upward("metrics", imported_layers(source))
