"""envs/align.yaml holds the lock's pins of what the library needs, and nothing else."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from align.environment import conda_environment, runtime_pins
from align.errors import InputError

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = (ROOT / "pyproject.toml").read_text()
DEPENDENCIES = tomllib.loads(PROJECT)["project"]["dependencies"]

SMALL_LOCK = """\
diamond==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via left, right
left==2.0 ; sys_platform == 'linux' \\
    --hash=sha256:cc
    # via this (pyproject.toml)
right==3.0 \\
    --hash=sha256:dd
    # via left
tool==4.0 \\
    --hash=sha256:ee
    # via this (pyproject.toml)
tool-plugin==5.0 \\
    --hash=sha256:ff
    # via tool
"""


def test_the_committed_file_is_what_the_lock_gives():
    committed = (ROOT / "envs/align.yaml").read_text()
    assert committed == conda_environment(LOCK, PROJECT), "envs/align.yaml has drifted from requirements.lock: run `make lock`"


def test_pins_are_those_that_the_dependencies_need_with_their_markers():
    assert runtime_pins(SMALL_LOCK, ["Left>=1"]) == ["diamond==1.0", "left==2.0 ; sys_platform == 'linux'", "right==3.0"]


def test_a_dependency_without_a_pin_is_named():
    with pytest.raises(InputError, match=r"requirements\.lock has no pin for absent, .*make lock"):
        runtime_pins(SMALL_LOCK, ["left", "absent>=1"])


def test_conda_reads_channels_python_and_pins():
    environment = yaml.safe_load(conda_environment(LOCK, PROJECT))
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    *conda, pip = environment["dependencies"]
    assert conda == ["python >=3.11,<3.13", "pip"]
    assert pip == {"pip": runtime_pins(LOCK, DEPENDENCIES)}


def test_all_that_the_installed_dependencies_ask_for_is_pinned():
    """The closure by the installed packages' metadata, which the lock's annotations know nothing of."""
    needed: set[str] = set()
    todo = [(Requirement(dependency), "") for dependency in DEPENDENCIES]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in needed or requirement.extras:
            needed.add(name)
            children = [Requirement(child) for child in metadata.requires(name) or []]
            todo += [(child, wanted) for child in children for wanted in requirement.extras or [""]]
    pinned = {canonicalize_name(Requirement(pin).name) for pin in runtime_pins(LOCK, DEPENDENCIES)}
    assert needed <= pinned
    assert not pinned & {"captum", "hypothesis", "mypy", "playwright", "pytest", "ruff", "uv"}
