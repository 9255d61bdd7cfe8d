import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from align.workflow import provenance
from align.workflow.code_hashes import code_hash
from align.workflow.provenance import git_revision, value_hash, versions


@pytest.fixture
def forget():
    """Forget what was read of modules, as a new process would; in the end, all that a test has made up."""

    def clear():
        for cached in (provenance.code_hash, provenance._tree, provenance._imports, provenance._syntax):
            cached.cache_clear()

    yield clear
    clear()


@pytest.fixture
def package(tmp_path, monkeypatch, forget):
    """A function that writes a module of a package of its own in place of this one."""
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "align")

    def write(module, source):
        path = (tmp_path / "align").joinpath(*module.split(".")[1:])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".py").write_text(source)
        forget()

    return write


CODE = '''
"""What the module is for."""
import math

LIMIT = 3

class Shape:
    """A shape."""

    def area(self, side):
        """Return the area."""
        return math.fabs(side * side)
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT = 3", "# Why three.\nLIMIT = 3  # as published"),
        ("LIMIT = 3", "\n\nLIMIT   =   3\n\n"),
        ("side * side)", "\n            side * side\n        )"),
        ("What the module is for.", "Another account of it."),
        ('"""What the module is for."""', ""),
        ("A shape.", "Any shape.\n\n    And more of it.\n    "),
        ('        """Return the area."""\n', ""),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(package, before, after):
    package("align.shapes", CODE)
    first = code_hash("align.shapes")
    assert before in CODE
    package("align.shapes", CODE.replace(before, after))
    assert code_hash("align.shapes") == first


@pytest.mark.parametrize(
    ("before", "after"), [("LIMIT = 3", "LIMIT = 4"), ("side * side", "side + side"), ("area", "surface"), ("import math", "")]
)
def test_code_counts(package, before, after):
    package("align.shapes", CODE)
    first = code_hash("align.shapes")
    package("align.shapes", CODE.replace(before, after))
    assert code_hash("align.shapes") != first


@pytest.mark.parametrize(
    "statement",
    [
        "from align.inner import value",
        "from align import inner",
        "import align.inner",
        "import align.inner as other",
        "def late():\n    from align.inner import value",
    ],
)
def test_imported_modules_count_however_they_are_imported(package, statement):
    package("align.outer", "from align.middle import thing")
    package("align.middle", statement)
    package("align.inner", "value = 1")
    package("align.unrelated", "value = 1")
    first = code_hash("align.outer")
    package("align.unrelated", "value = 2")
    assert code_hash("align.outer") == first
    package("align.inner", "value = 2")
    assert code_hash("align.outer") != first


def test_modules_that_import_each_other(package):
    package("align.one", "import align.two")
    package("align.two", "import align.one")
    assert code_hash("align.one") == code_hash("align.two")


def test_the_order_of_modules_does_not_count(package):
    package("align.one", "a = 1")
    package("align.two", "a = 2")
    assert code_hash("align.one", "align.two") == code_hash("align.two", "align.one") != code_hash("align.one")


def test_an_unknown_module(package):
    with pytest.raises(ModuleNotFoundError, match=r"align\.absent"):
        code_hash("align.absent")


@pytest.fixture
def own_copy(tmp_path, monkeypatch, forget):
    """A copy of this package, to be edited; a function that appends to one of its modules."""
    shutil.copytree(provenance.PACKAGE, tmp_path / "align", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path / "align")
    forget()

    def append(path, line):
        with (tmp_path / "align" / path).open("a") as file:
            file.write(f"\n{line}\n")
        forget()

    return append


def hash_of_run(method):
    return code_hash("align.training.run", f"align.methods.{method}")


METHODS = ("erm", "sgt", "dre", "align")


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("methods/erm.py", {"erm"}),
        ("methods/align.py", {"align"}),
        ("models/masker.py", {"align"}),
        ("methods/attribution_mixup.py", {"dre", "align"}),
        ("methods/freezing.py", {"sgt", "align"}),
        ("training/trainer.py", set(METHODS)),
        ("augmentation/colour.py", set(METHODS)),
        ("models/weights.py", set(METHODS)),
        ("figures/costs.py", set()),
        ("metrics/explain.py", set()),
        ("methods/settings.py", set()),  # their values are params of the rules
        ("configuration/schema.py", set()),
    ],
)
def test_which_runs_a_change_of_this_package_concerns(own_copy, path, changed):
    before = {method: hash_of_run(method) for method in METHODS}
    own_copy(path, "# a comment")
    assert {method: hash_of_run(method) for method in METHODS} == before
    own_copy(path, "CHANGED = True")
    assert {method for method in METHODS if hash_of_run(method) != before[method]} == changed


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=5))
def test_value_hash_does_not_depend_on_the_order_of_keys(value):
    assert value_hash(dict(reversed(value.items()))) == value_hash(value)


def test_value_hash_depends_on_everything_else():
    values = [{"a": 1, "b": [1, 2]}, {"a": 1, "b": [2, 1]}, {"a": 2, "b": [1, 2]}, {"a": 1}, {"a": "1"}, {"a": {"b": 1}}, None]
    assert len({value_hash(value) for value in values}) == len(values)


def test_versions_are_those_that_are_installed():
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["torch"] == metadata.version("torch")
    assert {"numpy", "torchvision", "align-reproduction"} <= found.keys()


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    return subprocess.run(["git", "-C", folder, *identity, *arguments], capture_output=True, text=True, check=True).stdout.strip()


def test_git_revision(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "tag", "v1")  # a name would not say enough
    revision = git(tmp_path, "rev-parse", "HEAD")
    assert git_revision(tmp_path) == revision
    (tmp_path / "file").write_text("two")
    assert git_revision(tmp_path) == f"{revision}-dirty"


def test_no_git_revision_outside_of_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_revision(tmp_path) is None


def test_a_folder_that_lies_untracked_in_a_checkout_has_not_its_revision(tmp_path):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "another project")
    (tmp_path / "unpacked").mkdir()
    (tmp_path / "unpacked/file").write_text("one")
    assert git_revision(tmp_path / "unpacked") is None


def test_no_git_revision_without_git(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_revision() is None
