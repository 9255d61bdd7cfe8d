"""envs/align.yaml holds the lock's pins of what the library needs, and nothing else; the installed libraries are compiled."""

from importlib import metadata, util
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_repository import PROJECT, ROOT, pins

ENVIRONMENT = yaml.safe_load((ROOT / "envs/align.yaml").read_text())
*CONDA, PIP = ENVIRONMENT["dependencies"]
PINS = [Requirement(pin) for pin in PIP["pip"]]
DRIFTED = "envs/align.yaml has drifted from requirements.lock: run `make lock`"


def versions(requirements, **platform):
    """Return the pins that apply to a platform, this one by default, as versions by package name."""
    applying = [pin for pin in requirements if not pin.marker or pin.marker.evaluate(default_environment() | platform)]
    return {canonicalize_name(pin.name): str(pin.specifier) for pin in applying}


def needed_here():
    """Return the names of the packages that the library needs on this platform, by the metadata of the installed ones."""
    needed = set()
    todo = [(Requirement(dependency), "") for dependency in PROJECT["dependencies"]]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in needed or requirement.extras:
            needed.add(name)
            children = [Requirement(child) for child in metadata.requires(name) or []]
            todo += [(child, wanted) for child in children for wanted in requirement.extras or [""]]
    return needed


def test_python_finds_the_libraries_compiled():
    """Where PYTHONDONTWRITEBYTECODE is set, each job would compile them once more, for seconds."""
    for name in ("torch", "pandas", "seaborn", "snakemake"):
        compiled = util.cache_from_source(util.find_spec(name).origin)
        assert Path(compiled).is_file(), f"{compiled} is missing: run `make install`"


def test_conda_installs_python_and_pip_the_rest():
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert CONDA == ["python >=3.11,<3.14", "pip"]


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_every_python_gets_the_versions_of_the_lock(python):
    platform = {"python_version": python, "python_full_version": f"{python}.9"}
    locked = versions((pin for same_name in pins().values() for pin in same_name), **platform)
    names = {canonicalize_name(pin.name) for pin in PINS}
    assert versions(PINS, **platform) == {name: version for name, version in locked.items() if name in names}, DRIFTED


def test_the_pins_are_what_the_library_needs_and_nothing_else():
    assert set(versions(PINS)) == needed_here(), DRIFTED
