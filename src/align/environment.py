"""The conda environment of the workflow's jobs, made from the lock: ``python -m align.environment``."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from align.errors import InputError
from align.files import whole_file

LOCK = Path("requirements.lock")
PROJECT = Path("pyproject.toml")
ENVIRONMENT = Path("envs/align.yaml")

HEADER = """\
# Made from requirements.lock by `make lock`: change pyproject.toml instead of this file.
# For `snakemake --sdm conda`; align.post-deploy.sh then installs the package itself. Not yet tried with a conda.
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python >=3.11,<3.13
  - pip
  - pip:
"""


def runtime_pins(lock: str, dependencies: list[str]) -> list[str]:
    """Return the lock's pins, markers included, of ``dependencies`` and of all that these need.

    Args:
        lock: Text of a lock in which a line ``# via`` below each pin names the packages that ask for it.
        dependencies: Requirements of the package itself, as in ``project.dependencies``.

    Raises:
        InputError: A dependency is not in the lock.
    """
    entries = [(_name(pin), pin, users) for pin, users in _entries(lock)]
    needed = {_name(dependency) for dependency in dependencies}
    if absent := needed - {name for name, _, _ in entries}:
        raise InputError(f"{LOCK} has no pin for {', '.join(sorted(absent))}, which {PROJECT} asks for: run `make lock`.")
    while more := {name for name, _, users in entries if users & needed} - needed:
        needed |= more
    return [pin for name, pin, _ in entries if name in needed]


def conda_environment(lock: str, project: str) -> str:
    """Return the text of the conda environment file for the texts of the lock and of ``pyproject.toml``."""
    pins = runtime_pins(lock, tomllib.loads(project)["project"]["dependencies"])
    return HEADER + "".join(f"      - {pin}\n" for pin in pins)


def _name(requirement: str) -> str:
    return canonicalize_name(Requirement(requirement).name)


def _entries(lock: str) -> list[tuple[str, set[str]]]:
    """Return each pin of the lock with the names of the packages that ask for it."""
    entries: list[tuple[str, set[str]]] = []
    for line in lock.splitlines():
        if line[:1].isalnum():
            entries.append((line.rstrip(" \\"), set()))
        elif entries and line.strip().startswith("# via "):
            entries[-1][1].update(line.split("# via ")[1].split(", "))
    return entries


if __name__ == "__main__":
    with whole_file(ENVIRONMENT) as partial:
        partial.write_text(conda_environment(LOCK.read_text(), PROJECT.read_text()))
