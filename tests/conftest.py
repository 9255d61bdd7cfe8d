"""What several tests share."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

REPOSITORY = Path(__file__).parents[1]
WORKFLOW = ("Snakefile", "rules", "workflow_scripts", "config", "profiles", "report", "reference", "envs")

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real images and weights beside the checkout; it is not part of the repository."""
    folder = REPOSITORY.parent / "shared/data"
    if not folder.is_dir():
        pytest.skip("real images and weights (shared/data beside the checkout) are absent")
    return folder


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


Snakemake = Callable[..., subprocess.CompletedProcess[str]]


def copy_workflow(folder: Path) -> None:
    """Copy what Snakemake reads into ``folder``; the library is installed."""
    for name in WORKFLOW:
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)


def run_snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in ``folder``, with the Python that runs the tests."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="session")
def tiny_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a working directory in which config/tiny.yaml has run to its end, once for all tests of a process."""
    folder = tmp_path_factory.mktemp("tiny")
    copy_workflow(folder)
    done = run_snakemake(folder, "--cores", "2", "--configfile", "config/tiny.yaml")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def finished(tiny_results: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished tiny workflow that a test may change."""
    folder = tmp_path / "finished"
    shutil.copytree(tiny_results, folder, symlinks=True)
    return folder
