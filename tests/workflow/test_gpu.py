"""A GPU is asked for where there may be one, the profile's cap holds, and each job has a GPU with room for it."""

import os
import subprocess
import sys
import time
from collections import Counter
from itertools import accumulate

import pytest
from conftest import copy_workflow

from align.errors import InputError
from align.workflow.gpu_slots import gpu_slot, slots_folder
from align.workflow.gpus import Gpu, gpu_is_visible, visible_gpus

# Jobs that write down when they begin and end; each asks for as many GPUs as the configuration says.
SNAKEFILE = """\
rule all:
    input: expand("{job}.done", job=range(4))

rule wait:
    output: "{job}.done"
    resources: gpu=config["gpu"]
    shell: "echo begins >> times; sleep 1; echo ends >> times; touch {output}"
"""

# A job that takes a slot of a pretended GPU, says which, and keeps it for some seconds.
JOB = """\
import logging, os, sys, time
from pathlib import Path
from align.workflow.gpu_slots import own_gpu

logging.basicConfig(level=logging.INFO, stream=sys.stderr)
folder, device, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
def say(what):
    with (folder / "times").open("a") as times:
        times.write(f"{os.getpid()} {what} {os.environ.get('CUDA_VISIBLE_DEVICES')}\\n")
with own_gpu(device, 2, folder, folder):
    assert "torch" not in sys.modules
    say("begins")
    time.sleep(seconds)
    say("ends")
"""


@pytest.mark.parametrize(
    ("devices", "environment", "visible"),
    [
        (["null"], {}, False),
        (["nvidiactl", "nvidia-uvm"], {}, False),  # a driver without a GPU
        (["nvidiactl", "nvidia0"], {}, True),
        (["nvidia12"], {"CUDA_VISIBLE_DEVICES": "1"}, True),
        (["nvidia0"], {"CUDA_VISIBLE_DEVICES": ""}, False),
        (["nvidia0"], {"CUDA_VISIBLE_DEVICES": "-1"}, False),
    ],
)
def test_a_gpu_is_visible_by_its_device_unless_it_is_hidden(tmp_path, devices, environment, visible):
    for name in devices:
        (tmp_path / name).touch()
    assert gpu_is_visible(tmp_path, environment) is visible


def test_without_a_folder_of_devices_no_gpu_is_visible(tmp_path):
    assert gpu_is_visible(tmp_path / "none", {}) is False


def at_once(folder, gpu, *arguments):
    """Return the largest number of jobs that ran at the same time, with the project's profile and four cores."""
    copy_workflow(folder)
    (folder / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", *arguments, "--config", f"gpu={gpu}", "--cores", "4"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    steps = [1 if line == "begins" else -1 for line in (folder / "times").read_text().splitlines()]
    return max(accumulate(steps))


@pytest.mark.parametrize(("gpu", "arguments", "most"), [(1, (), 1), (1, ("--resources", "gpu=2"), 2), (0, (), 4)])
def test_the_cap_is_how_many_jobs_use_the_gpu_at_once(tmp_path, gpu, arguments, most):
    assert at_once(tmp_path, gpu, *arguments) == most


@pytest.mark.parametrize(
    ("environment", "gpus"),
    [
        ({}, [Gpu("0", "nvidia3"), Gpu("1", "nvidia11")]),
        ({"CUDA_VISIBLE_DEVICES": "1"}, [Gpu("1", "nvidia11")]),
        ({"CUDA_VISIBLE_DEVICES": "1, 0"}, [Gpu("1", "nvidia11"), Gpu("0", "nvidia3")]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-8f2b"}, [Gpu("GPU-8f2b", "GPU-8f2b")]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
    ],
)
def test_cuda_s_number_of_a_gpu_is_not_the_system_s(tmp_path, environment, gpus):
    for name in ("nvidia11", "nvidia3", "nvidiactl"):
        (tmp_path / name).touch()
    assert visible_gpus(tmp_path, environment) == gpus


@pytest.fixture
def machine(tmp_path):
    """Return a folder with two pretended GPUs, and a function that starts a job there; none outlives the test."""
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidia1").touch()
    jobs = []
    environment = {name: value for name, value in os.environ.items() if name not in ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_ID")}

    def start(seconds, device="auto", **given):
        arguments = [sys.executable, "-c", JOB, str(tmp_path), device, str(seconds)]
        jobs.append(subprocess.Popen(arguments, env=environment | given, stderr=subprocess.PIPE, text=True))
        return jobs[-1]

    yield tmp_path, start
    for job in jobs:
        job.kill()
        job.wait()
        job.stderr.close()


def said(folder):
    """Return what the jobs have said, as (process, begins or ends, GPU)."""
    times = folder / "times"
    return [tuple(line.split()) for line in times.read_text().splitlines()] if times.exists() else []


def gpu_of(folder, job):
    """Return the GPU of a job, once it has one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for process, _, gpu in said(folder):
            if process == str(job.pid):
                return gpu
        time.sleep(0.02)
    raise AssertionError(f"a job without a GPU after 30 s: {said(folder)}")


def test_more_jobs_than_slots_are_never_on_a_gpu_at_once(machine):
    folder, start = machine
    jobs = [start(0.2) for _ in range(9)]
    assert [job.wait(60) for job in jobs] == [0] * 9
    running, most = Counter(), Counter()
    for _, what, gpu in said(folder):
        running[gpu] += 1 if what == "begins" else -1
        most[gpu] = max(most[gpu], running[gpu])
    assert most == {"0": 2, "1": 2}
    assert sum(what == "ends" for _, what, _ in said(folder)) == 9


def test_the_gpu_with_fewest_runs_comes_first_and_a_killed_job_frees_its_slot(machine):
    folder, start = machine
    first, second = (start(300) for _ in range(2))
    assert {gpu_of(folder, first), gpu_of(folder, second)} == {"0", "1"}
    others = [start(300) for _ in range(2)]
    assert {gpu_of(folder, job) for job in others} == {"0", "1"}
    waiting = start(0)
    assert "waiting: engine.runs_per_gpu (2) runs already use each of nvidia0, nvidia1" in waiting.stderr.readline()
    freed = gpu_of(folder, first)
    first.kill()
    assert gpu_of(folder, waiting) == freed
    assert waiting.wait(30) == 0
    assert "waiting" not in waiting.stderr.read()  # once was enough


def test_a_job_on_the_cpu_takes_no_slot(machine):
    folder, start = machine
    assert start(0, "cpu").wait(30) == 0
    assert not list(folder.glob("align-gpu-slots*"))


def test_a_job_that_slurm_has_given_a_gpu_keeps_it(machine):
    folder, start = machine
    job = start(0, CUDA_VISIBLE_DEVICES="1", SLURM_JOB_ID="7")
    assert job.wait(30) == 0
    assert gpu_of(folder, job) == "1"
    assert not list(folder.glob("align-gpu-slots*"))


def test_a_slurm_job_s_slots_are_its_own(tmp_path):
    folders = [slots_folder(tmp_path, environment) for environment in ({}, {"SLURM_JOB_ID": "7"}, {"SLURM_JOB_ID": "8"})]
    assert len(set(folders)) == 3


def test_a_folder_that_is_a_link_to_elsewhere_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "slots").symlink_to(tmp_path / "elsewhere")
    slot = gpu_slot([Gpu("0", "nvidia0")], 1, tmp_path / "slots")
    with pytest.raises(InputError, match="slots: found a link or another user's folder"), slot:
        pass
    assert not list((tmp_path / "elsewhere").iterdir())
