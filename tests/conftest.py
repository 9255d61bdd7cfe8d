"""What several tests share."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import forked_snakemake
import numpy as np
import pytest
import torch
from hypothesis import Phase, settings
from method_terms import SIZE, SMALL
from PIL import Image

from align.methods.base import Batch
from align.models.classifier import Classifier, build_classifier

REPOSITORY = Path(__file__).parents[1]
LONGEST = ("test_slurm.py", "test_kills.py", "test_engine_accuracy.py")  # minutes each, and the first one mostly waits
WORKFLOW = ("Snakefile", "rules", "workflow_scripts", "config", "profiles", "report", "reference", "envs")

PHOTOGRAPHS = """\
datasets: {photographs: {root: photographs, image_size: 16}}
experiments: {one: {dataset: photographs, domains: [paris], methods: [erm], seeds: [0]}}
classifier: {architecture: small_resnet, weights: null, widths: [4, 4]}
training: {epochs: 1, batch_size: 2}
"""

torch.set_num_threads(1)
settings.register_profile("untimed", deadline=None)  # no test may depend on how busy the machine is
settings.load_profile("untimed")
# For `make mutants`: the same examples each time, and the first that fails is enough.
settings.register_profile(
    "mutants", deadline=None, database=None, derandomize=True, max_examples=25, phases=(Phase.explicit, Phase.generate)
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first, so that the others run beside them and no process is left with one at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def may_mount() -> bool:
    """Return whether this process may mount a disk: root of the machine may, root of a container mostly not."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
    return True


MAY_MOUNT = may_mount()
needs_mount = pytest.mark.skipif(not MAY_MOUNT, reason="only root may mount the small disk of this test")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")


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


@pytest.fixture
def classifier(generator: torch.Generator) -> Classifier:
    return build_classifier(SMALL, 3, generator)


@pytest.fixture
def batch(generator: torch.Generator) -> Batch:
    images = torch.randn(8, 3, SIZE, SIZE, generator=generator)
    return Batch(images, torch.tensor([0, 1, 2, 0, 1, 2, 0, 1]), plain=torch.rand(images.shape, generator=generator))


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Callable[[], object]]:
    """Mount a disk of ``size`` at ``folder``, and yield a function that makes it larger."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield lambda: subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take away the permission to write: from root by a mount, which alone binds root."""
    if os.geteuid() == 0:
        subprocess.run(["mount", "--bind", str(folder), str(folder)], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        undo = ["umount", "--lazy", str(folder)]
    else:
        subprocess.run(["chmod", "-R", "a-w", str(folder)], check=True)
        undo = ["chmod", "-R", "u+w", str(folder)]
    try:
        yield
    finally:
        subprocess.run(undo, check=True)


def copy_workflow(folder: Path) -> Path:
    """Copy what Snakemake reads into ``folder``; the library is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in WORKFLOW:
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    return folder


def copy_library(folder: Path) -> Path:
    """Copy the library into ``folder``, which goes to :func:`run_snakemake` as ``library``."""
    shutil.copytree(REPOSITORY / "src/align", folder / "align", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def write_images(root: Path) -> None:
    """Write five small images of each of two classes into each of two domains."""
    generator = np.random.default_rng(0)
    for folder in (root / domain / label for domain in ("paris", "rome") for label in ("cat", "dog")):
        folder.mkdir(parents=True)
        for number in range(5):
            Image.fromarray(generator.integers(0, 256, (20, 20, 3), np.uint8)).save(folder / f"{number}.png")


def only(folder: Path, pattern: str) -> Path:
    """Return the only path in ``folder`` that matches ``pattern``. It stands for keys of settings, which tests need not know."""
    (path,) = folder.glob(pattern)
    return path


def run_snakemake(folder: Path, *arguments: str, library: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in ``folder``, with the Python that runs the tests; ``library`` holds another copy of the package."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    options = [*arguments, "--cores", "2"]
    if library is None:
        return forked_snakemake.call(folder, options, environment)
    command = [sys.executable, "-m", "snakemake", *options]
    return subprocess.run(command, cwd=folder, env=environment | {"PYTHONPATH": str(library)}, capture_output=True, text=True)


def succeeds(folder: Path, *arguments: str) -> str:
    """Run Snakemake in ``folder``, and return what it says."""
    done = run_snakemake(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def fails(folder: Path, *arguments: str) -> str:
    """Run Snakemake in ``folder``, and return what it says. It fails without a look into the code."""
    done = run_snakemake(folder, *arguments)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert "Traceback" not in said
    return said


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., Path]:
    """Return a function that makes a working directory once for all processes of the tests, while the others wait."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def make(name: str, run: Callable[[Path], subprocess.CompletedProcess[str]]) -> Path:
        """Return the folder ``name`` with a copy of the workflow that ``run`` has worked in without failing."""
        folder = shared / name
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                done = run(copy_workflow(folder))
                (folder / "failure").write_text(done.stdout + done.stderr if done.returncode else "")
        failure = (folder / "failure").read_text()
        assert not failure, failure
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_results(made_once: Callable[..., Path]) -> Path:
    """Return a working directory in which config/tiny.yaml has run to its end; it is shared, and not to be changed."""
    return made_once("tiny", lambda folder: run_snakemake(folder, "--configfile", "config/tiny.yaml"))


@pytest.fixture(scope="session")
def photographs_data(made_once: Callable[..., Path]) -> Path:
    """Return a working directory in which the data of PHOTOGRAPHS, my.yaml, are made; it is shared, and not to be changed."""

    def make_data(folder: Path) -> subprocess.CompletedProcess[str]:
        (folder / "my.yaml").write_text(PHOTOGRAPHS)
        write_images(folder / "photographs")
        return run_snakemake(folder, "data", "--configfile", "my.yaml")

    return made_once("photographs_data", make_data)


@pytest.fixture(scope="session")
def evaluated_photographs(made_once: Callable[..., Path], photographs_data: Path) -> Path:
    """Return a working directory in which the run of PHOTOGRAPHS is in its table; it is shared, and not to be changed."""

    def evaluate(folder: Path) -> subprocess.CompletedProcess[str]:
        shutil.copytree(photographs_data, folder, dirs_exist_ok=True)
        return run_snakemake(folder, "results/my/tables/in_distribution.csv", "--configfile", "my.yaml")

    return made_once("evaluated_photographs", evaluate)


@pytest.fixture
def finished(tiny_results: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished tiny workflow that a test may change."""
    return Path(shutil.copytree(tiny_results, tmp_path / "finished", symlinks=True))
