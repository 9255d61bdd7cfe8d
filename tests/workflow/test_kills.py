"""Training is killed by every means, under a real Snakemake, and ends with the files of a run that nobody disturbed."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import PHOTOGRAPHS, only, run_snakemake

from align.interruptions import STOPPED
from align.training.ownership import is_wanted

RUN = "photographs/single_source/paris/align/seed0"
CHECKPOINT = f"results/long/runs/{RUN}/checkpoint.pt"
KILLS = 12
# About eight seconds of training, whose state is saved as often as is allowed; guided from the middle on.
LONG = PHOTOGRAPHS.replace("[erm]", "[align]").replace("epochs: 1", "epochs: 400") + (
    "methods: {align: {masker_steps: 100, masker_steps_at_most: 150, warm_up: 0.5}}\nengine: {save_every: 0}\n"
)
COMMAND = ["--configfile", "long.yaml", "--cores", "1"]


@pytest.fixture
def workflow(photographs_data, tmp_path):
    """Return a folder in which the data are made and nothing is trained; what still works there after the test is killed."""
    folder = Path(shutil.copytree(photographs_data, tmp_path / "workflow"))
    (folder / "long.yaml").write_text(LONG)
    yield folder
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(folder):
            process.kill()


@pytest.fixture(scope="module")
def undisturbed(photographs_data, made_once):
    """Return the folder of the run, trained at one go."""

    def train(folder):
        shutil.copytree(photographs_data, folder, dirs_exist_ok=True)
        (folder / "long.yaml").write_text(LONG)
        return run_snakemake(folder, CHECKPOINT, *COMMAND)

    return only(made_once("undisturbed", train), f"results/runs/{RUN}/*")


def heed_ctrl_c():
    """Heed SIGINT, as a program in a terminal does. Where a shell runs the tests in the background, it is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def begin(folder, *arguments):
    """Start Snakemake in a process group of its own, as a terminal does."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "snakemake", CHECKPOINT, *COMMAND, *arguments]
    with (folder / "output.txt").open("a") as output:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True, preexec_fn=heed_ctrl_c
        )


def soon(found, what):
    """Return what ``found()`` returns, once that is true."""
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


def training_process(folder, other_than=None):
    """Return the process that has the run in ``folder``, None where none has yet."""
    try:
        words = only(folder, f"results/state/{RUN}/*/lock").read_text().split()
        process = psutil.Process(int(words[1]))
        alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
        return None
    return process if alive and process != other_than else None


def begin_training(folder, *arguments):
    """Return Snakemake and the training process that it has started, once that has saved its state."""
    snakemake = begin(folder, *arguments)
    soon(lambda: any(folder.glob(f"results/state/{RUN}/*/state.pt")), "the first state")
    return snakemake, training_process(folder)


def ends_as(undisturbed, folder, interruptions):
    """Say that the run has ended, as if nothing had happened, and that nothing else is left of it."""
    run = only(folder, f"results/runs/{RUN}/*")
    for name in ("checkpoint.pt", "history.csv"):
        assert (run / name).read_bytes() == (undisturbed / name).read_bytes()
    assert json.loads((run / "run.json").read_text())["interruptions"] in interruptions
    assert not (folder / "results/state").exists()
    assert not [path for path in (folder / "results").rglob(".*") if path.is_file() and ".partial" in path.name]


def output_of(folder):
    return (folder / "output.txt").read_text()


def test_sigkill_at_random_moments(workflow, undisturbed):
    moments = random.Random(0)
    snakemake = begin(workflow, "--retries", str(KILLS))
    process = None
    for _ in range(KILLS):
        former = process
        process = soon(lambda former=former: training_process(workflow, former), "the next attempt")
        time.sleep(moments.uniform(0, 0.6))
        process.kill()
        process.wait(10)
    assert snakemake.wait(120) == 0, output_of(workflow)
    ends_as(undisturbed, workflow, range(3, KILLS + 1))


def test_sigkill_while_a_job_starts(workflow, undisturbed):
    snakemake = begin(workflow, "--retries", "1")

    def starting():
        found = []
        for child in psutil.Process(snakemake.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # of git and others that have ended by now
                if "train.py" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    soon(starting, "the job")[-1].kill()
    assert snakemake.wait(120) == 0, output_of(workflow)
    ends_as(undisturbed, workflow, [0])


def test_sigterm_of_a_job_is_retried_from_where_it_was(workflow, undisturbed):
    snakemake, process = begin_training(workflow, "--retries", "1")
    process.terminate()
    assert snakemake.wait(120) == 0, output_of(workflow)
    assert "stopped by SIGTERM; the next start goes on from here" in output_of(workflow)
    assert "exit status 143" in output_of(workflow) or "exit code 143" in output_of(workflow)
    ends_as(undisturbed, workflow, [1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_whole_group_is_told_to_stop(workflow, undisturbed, number):
    snakemake, process = begin_training(workflow)
    os.killpg(snakemake.pid, number)
    assert snakemake.wait(60) != 0
    process.wait(10)
    assert output_of(workflow).endswith(f"{STOPPED}\n")
    assert "Traceback" not in output_of(workflow)
    done = run_snakemake(workflow, CHECKPOINT, *COMMAND)
    assert done.returncode == 0, done.stdout + done.stderr
    ends_as(undisturbed, workflow, [1])


def has_begun_to_import(script, snakemake):
    """Return whether a job of ``snakemake`` runs ``script`` and has come as far as numpy, which the library imports."""
    for child in psutil.Process(snakemake.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # of git and others that have ended by now
            if script in " ".join(child.cmdline()) and any("numpy" in file.path for file in child.memory_maps()):
                return True
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["parse", "import"])
def test_a_stop_before_any_work_is_said_in_the_last_line(workflow, number, moment):
    """While Snakemake plans, and while a job imports its libraries."""
    snakemake = begin(workflow, "--forcerun", "index")
    if moment == "parse":
        soon(lambda: "Using workflow specific profile" in output_of(workflow), "the profile")
        time.sleep(0.2)
    else:
        soon(lambda: has_begun_to_import("index.py", snakemake), "the imports of a job")
    os.killpg(snakemake.pid, number)
    assert snakemake.wait(60) != 0
    assert output_of(workflow).endswith(f"{STOPPED}\n")
    assert "Traceback" not in output_of(workflow)


def test_a_stop_is_heeded_while_snakemake_holds_its_lock(workflow):
    """Snakemake's handler of SIGTERM waits for that lock, for ever if it runs in the thread that holds it."""
    rules = workflow / "rules/common.smk"
    begins = "onstart:\n    announce_interruptions()\n"
    assert begins in rules.read_text()
    stops_itself = (
        "    register = workflow.dag.register_running  # called with the lock\n"
        f"    workflow.dag.register_running = lambda jobs: (register(jobs), os.kill(os.getpid(), {signal.SIGTERM:d}))\n"
    )
    rules.write_text(rules.read_text().replace(begins, begins + stops_itself))
    snakemake = begin(workflow, "--forcerun", "index")
    assert snakemake.wait(60) != 0
    assert "Finished jobid" in output_of(workflow), "the job that runs is finished"
    assert output_of(workflow).endswith(f"{STOPPED}\n")


