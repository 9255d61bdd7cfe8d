"""The workflow on a real Slurm of one node with one pretended GPU, which .ci/slurm starts; its profile where there is none."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

import pytest
import yaml
from conftest import REPOSITORY, copy_workflow, only, run_snakemake

from align.configuration.loading import load
from align.configuration.runs import planned_runs
from align.methods.naming import method_of

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")
PROFILE = ("--workflow-profile", "profiles/slurm")
# One node sees files at once and is asked often; all else is as the profile has it.
ONE_NODE = (*PROFILE, "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10")
ENVIRONMENT = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}

# Part of config/tiny.yaml, with epochs enough to be killed in.
SMALL = yaml.safe_load((REPOSITORY / "config/tiny.yaml").read_text())
SMALL["experiments"] = {"tiny": SMALL["experiments"]["tiny"] | {"methods": ["erm", "sgt"]}}
SMALL["training"]["epochs"] = 200
MADE = [f"results/small/tables/{name}" for name in ("main_results.md", "explanation_quality.csv")]
RUNS = planned_runs(load(yaml.safe_load((REPOSITORY / "config/tiny.yaml").read_text())))
KILLED = next(run for run in planned_runs(load(SMALL)) if run.method == "sgt")
COMMENT = f"rule_train_run_wildcards_{KILLED.dataset}_{KILLED.protocol}_{KILLED.domain}_{KILLED.method}_{KILLED.seed}_"

# Jobs that write down when they begin and end, and what Slurm has given them.
SNAKEFILE = """\
rule all:
    input: expand("{job}.done", job=range(3))

