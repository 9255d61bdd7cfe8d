"""Faults of the machine, each really caused under a real Snakemake: one clear message, and then the same numbers."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import conftest
import numpy as np
import pytest
import torch
import yaml
from conftest import MAY_MOUNT, PHOTOGRAPHS, REPOSITORY, fails, needs_mount, only, read_only, small_disk
from file_server import Served, running_server
from small_runs import CLASSES, run_settings

from align.acquisition.download import download
from align.errors import InputError, lack_of_memory
from align.files import whole_file, whole_folder
from align.models.classifier import build_classifier
from align.training.run import restore
from align.workflow.locks import release_stale_locks

MEBIBYTE = 2**20
TABLE = "results/my/tables/in_distribution.csv"
RUN = "photographs/single_source/paris/erm/seed0"
WIDE = {"classifier": {"architecture": "small_resnet", "weights": None, "widths": [64, 64]}}  # some hundred kilobytes
TOO_WIDE = (4, 2**21)  # one layer of 158 TB: more than a process can address


def configure(folder, **sections):
    """Write the configuration of PHOTOGRAPHS with other values in some sections."""
    content = yaml.safe_load(PHOTOGRAPHS)
    for name, values in sections.items():
        content[name] = content.get(name, {}) | values
    (folder / "my.yaml").write_text(yaml.safe_dump(content))


def succeeds(folder, *arguments):
    return conftest.succeeds(folder, *arguments, "--configfile", "my.yaml")


def refused(folder, *arguments):
    return fails(folder, *arguments, "--configfile", "my.yaml")


def contents(folder):
    """Return the bytes of every result, without settings, logs, what was measured of the jobs, and states of training."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    others = ("logs/", "my/logs/", "benchmarks/", "checksums/", "state/")
    return {name: path.read_bytes() for name, path in files.items() if not name.startswith((*others, "my/configuration.yaml"))}


def numbers(folder):
    return [(folder / name).read_bytes() for name in ("results/my/metrics.csv", TABLE)]


def partial_files(folder):
    return [path for path in folder.rglob("*") if ".partial" in path.name]


def soon(found, what):
    """Wait until ``found()`` is true."""
    deadline = time.monotonic() + 300
    while not found():
        assert time.monotonic() < deadline, f"not within five minutes: {what}"
        time.sleep(0.02)


@pytest.fixture
def workflow(photographs_data, tmp_path):
    """Return a folder in which the data are made and nothing is trained."""
    return Path(shutil.copytree(photographs_data, tmp_path / "workflow"))


@pytest.fixture
def evaluated(evaluated_photographs, tmp_path):
    """Return a copy of a folder in which one run is trained, evaluated and in its table."""
    return Path(shutil.copytree(evaluated_photographs, tmp_path / "evaluated"))


# A disk that is full, or read-only


@needs_mount
def test_a_disk_that_is_full_while_packing(workflow, tmp_path):
    configure(workflow, datasets={"photographs": {"root": "photographs", "image_size": 256}})
    succeeds(workflow, "splits")
    for array in (workflow / "results/data/photographs").rglob("*.npy"):
        array.unlink()
    disk = workflow / "results/data"
    saved = shutil.copytree(disk, tmp_path / "saved")
    with small_disk(disk, "1m") as enlarge:
        shutil.copytree(saved, disk, dirs_exist_ok=True)
        said = refused(workflow, "data")
        full = re.findall(r"data/photographs/\w+/256px-crop/(\w+)\.npy: cannot be written \(No space left on device\)", said)
        assert full
        assert len(full) == len(set(full))
        assert "make room or give permission, and run again" in said
        assert sorted(path.name for path in disk.rglob("*.npy")) == []
        assert partial_files(disk) == []
        enlarge()
        succeeds(workflow, "data")
        packed = {path.name: path.read_bytes() for path in disk.rglob("*.npy")}
    succeeds(workflow, "data", "--forceall")
    assert {path.name: path.read_bytes() for path in disk.rglob("*.npy")} == packed


@needs_mount
def test_a_disk_that_is_full_at_a_checkpoint(workflow, tmp_path):
    configure(workflow, **WIDE)
    disk = workflow / "results/runs"
    with small_disk(disk, "64k") as enlarge:
        said = refused(workflow, TABLE)
        assert len(re.findall(rf"{RUN}/\w+/checkpoint\.pt: cannot be written \(No space left on device\)", said)) == 1
        assert list(disk.rglob("*.pt")) == partial_files(disk) == []
        enlarge()
        succeeds(workflow, TABLE)
        disturbed = numbers(workflow)
    shutil.rmtree(workflow / "results/evaluations")
    succeeds(workflow, TABLE)  # the checkpoint was on the disk: it is trained again, at one go
    assert numbers(workflow) == disturbed