def test_an_orphan_hands_its_run_over(workflow, undisturbed):
    snakemake, orphan = begin_training(workflow)
    orphan.suspend()  # else it could be done before the next has begun
    snakemake.kill()
    snakemake.wait(10)
    following = begin(workflow)
    soon(lambda: is_wanted(only(workflow, f"results/state/{RUN}/*")), "the job that wants the run")
    orphan.resume()
    assert following.wait(120) == 0, output_of(workflow)
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
    ends_as(undisturbed, workflow, [1])


def test_what_an_orphan_has_finished_is_not_trained_again(workflow, undisturbed):
    snakemake, orphan = begin_training(workflow)
    snakemake.kill()
    snakemake.wait(10)
    orphan.wait(120)
    made = only(workflow, f"results/runs/{RUN}/*/run.json").read_bytes()
    done = run_snakemake(workflow, CHECKPOINT, *COMMAND)
    assert done.returncode == 0, done.stdout + done.stderr
    assert only(workflow, f"results/runs/{RUN}/*/run.json").read_bytes() == made
    assert "had finished before Snakemake recorded it" in only(workflow, f"results/logs/train/{RUN}/*.log").read_text()
    ends_as(undisturbed, workflow, [0])
    assert "Nothing to be done" in run_snakemake(workflow, CHECKPOINT, *COMMAND).stderr
