"""A GPU is asked for where there may be one, and the profile's cap holds, which Snakemake itself shows."""

import subprocess
import sys
from itertools import accumulate

import pytest
from conftest import copy_workflow

from align.gpu import gpu_is_visible

# Jobs that write down when they begin and end; each asks for as many GPUs as the configuration says.
SNAKEFILE = """\
rule all:
    input: expand("{job}.done", job=range(4))

rule wait:
    output: "{job}.done"
    resources: gpu=config["gpu"]
    shell: "echo begins >> times; sleep 1; echo ends >> times; touch {output}"
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