rule wait:
    output: "{job}.done"
    resources: gpu=1, mem_mb=100, runtime=1
    shell:
        "echo begins >> times; scontrol show job $SLURM_JOB_ID | grep -o TresPerJob=.* >> asked; "
        "echo $CUDA_VISIBLE_DEVICES >> given; sleep 1; echo ends >> times; touch {output}"
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """Return the environment of the commands of a Slurm that was started for these tests."""
    if absent := [program for program in PROGRAMS if shutil.which(program) is None]:
        pytest.skip(f"Slurm ({', '.join(absent)}) is absent; Debian: apt-get install slurmctld slurmd slurm-client munge")
    if os.geteuid() != 0:
        pytest.skip("a Slurm can be started by root alone")
    folder = tmp_path_factory.mktemp("slurm") / "cluster"
    subprocess.run([REPOSITORY / ".ci/slurm/start", folder], check=True)
    assert processes_of(folder)
    yield ENVIRONMENT | {"SLURM_CONF": str(folder / "slurm.conf"), "PATH": f"{folder / 'bin'}{os.pathsep}{ENVIRONMENT['PATH']}"}
    subprocess.run([REPOSITORY / ".ci/slurm/stop", folder], check=True)
    assert not folder.exists()
    deadline = time.monotonic() + 10
    while (left := processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def processes_of(folder: Path) -> list[str]:
    """Return the commands of the processes that have been started with the settings in ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def queue(slurm: dict[str, str], comment: str) -> list[tuple[str, ...]]:
    """Return id, state, memory and time limit of the Slurm jobs whose comment begins so, the oldest first."""
    command = ["squeue", "--noheader", "--states=all", "--sort=i", "--format=%k|%i|%T|%m|%l"]
    lines = subprocess.run(command, env=slurm, capture_output=True, text=True, check=True).stdout.splitlines()
    return [tuple(line.split("|")[1:]) for line in lines if line.startswith(comment)]


def start(folder: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    """Start Snakemake for two tables in ``folder``, in which the workflow is copied; what it says goes to a file ``said``."""
    (copy_workflow(folder) / "small.yaml").write_text(yaml.safe_dump(SMALL))
    command = [sys.executable, "-m", "snakemake", *MADE, "--configfile", "small.yaml", *arguments]
    with (folder / "said").open("w") as said:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=subprocess.STDOUT, text=True)


def wait_for(condition: Callable[[], bool], running: subprocess.Popen[str], seconds: float = 600) -> None:
    """Wait until ``condition`` holds; fail where ``running`` ends before."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert running.poll() is None, "Snakemake has ended"
        assert time.monotonic() < deadline, f"nothing after {seconds} s"
        time.sleep(0.1)


def test_a_cancelled_training_goes_on_and_the_tables_are_those_of_a_local_run(slurm, tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    on_slurm = start(there, slurm, *ONE_NODE)
    local = start(here, ENVIRONMENT, "--cores", "1")
    try:
        logs = f"results/logs/train/{KILLED.path}/*.log"
        wait_for(lambda: any("epoch 1/" in log.read_text() for log in there.glob(logs)), on_slurm)
        ((killed, state, *asked),) = queue(slurm, COMMENT)
        assert (state, asked) == ("RUNNING", ["4000M", "4:00:00"])
        subprocess.run(["scancel", killed], env=slurm, check=True)
        assert on_slurm.wait(1200) == 0, (there / "said").read_text()
        assert local.wait(1200) == 0, (here / "said").read_text()
    finally:
        for process in (on_slurm, local):
            process.kill()
            process.wait()
    said = (there / "said").read_text()
    assert f"SLURM-job '{killed}' failed, SLURM status is: 'CANCELLED'" in said
    assert "Trying to restart job" in said

    (first, *_), (second, *again) = queue(slurm, COMMENT)
    assert (first, again) == (killed, ["COMPLETED", "8000M", "8:00:00"])
    assert second != killed
    assert "goes on in epoch" in only(there, logs).read_text()

    for path in ("results/small/metrics.csv", *MADE):
        assert (there / path).read_bytes() == (here / path).read_bytes(), path
    again = run_snakemake(there, *MADE, "--configfile", "small.yaml", "--dry-run")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_slurm_gives_its_one_gpu_to_one_job_at_a_time(slurm, tmp_path):
    folder = copy_workflow(tmp_path / "workflow")
    (folder / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", *ONE_NODE]
    done = subprocess.run(command, cwd=folder, env=slurm, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    steps = [1 if line == "begins" else -1 for line in (folder / "times").read_text().splitlines()]
    assert list(accumulate(steps)) == [1, 0, 1, 0, 1, 0]
    assert (folder / "asked").read_text().split() == ["TresPerJob=gres:gpu:1"] * 3
    assert (folder / "given").read_text().split() == ["0"] * 3


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    """Return a function that gives what a dry run with the profile prints, where no program of Slurm can be found."""
    folder = tmp_path_factory.mktemp("planned")
    workflow, programs = copy_workflow(folder / "workflow"), folder / "programs"
    programs.mkdir()
    for program in ("bash", "which"):
        (programs / program).symlink_to(shutil.which(program))

    def plan(*arguments):
        command = [sys.executable, "-m", "snakemake", *PROFILE, *arguments, "--dry-run", "--configfile", "config/tiny.yaml"]
        environment = ENVIRONMENT | {"PATH": str(programs)}
        done = subprocess.run(command, cwd=workflow, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return plan


def test_the_profile_groups_the_short_jobs(planned):
    said = planned()
    alone = set(re.findall(r"^Job \d+: (\w+ \w+)", said, re.MULTILINE))
    assert alone == {
        *("Making data", "Reading every", "Counting the", "Splitting tiny_scenes", "Packing tiny_scenes", "Packing the"),
        *(f"{doing} {method}" for doing in ("Training", "Evaluating") for method in {method_of(run.method) for run in RUNS}),
        *("Drawing figure", "Collecting images"),  # case studies, and the explorer of the results page
        "Everything is",  # the target
    }
    grouped = re.findall(r"^ +Job \d+: (.+)", said, re.MULTILINE)
    assert {"Putting the metrics of all runs into one table", "Making table runs", "Drawing figure costs"} <= set(grouped)
    assert not any("case_studies" in message for message in grouped)
    assert said.count("Group job presentation") == 1


ASKED = """
import sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import Quietness
from snakemake.settings.types import *
with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    parsed = api.workflow(
        resource_settings=ResourceSettings(cores=1),
        config_settings=ConfigSettings(configfiles=[Path("config/tiny.yaml")]),
        storage_settings=StorageSettings(),
        snakefile=Path("Snakefile"),
    )
    settings = ExecutionSettings(attempt=int(sys.argv[1]))
    parsed.dag(DAGSettings(forceall=True)).execute_workflow(executor="dryrun", execution_settings=settings)
    for job in parsed._workflow.dag.jobs:
        if job.rule.script:
            print(job.resources.mem_mb, job.resources.runtime)
"""


def test_each_attempt_asks_for_more_memory_and_time(tmp_path):
    def asked(attempt):
        command = [sys.executable, "-c", ASKED, str(attempt)]
        done = subprocess.run(command, cwd=workflow, env=ENVIRONMENT, capture_output=True, text=True, check=True)
        return sorted(tuple(map(int, line.split())) for line in done.stdout.splitlines())

    workflow = copy_workflow(tmp_path / "workflow")
    first = asked(1)
    assert len(first) > 20
    assert asked(3) == [(3 * memory, 3 * minutes) for memory, minutes in first]
