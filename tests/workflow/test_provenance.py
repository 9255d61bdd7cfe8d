import platform
import subprocess
from importlib import metadata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from align.files import value_hash
from align.workflow.provenance import git_revision, versions

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
