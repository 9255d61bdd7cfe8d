"""The plan of a real dry run, with made-up measurements: what is expected is worked out by hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import REPOSITORY, copy_workflow

from align.configuration.loading import load
from align.configuration.runs import Run
from align.planning.estimates import AS_MEASURED, NOT_MEASURED, SCALED, estimate, plan, totals
from align.planning.jobs import Job
from align.planning.measured import Kind, Measured, kind_of, read_measured, run_of
from align.planning.work import Work, planned_work

ERM = Kind("train", "here", "erm")


def took(seconds, work=None, **changes):
    return Measured(ERM._replace(**changes), seconds, work)


def test_seconds_are_the_mean_over_what_is_most_alike():
    elsewhere, here = took(90, dataset="there"), [took(10), took(20)]
    assert estimate(ERM, None, [elsewhere, *here]) == (15, f"this data set, {AS_MEASURED}")
    assert estimate(ERM, None, [elsewhere]) == (90, f"another data set, {AS_MEASURED}")
    align, variant = took(40, method="align"), took(70, method="align-lambda1=0.5")
    assert estimate(variant.kind, None, [align, variant]).seconds == 70
    assert estimate(align.kind._replace(method="align-lambda1=2.0"), None, [align, variant]).seconds == 55
    for other in (took(1, method="sgt"), took(1, step="evaluate"), took(1, method="align-plus"), took(1, method=None)):
        assert estimate(align.kind, None, [other]) == (None, NOT_MEASURED)


def test_seconds_are_scaled_where_the_work_is_known_of_both_with_one_network():
    small = [took(10, Work(100, "small_resnet")), took(30, Work(200, "small_resnet")), took(5000)]
    assert estimate(ERM, Work(1000, "small_resnet"), small) == (
        pytest.approx(1000 * (0.1 + 0.15) / 2),
        f"this data set, {SCALED}",
    )
    assert estimate(ERM, Work(1000, "resnet18"), small[:2]) == (20, f"this data set, {AS_MEASURED}")
    assert estimate(ERM, None, small[:2]) == (20, f"this data set, {AS_MEASURED}")


def test_a_plan_sums_hours_and_counts_what_was_not_measured():
    def train(method, seed, gpu=True):
        return Job("train_run", Path(f"results/benchmarks/train/here/single_source/a/{method}/seed{seed}.tsv"), gpu)

    jobs = [
        train("erm", 0),
        train("erm", 1),
        train("align-beta=1.0", 0),
        Job("pack", Path("results/benchmarks/pack/here/a.tsv"), False),
    ]
    jobs.append(Job("report", None, False))
    measured = [took(1800), took(7200, step="pack", method=None, dataset="there")]
    table = plan(jobs, [None] * len(jobs), measured)
    found = {(row.rule, row.method): (row.jobs, row.not_measured, row.hours) for row in table.itertuples()}
    assert found["pack", ""] == (1, 0, 2.0)
    assert found["train_run", "erm"] == (2, 0, 1.0)
    assert found["train_run", "align"][:2] == found["report", ""][:2] == (1, 1)
    assert table["hours"].isna().sum() == 2
    assert table["rule"].tolist()[:2] == ["pack", "train_run"]  # longest first
    assert totals(table).loc[True].tolist() == [3, 1, 1.0]
    assert totals(table).loc[False].tolist() == [2, 1, 2.0]


def test_a_benchmark_file_says_which_job_it_is_of(tmp_path):
    run = Run("here", "leave_one_domain_out", "a", "align-plus-beta=1.0", 12)
    path = tmp_path / f"benchmarks/train/{run.path}.tsv"
    assert kind_of(path, tmp_path) == ("train", "here", run.method)
    assert run_of(path, tmp_path) == run
    archive = tmp_path / "benchmarks/download/VLCS/VLCS.tar.gz.tsv"
    assert (kind_of(archive, tmp_path), run_of(archive, tmp_path)) == (("download", "VLCS", None), None)


def write_run(results, run, seconds, images, side, epochs):
    """Write what a training run of ``images`` images of ``side`` × ``side`` pixels leaves."""
    packed = f"results/data/{run.dataset}/{run.domain}.npy"
    account = {
        "settings": {"training": {"epochs": epochs}, "classifier": {"architecture": "small_resnet"}},
        "hashes": {"data": {packed: "", packed.replace(".npy", ".masks.npy"): "", "results/data/splits.csv": ""}},
    }
    for path, content in (
        (results / f"benchmarks/train/{run.path}.tsv", f"s\th:m:s\n{seconds}\t-\n"),
        (results / f"runs/{run.path}/run.json", json.dumps(account)),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(content)
    data = results / f"data/{run.dataset}"
    data.mkdir(parents=True, exist_ok=True)
    np.save(data / f"{run.domain}.npy", np.zeros((images, side, side, 3), np.uint8))
    np.save(data / f"{run.domain}.masks.npy", np.zeros((images, side, side), np.uint8))


def test_the_work_of_a_run_is_read_and_foreseen(tmp_path):
    run = Run("VLCS", "single_source", "SUN09", "erm", 0)
    write_run(tmp_path, run, seconds=60, images=7, side=8, epochs=3)
    assert read_measured(tmp_path) == [Measured(Kind("train", "VLCS", "erm"), 60, Work(7 * 8 * 8 * 3, "small_resnet"))]
    (tmp_path / f"data/VLCS/{run.domain}.npy").unlink()
    assert read_measured(tmp_path)[0].work is None

    content = yaml.safe_load((REPOSITORY / "config/paper.yaml").read_text())
    content["training"]["epochs"] = 10
    configuration = load(content)
    counts = REPOSITORY / "reference/dataset_counts.csv"
    assert planned_work(run, configuration, counts, tmp_path) == Work(3282 * 10 * 224**2, "resnet18")  # published: 3,282 of SUN09
    left_out = run._replace(protocol="leave_one_domain_out", domain="VOC2007")
    assert planned_work(left_out, configuration, counts, tmp_path) == Work((1415 + 2656 + 3282) * 10 * 224**2, "resnet18")
    assert planned_work(run._replace(dataset="TerraIncognita", domain="L38"), configuration, counts, tmp_path) is None
    np.save(tmp_path / "data/VLCS/SUN09.npy", np.zeros((5, 4, 4, 3), np.uint8))
    assert planned_work(run, configuration, counts, tmp_path) == Work(5 * 10 * 224**2, "resnet18")


def test_a_dry_run_s_jobs_are_planned_from_another_folder_s_measurements(tmp_path):
    folder = copy_workflow(tmp_path / "workflow")
    content = yaml.safe_load((folder / "config/tiny.yaml").read_text())
    content["experiments"] = {
        "tiny": {"dataset": "tiny_scenes", "domains": ["china"], "methods": ["erm", "sgt"], "seeds": [0, 1]}
    }
    content["device"] = "cuda"
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    write_run(tmp_path / "elsewhere", Run("other", "single_source", "a", "erm", 0), 1800, images=4, side=8, epochs=1)
    planned = subprocess.run(
        [sys.executable, "-m", "align.planning", "my.yaml", str(tmp_path / "elsewhere")],
        cwd=folder, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert planned.returncode == 0, planned.stdout + planned.stderr
    rows = {tuple(line.split()[:2]): line.split() for line in planned.stdout.splitlines() if line.strip()}
    # No image is there yet and nothing is published of them: as measured, half an hour each.
    assert rows["train_run", "erm"] == ["train_run", "erm", "2", "0", "1.00", "another", "data", "set,", *AS_MEASURED.split()]
    assert rows["train_run", "sgt"] == ["train_run", "sgt", "2", "2", *NOT_MEASURED.split()]
    assert rows["pack", "4"] == ["pack", "4", "4", *NOT_MEASURED.split()]
    assert "jobs that ask for a GPU: 1.00 hours for 9, 7 of them not measured" in planned.stdout  # the ninth: case studies
    assert not (folder / "results").exists()


def test_what_snakemake_refuses_is_not_planned(tmp_path):
    folder = copy_workflow(tmp_path / "workflow")
    (folder / "my.yaml").write_text("datasets: {}\n")
    planned = subprocess.run(
        [sys.executable, "-m", "align.planning", "my.yaml", "results"], cwd=folder, capture_output=True, text=True
    )
    assert planned.returncode == 1
    assert "my.yaml cannot be used" in planned.stderr
    assert "Traceback" not in planned.stderr


@pytest.mark.parametrize("content", [None, "", "- a\n", "a: [b\n"])
def test_what_is_no_configuration_is_one_clear_error(tmp_path, content):
    path = tmp_path / "my.yaml"
    if content is not None:
        path.write_text(content)
    planned = subprocess.run([sys.executable, "-m", "align.planning", path, "results"], capture_output=True, text=True)
    assert planned.returncode == 1
    assert planned.stderr.startswith(f"{path}: found ")
    assert "expected a configuration" in planned.stderr
    assert "Traceback" not in planned.stderr


@pytest.mark.parametrize("content", ["", "x\n1\n"])
def test_a_benchmark_file_that_is_cut_short_measures_nothing(tmp_path, content):
    write_run(tmp_path, Run("here", "single_source", "a", "erm", 0), 10, images=4, side=8, epochs=1)
    write_run(tmp_path, Run("here", "single_source", "b", "erm", 1), 30, images=4, side=8, epochs=1)
    (tmp_path / "benchmarks/train/here/single_source/b/erm/seed1.tsv").write_text(content)
    assert [job.seconds for job in read_measured(tmp_path)] == [10]
