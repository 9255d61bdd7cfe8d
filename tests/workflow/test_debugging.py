"""A job's script outside of Snakemake gets what it gets inside, and the page on Python runs."""

import os
import re
import subprocess
import sys

import pytest
from conftest import REPOSITORY, only

RUN = {"dataset": "tiny_scenes", "protocol": "single_source", "domain": "china", "method": "erm", "seed": "0"}
EXAMPLES = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs/python.md").read_text(), re.DOTALL)
PRINTED = ("4 1.0", "standard_deviation", "(32, 32)")


def python(folder, code):
    """Run ``code`` in ``folder``, as a person would."""
    imports = "from align.workflow.debugging import run_script, script_object"
    command = [sys.executable, "-c", f"{imports}\nrun = {RUN}\n{code}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def test_a_script_makes_the_same_file_outside_of_snakemake(finished):
    path = only(finished, "results/data/tiny_scenes/*/splits-*.csv")
    before = path.read_bytes()
    path.unlink()
    done = python(finished, "run_script('split', 'config/tiny.yaml', dataset='tiny_scenes')")
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == before


def test_the_object_is_the_one_of_the_job(finished):
    job = "job = script_object('train_run', 'config/tiny.yaml', **run)"
    done = python(finished, f"{job}; print(job.output.checkpoint, job.params.settings['source_domains'])")
    checkpoint = only(finished, "results/runs/tiny_scenes/single_source/china/erm/seed0/*/checkpoint.pt").relative_to(finished)
    assert done.stdout.strip() == f"{checkpoint} ['china']", done.stderr


def test_a_job_that_is_not_asked_for_is_named_with_some_that_are(finished):
    done = python(finished, "script_object('split', 'config/tiny.yaml', dataset='other')")
    assert done.returncode != 0
    assert "found no job of rule 'split' with wildcards {'dataset': 'other'}" in done.stderr
    assert "{'dataset': 'tiny_scenes', 'listing': " in done.stderr


@pytest.mark.parametrize(("example", "printed"), [*zip(EXAMPLES, PRINTED, strict=True)], ids=PRINTED)
def test_the_page_on_python_runs(tiny_results, example, printed):
    done = python(tiny_results, example)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