@needs_mount
def test_a_disk_that_is_full_while_downloading(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    content = np.random.default_rng(0).bytes(3 * MEBIBYTE)
    path = tmp_path / "downloads/archive.zip"
    with running_server() as server, small_disk(path.parent, "2m") as enlarge:
        address = server.serve("/a", served := Served(content))
        with pytest.raises(InputError, match=r"archive\.zip: cannot be written \(No space left on device\).*run again to resume"):
            download(address, path, Path.exists)
        assert not path.exists()
        enlarge()
        download(address, path, Path.exists)
        assert path.read_bytes() == content
        assert int(served.resumed[-1].range.strip("bytes=-")) >= MEBIBYTE  # what had arrived was not sent again


@needs_mount
def test_a_disk_that_is_full_before_anything_begins(photographs_data, tmp_path):
    folder = tmp_path / "workflow"
    with small_disk(folder, "4m") as enlarge:
        shutil.copytree(photographs_data, folder, dirs_exist_ok=True)
        with suppress(OSError), (folder / "everything").open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        said = refused(folder, "data", "--forceall")
        assert re.search(r"workflow: found [\d,]+ bytes free, expected at least 1,048,576 .* make room and run again", said)
        before = contents(folder / "results")
        enlarge()
        succeeds(folder, "data", "--forceall")
        assert contents(folder / "results") == before


@needs_mount
def test_nothing_half_written_is_left_on_a_full_disk(tmp_path):
    with small_disk(tmp_path / "disk", "256k"):
        kept = tmp_path / "disk/kept.csv"
        kept.write_text("kept")
        with pytest.raises(InputError, match=r"kept\.csv: cannot be written \(No space left"), whole_file(kept) as partial:
            partial.write_bytes(bytes(MEBIBYTE))
        with (
            pytest.raises(InputError, match=r"run\.pt: cannot be written \(No space left"),  # torch raises another error for it
            whole_file(tmp_path / "disk/run.pt") as partial,
            partial.open("wb") as file,
        ):
            torch.save(torch.zeros(MEBIBYTE), file)
        with pytest.raises(InputError, match=r"data: cannot be written"), whole_folder(tmp_path / "disk/data") as folder:
            for number in range(100):
                (folder / f"{number}.png").write_bytes(bytes(10_000))
        assert [path.name for path in (tmp_path / "disk").iterdir()] == ["kept.csv"]
        assert kept.read_text() == "kept"


@pytest.mark.skipif(os.geteuid() == 0 and not MAY_MOUNT, reason="root writes everywhere but on a mount")
def test_read_only_results(evaluated):
    before = contents(evaluated / "results")
    with read_only(evaluated / "results"):
        said = refused(evaluated, TABLE, "--forcerun", "evaluate_run")
        assert said.count("results: found a folder that cannot be written") == 1
    assert contents(evaluated / "results") == before
    succeeds(evaluated, TABLE, "--forcerun", "evaluate_run")
    assert contents(evaluated / "results").keys() == before.keys()
    assert numbers(evaluated) == [before["my/metrics.csv"], before["my/tables/in_distribution.csv"]]


# Snakemake itself: twice, or killed


def begin(folder, *arguments):
    """Start Snakemake, and return it once it holds the lock of the folder and a job has begun."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "my.yaml", "--cores", "1"]
    log = only(folder, "results/logs/index/photographs/*.log")
    log.unlink(missing_ok=True)
    with (folder / "first.txt").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True)
    soon(log.exists, "the first job")
    return process


@contextmanager
def ended(process):
    """End a process and all that it has started, whatever happens."""
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_two_snakemakes_in_one_folder(workflow):
    with ended(begin(workflow, "data", "--forceall")) as first:
        os.killpg(first.pid, signal.SIGSTOP)  # else it could be done before the second has begun
        said = refused(workflow, "data")
        assert said.count("Directory cannot be locked") == 1
        os.killpg(first.pid, signal.SIGCONT)
        assert first.wait(60) == 0, (workflow / "first.txt").read_text()
    assert "Nothing to be done" in succeeds(workflow, "data")


def test_snakemake_is_killed_and_needs_no_unlocking(workflow):
    before = contents(workflow / "results")
    with ended(begin(workflow, "data", "--forceall")) as first:
        first.send_signal(signal.SIGKILL)
        assert first.wait(60) == -signal.SIGKILL
    assert list((workflow / ".snakemake/locks").iterdir())
    said = succeeds(workflow, "data")
    assert said.count("removed the locks of a Snakemake that was killed") == 1
    assert contents(workflow / "results") == before


RELEASE = """
import sys
from pathlib import Path
from align.workflow.locks import release_stale_locks
release_stale_locks(Path(sys.argv[1]))
print("released", flush=True)
input()
"""


@pytest.fixture
def locked(tmp_path):
    """Return a ``.snakemake`` with a lock in it."""
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks/0.output.lock").write_text("results/metrics.csv\n")
    return tmp_path


def test_locks_of_the_living_stay_and_those_of_the_dead_go(locked):
    lock = locked / "locks/0.output.lock"
    command = [sys.executable, "-c", RELEASE, locked]
    pipe = subprocess.PIPE
    with ended(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)) as living:
        assert living.stdout.readline() == "released\n"
        assert not lock.exists()  # it was a dead one's
        lock.write_text("results/metrics.csv\n")
        os.close(release_stale_locks(locked))
        assert lock.exists()
    os.close(release_stale_locks(locked))
    assert not lock.exists()


@pytest.mark.skipif(os.geteuid() == 0 and not MAY_MOUNT, reason="root writes everywhere but on a mount")
def test_a_folder_that_is_read_only_is_named(locked):
    with (
        read_only(locked),
        pytest.raises(InputError, match=f"{locked}: cannot be written .*, expected a writable folder for Snakemake's records"),
    ):
        release_stale_locks(locked)


def test_locks_of_another_machine_stay(locked):
    (locked / "alive").write_text("another machine")
    for _ in range(2):
        os.close(release_stale_locks(locked))
        assert (locked / "locks/0.output.lock").exists()


# Too little memory, and numbers that are none


def too_large(kind):
    """Really ask for more memory than there can be."""
    if kind == "torch":
        torch.empty(2**55)
    elif kind == "numpy":
        np.empty(2**55, np.uint8)
    elif kind == "mapped":
        np.memmap("/dev/zero", np.uint8, "r", shape=(2**55,))
    else:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")


@pytest.mark.parametrize("kind", ["torch", "numpy", "mapped", "cuda"])
def test_a_lack_of_memory_is_known_whoever_reports_it(kind):
    with pytest.raises((RuntimeError, MemoryError, OSError)) as caught:
        too_large(kind)
    assert lack_of_memory(caught.value) is caught.value


def test_a_checkpoint_for_which_there_is_no_memory_is_not_called_broken(tmp_path, generator):
    settings = run_settings()
    classifier = build_classifier(settings.classifier, len(CLASSES), generator)
    content = {"implementation": settings.implementation, "classes": CLASSES, "classifier": classifier.state_dict()}
    torch.save(content, tmp_path / "checkpoint.pt")
    wide = settings._replace(classifier=settings.classifier.model_copy(update={"widths": list(TOO_WIDE)}))
    with pytest.raises(InputError) as caught:
        restore(wide, tmp_path / "checkpoint.pt", torch.device("cpu"))
    assert lack_of_memory(caught.value) is not None


def test_too_little_memory_names_the_settings_to_lower(workflow):
    configure(workflow, classifier=WIDE["classifier"] | {"widths": TOO_WIDE})
    before = contents(workflow / "results")
    said = refused(workflow, TABLE)
    assert said.count("rule train_run: ran out of memory") == 1
    for setting in ("training.batch_size", "evaluation.batch_size", "engine.memory_share", "image_size"):
        assert setting in said
    assert contents(workflow / "results") == before


def test_after_a_loss_that_is_not_finite_a_lower_learning_rate_ends_with_the_same_table(evaluated):
    before = contents(evaluated / "results")
    configure(evaluated, training={"learning_rate": 1e30, "epochs": 3})
    assert refused(evaluated, TABLE).count("expected a finite number; lower training.learning_rate") == 1
    assert contents(evaluated / "results") == before  # the run with the other learning rate has a folder of its own
    configure(evaluated)
    succeeds(evaluated, TABLE)
    assert numbers(evaluated) == [before["my/metrics.csv"], before["my/tables/in_distribution.csv"]]


# A clock that jumps


@pytest.mark.parametrize("seconds", [86_400, -86_400 * 365], ids=["future", "past"])
def test_times_that_are_wrong_do_not_keep_the_workflow_from_its_end(evaluated, seconds):
    before, moved = numbers(evaluated), time.time() + seconds
    for path in (evaluated / "results/data").rglob("*"):
        os.utime(path, (moved, moved))
    only(evaluated, f"results/evaluations/{RUN}/*/*/metrics.csv").unlink()
    (evaluated / "results/my/metrics.csv").unlink()
    succeeds(evaluated, TABLE, "results/my/metrics.csv")
    assert numbers(evaluated) == before
    assert "Nothing to be done" in succeeds(evaluated, TABLE, "results/my/metrics.csv")


def test_nothing_measures_a_duration_by_a_clock_that_can_jump():
    sources = [path for folder in ("src", "workflow_scripts", "benchmarks") for path in (REPOSITORY / folder).rglob("*.py")]
    assert [path for path in sources if re.search(r"\btime\.time\(|datetime\.now\(", path.read_text())] == []


# What docs/reliability.md promises


def test_every_test_that_the_documentation_names_is_there():
    text = (REPOSITORY / "docs/reliability.md").read_text()
    named = re.findall(r"`(test_\w+)\.py::(test_\w+)`", text)
    assert len(named) > 20
    sources = {path.stem: path.read_text() for path in (REPOSITORY / "tests").rglob("test_*.py")}
    missing = [f"{file}.py::{name}" for file, name in named if f"def {name}(" not in sources[file]]
    assert missing == []
