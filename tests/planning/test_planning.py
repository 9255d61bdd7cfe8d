"""The plan of a real dry run, with made-up measurements: what is expected is worked out by hand."""

import json
import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from conftest import REPOSITORY, copy_workflow

from align import paths
from align.configuration.loading import load
from align.configuration.places import Places
from align.configuration.run import Run
from align.models.settings import ClassifierSettings
from align.planning.estimates import AS_MEASURED, NOT_MEASURED, SCALED, by_finished_jobs, plan, totals
from align.planning.finished_jobs import FinishedJob, JobKind, benchmarked_run, job_kind, read_finished_jobs
from align.planning.jobs import Job
from align.planning.throughput import by_throughput, read_throughput
from align.planning.work import Work, planned_evaluation, planned_training, split_sizes
from benchmarks.end_to_end import end_to_end
from benchmarks.run import COLUMNS
from benchmarks.saliency_maps import saliency_maps
from benchmarks.setting import Setting
from benchmarks.training_steps import left_out, training_steps

ERM = JobKind("train", "here", "erm")
COUNTS = REPOSITORY / "reference/dataset_counts.csv"
PAPER = yaml.safe_load((REPOSITORY / "config/paper.yaml").read_text())


def took(seconds, work=None, **changes):
    return FinishedJob(ERM._replace(**changes), seconds, work)


def test_seconds_are_the_mean_over_what_is_most_alike():
    elsewhere, here = took(90, dataset="there"), [took(10), took(20)]
    assert by_finished_jobs(ERM, None, [elsewhere, *here]) == (15, f"this data set, {AS_MEASURED}")
    assert by_finished_jobs(ERM, None, [elsewhere]) == (90, f"another data set, {AS_MEASURED}")
    align, variant = took(40, method="align"), took(70, method="align-lambda1=0.5")
    assert by_finished_jobs(variant.kind, None, [align, variant]).seconds == 70
    assert by_finished_jobs(align.kind._replace(method="align-lambda1=2.0"), None, [align, variant]).seconds == 55
    for other in (took(1, method="sgt"), took(1, step="evaluate"), took(1, method="align-plus"), took(1, method=None)):
        assert by_finished_jobs(align.kind, None, [other]) == (None, NOT_MEASURED)


def test_seconds_are_scaled_where_the_work_is_known_of_both_with_one_network():
    small = [took(10, Work(20, 5, 2, "small_resnet")), took(30, Work(40, 10, 2, "small_resnet")), took(5000)]
    work = Work(100, 150, 4, "small_resnet")  # 4,000 pixels; 10 s were 100 of them and 30 s were 200
    assert by_finished_jobs(ERM, work, small) == (pytest.approx(4000 * (0.1 + 0.15) / 2), f"this data set, {SCALED}")
    assert by_finished_jobs(ERM, work._replace(architecture="resnet18"), small[:2]) == (20, f"this data set, {AS_MEASURED}")
    assert by_finished_jobs(ERM, None, small[:2]) == (20, f"this data set, {AS_MEASURED}")


def test_a_plan_sums_hours_and_counts_what_was_not_measured():
    def train(method, seed, gpu=True):
        return Job("train_run", Path(f"results/benchmarks/train/here/single_source/a/{method}/seed{seed}/key.tsv"), gpu)

    jobs = [
        train("erm", 0),
        train("erm", 1),
        train("align-beta=1.0", 0),
        Job("pack", Path("results/benchmarks/pack/here/key/a.tsv"), False),
    ]
    jobs.append(Job("report", None, False))
    measured = [took(1800), took(7200, step="pack", method=None, dataset="there")]
    table = plan(jobs, [None] * len(jobs), partial(by_finished_jobs, finished=measured))
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
    path = tmp_path / f"benchmarks/train/{run.path}/key.tsv"
    assert job_kind(path, tmp_path) == ("train", "here", run.method)
    assert benchmarked_run(path, tmp_path) == run
    archive = tmp_path / "benchmarks/download/VLCS/VLCS.tar.gz.tsv"
    assert (job_kind(archive, tmp_path), benchmarked_run(archive, tmp_path)) == (("download", "VLCS", None), None)


def write_run(results, run, seconds, images, side, epochs):
    """Write what a training run of ``images`` images of ``side`` × ``side`` pixels leaves."""
    data = f"data/{run.dataset}/key"
    files = [f"{data}/splits-key.csv", f"{data}/images/{run.domain}.npy", f"{data}/images/masks/{run.domain}.npy"]
    account = {
        "precision": "bfloat16",
        "device": "CPU, AMD EPYC 9V74",
        "settings": {"training": {"epochs": epochs}, "classifier": {"architecture": "small_resnet"}},
        "hashes": {"data": {f"results/{file}": "" for file in files}},
    }
    for path, content in (
        (results / f"benchmarks/train/{run.path}/key.tsv", f"s\th:m:s\n{seconds}\t-\n"),
        (results / f"runs/{run.path}/key/run.json", json.dumps(account)),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(content)
    splits, packed, masks = (results / file for file in files)
    masks.parent.mkdir(parents=True, exist_ok=True)
    np.save(packed, np.zeros((images, side, side, 3), np.uint8))
    np.save(masks, np.zeros((images, side, side), np.uint8))
    write_splits(splits, {(run.domain, "train"): images - 2, (run.domain, "validation"): 1, (run.domain, "test"): 1})


def write_splits(path, sizes):
    """Write a listing with so many images of each domain and split."""
    rows = [(f"{number}.png", domain, "cat", split) for (domain, split), size in sizes.items() for number in range(size)]
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=["path", "domain", "class", "split"]).to_csv(path, index=False)


def test_the_work_of_a_finished_run_is_read(tmp_path):
    run = Run("VLCS", "single_source", "SUN09", "erm", 0)
    write_run(tmp_path, run, seconds=60, images=7, side=8, epochs=3)
    assert read_finished_jobs(tmp_path) == [
        FinishedJob(JobKind("train", "VLCS", "erm"), 60, Work(5 * 3, 1 * 3, 8, "small_resnet"), "bfloat16 on CPU, AMD EPYC 9V74")
    ]
    (tmp_path / f"data/VLCS/key/images/{run.domain}.npy").unlink()
    assert read_finished_jobs(tmp_path)[0].work is None
    next(tmp_path.glob("runs/**/run.json")).unlink()
    assert read_finished_jobs(tmp_path)[0].trained_in is None


def test_splits_are_foreseen_from_what_is_published_until_they_are_made(tmp_path):
    content = PAPER | {"splits": {"train": 0.5, "validation": 0.3, "test": 0.2}}

    def sizes_of(dataset, **changed):
        changes = {dataset: PAPER["datasets"][dataset] | changed}
        sizes = split_sizes(dataset, load(content | {"datasets": PAPER["datasets"] | changes}), COUNTS, tmp_path)
        return {(row.domain, row.split): row.images for row in sizes.itertuples()}

    assert sizes_of("VLCS")["SUN09", "train"] == 1641  # of 3,282
    assert sizes_of("VLCS")["SUN09", "validation"] == 985
    assert sizes_of("TerraIncognita")["L100", "test"] == 976  # of 4,879
    # Of its current version nothing is published. It has about as many images, which are dealt evenly to the four locations.
    current = sizes_of("TerraIncognita", source={"terra_incognita": {"version": "current"}})
    assert {domain: size for (domain, split), size in current.items() if split == "test"} == {
        "L100": 1239, "L38": 1239, "L43": 1239, "L46": 1239,
    }  # fmt: skip
    splits = tmp_path / Path(Places(load(content)).dataset(paths.SPLITS, "VLCS")).relative_to(paths.RESULTS)
    write_splits(splits, {("SUN09", "train"): 3, ("LabelMe", "test"): 2})
    assert sizes_of("VLCS") == {("SUN09", "train"): 3, ("LabelMe", "test"): 2}


VLCS = {"Caltech101": 1415, "LabelMe": 2656, "SUN09": 3282, "VOC2007": 3376}  # published


def work_planned(run, folder, plans=planned_training, **changes):
    content = PAPER | {"training": {"epochs": 10}} | changes
    configuration = load(content)
    return plans(run, configuration, split_sizes(run.dataset, configuration, COUNTS, folder))


def test_training_passes_through_the_training_and_validation_images_of_every_source(tmp_path):
    sun, left_out = Run("VLCS", "single_source", "SUN09", "erm", 0), Run("VLCS", "leave_one_domain_out", "VOC2007", "erm", 0)
    assert work_planned(sun, tmp_path) == Work(1969 * 10, 656 * 10, 224, "resnet18")  # 60 and 20 % of 3,282
    trained, predicted = (sum(round(share * VLCS[domain]) for domain in VLCS if domain != "VOC2007") for share in (0.6, 0.2))
    assert work_planned(left_out, tmp_path) == Work(trained * 10, predicted * 10, 224, "resnet18")
    unknown = {"archives": {"root": str(tmp_path), "domains": ["a"]}}
    (tmp_path / "a/cat").mkdir(parents=True)
    (tmp_path / "a/cat/1.png").touch()
    (tmp_path / "a/dog").mkdir()
    (tmp_path / "a/dog/1.png").touch()
    nobody_knows = Run("archives", "single_source", "a", "erm", 0)
    assert work_planned(nobody_knows, tmp_path, datasets=PAPER["datasets"] | unknown) is None


def test_evaluation_predicts_what_its_metrics_want(tmp_path):
    run = Run("VLCS", "single_source", "SUN09", "erm", 0)
    settings = {"curve_steps": 10, "removed_shares": [0.1, 0.5]}  # of an image: itself, 10 + 9 of the curves, 2 × 2
    whole = work_planned(run, tmp_path, planned_evaluation, evaluation=settings)
    assert whole == Work(0, sum(round(0.2 * size) for size in VLCS.values()) * (1 + 19 + 4), 224, "resnet18")
    # Of 283, 531, 656 and 675 test images 300 at most are perturbed.
    some = work_planned(run, tmp_path, planned_evaluation, evaluation=settings | {"images_per_target": 300})
    assert some.predicted == (283 + 531 + 656 + 675) + (283 + 3 * 300) * (19 + 4)
    # Without test splits: the source's validation part, and all images of the others.
    domainbed = work_planned(
        run, tmp_path, planned_evaluation, evaluation=settings, splits={"train": 0.8, "validation": 0.2, "test": 0}
    )
    assert domainbed.predicted == pytest.approx((656 + 1415 + 2656 + 3376) * 24, abs=3 * 24)  # parts of a domain are rounded
    # DomainBed: the validation part of the source, and 80 % of the others.
    fewer = work_planned(
        run,
        tmp_path,
        planned_evaluation,
        evaluation=settings | {"target_part": "train"},
        splits={"train": 0.8, "validation": 0.2, "test": 0},
    )
    assert fewer.predicted == pytest.approx((656 + 1132 + 2125 + 2701) * 24, abs=3 * 24)


def throughput(folder, *rows):
    """Write a benchmark's CSV: (benchmark, name, size, batch_size, precision, compile, per_second) of a ResNet-18."""
    names = ["benchmark", "name", "size", "batch_size", "precision", "compile", "per_second"]
    pd.DataFrame(rows, columns=names).assign(network="resnet18", device="a GPU").to_csv(folder / "gpu.csv", index=False)
    return folder / "gpu.csv"


def expected(path, work, kind=ERM, **changes):
    return by_throughput(kind, work, read_throughput(path), load(PAPER | changes))


STEP, DATA = ("training step", "erm", 224, 32), ("data side", "erm", 224, 32, "float32", "none", 10_000)
FORWARD = ("saliency maps", "forward pass", 224, 64, "float32", "none", 2_000)
WORK = Work(trained=60_000, predicted=20_000, size=224, architecture="resnet18")


def test_images_per_second_become_seconds(tmp_path):
    path = throughput(tmp_path, (*STEP, "float32", "none", 500), DATA, FORWARD)
    seconds, basis = expected(path, WORK)
    assert seconds == pytest.approx(60_000 / 500 + 60_000 / 10_000 + 20_000 / 2_000)
    assert basis == (
        "training step in float32 (224 pixels, batch 32) + data side (224 pixels, batch 32) + "
        "forward pass in float32 (224 pixels, batch 64)"
    )
    assert expected(path, WORK, ERM._replace(method="erm-beta=1.0")).seconds == seconds
    evaluation = expected(path, WORK._replace(trained=0), JobKind("evaluate", "here", "sgt"))
    assert evaluation == (10, "forward pass in float32 (224 pixels, batch 64)")


@pytest.mark.parametrize(
    ("training", "engine", "rate"),
    [
        ({}, {}, 2000),  # auto: bfloat16, where that was measured
        ({"precision": "bfloat16"}, {}, 2000),
        ({"precision": "float32"}, {}, 500),
        ({}, {"compile": "default"}, 700),  # in bfloat16 it failed
        ({"precision": "bfloat16"}, {"compile": "default"}, None),
        ({}, {"compile": "reduce-overhead"}, None),
    ],
)
def test_the_configured_precision_and_compilation_count(tmp_path, training, engine, rate):
    rates = {("float32", "none"): 500, ("bfloat16", "none"): 2000, ("float32", "default"): 700, ("bfloat16", "default"): None}
    path = throughput(tmp_path, *((*STEP, *variant, value) for variant, value in rates.items()), DATA, FORWARD)
    found = expected(path, Work(60_000, 0, 224, "resnet18"), training={"batch_size": 32} | training, engine=engine)
    assert found.seconds == (rate and pytest.approx(60_000 / rate + 6))
    if rate:
        assert f"training step in {'bfloat16' if rate == 2000 else 'float32'} (" in found.basis


def test_what_a_processor_does_not_have_is_not_planned_with(tmp_path):
    without = left_out(
        Setting(ClassifierSettings(architecture="resnet18"), 224, 32, torch.device("cpu"), "bfloat16"), ["erm"], "why"
    )
    rows = pd.read_csv(throughput(tmp_path, (*STEP, "float32", "none", 500), DATA, FORWARD))
    pd.concat([rows, without.assign(device="a GPU")]).to_csv(tmp_path / "cpu.csv", index=False)
    auto = expected(tmp_path / "cpu.csv", WORK)
    assert auto.seconds == pytest.approx(60_000 / 500 + 60_000 / 10_000 + 20_000 / 2_000)
    assert auto.basis.startswith("training step in float32 ")
    demanded = expected(tmp_path / "cpu.csv", WORK, training={"batch_size": 32, "precision": "bfloat16"})
    assert demanded == (None, NOT_MEASURED)


def test_the_nearest_size_then_the_nearest_batch_counts(tmp_path):
    def of(size, batch_size, rate):
        return "training step", "erm", size, batch_size, "float32", "none", rate

    path = throughput(tmp_path, of(128, 32, 900), of(224, 16, 100), of(224, 64, 400), of(224, 128, 500), DATA, FORWARD)
    work = Work(60_000, 0, 224, "resnet18")
    assert expected(path, work, training={"batch_size": 70}).seconds == pytest.approx(60_000 / 400 + 6)
    half, basis = expected(path, work._replace(size=112), training={"batch_size": 32})
    assert half == pytest.approx(60_000 / 900 * (112 / 128) ** 2 + 6 / 4)
    assert basis.startswith("training step in float32 (128 pixels, batch 32) scaled by pixels + ")


@pytest.mark.parametrize(
    ("kind", "work"),
    [
        (ERM._replace(method="align"), WORK),
        (ERM, WORK._replace(architecture="small_resnet")),
        (ERM, None),
        (JobKind("pack", "here", None), None),
    ],
)
def test_what_was_not_measured_is_not_estimated(tmp_path, kind, work):
    whole = throughput(tmp_path, (*STEP, "float32", "none", 500), DATA, FORWARD)
    assert expected(whole, WORK).seconds
    assert expected(whole, work, kind) == (None, NOT_MEASURED)


def test_a_step_without_its_data_is_not_an_estimate(tmp_path):
    path = throughput(tmp_path, (*STEP, "float32", "none", 500), FORWARD)
    assert expected(path, WORK) == (None, NOT_MEASURED)


def run_plan(folder, configuration, measured):
    command = [Path(sys.executable).with_name("align"), "plan", configuration, measured]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})


def test_a_dry_run_s_jobs_are_planned_from_another_folder_s_measurements(tmp_path):
    folder = copy_workflow(tmp_path / "workflow")
    content = yaml.safe_load((folder / "config/tiny.yaml").read_text())
    content["experiments"] = {
        "tiny": {"dataset": "tiny_scenes", "domains": ["china"], "methods": ["erm", "sgt"], "seeds": [0, 1]}
    }
    content["device"] = "cuda"
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    write_run(tmp_path / "elsewhere", Run("other", "single_source", "a", "erm", 0), 1800, images=4, side=8, epochs=1)
    planned = run_plan(folder, "my.yaml", tmp_path / "elsewhere")
    assert planned.returncode == 0, planned.stdout + planned.stderr
    rows = {tuple(line.split()[:2]): line.split() for line in planned.stdout.splitlines() if line.strip()}
    # No image is there yet and nothing is published of them: as measured, half an hour each.
    assert rows["train_run", "erm"] == ["train_run", "erm", "2", "0", "1.00", "another", "data", "set,", *AS_MEASURED.split()]
    assert rows["train_run", "sgt"] == ["train_run", "sgt", "2", "2", *NOT_MEASURED.split()]
    assert rows["pack", "4"] == ["pack", "4", "4", *NOT_MEASURED.split()]
    elsewhere = f"estimated from the benchmark files in {tmp_path / 'elsewhere'} (trained in bfloat16 on CPU, AMD EPYC 9V74):"
    assert elsewhere in planned.stdout
    assert (
        "jobs that ask for a GPU: 1.00 hours for 2, unknown for 8 that were not measured" in planned.stdout
    )  # case studies, explorer
    assert not (folder / "results").exists()


def test_a_plan_before_anything_was_run_is_made_from_a_benchmark(tmp_path):
    folder = copy_workflow(tmp_path / "workflow")
    experiment = {"dataset": "VLCS", "domains": ["SUN09"], "methods": ["erm", "sgt"], "seeds": [0, 1]}
    content = PAPER | {"experiments": {"one": experiment}, "device": "cpu", "training": {"epochs": 10}}
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    path = throughput(tmp_path, (*STEP, "float32", "none", 10), DATA, FORWARD)
    done = run_plan(folder, "my.yaml", path)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {tuple(line.split()[:2]): line.split() for line in done.stdout.splitlines() if line.strip()}
    hours = 2 * (19_690 / 10 + 19_690 / 10_000 + 6_560 / 2_000) / 3600  # two seeds; the images as worked out above
    assert rows["train_run", "erm"][2:5] == ["2", "0", f"{hours:.2f}"]
    assert rows["train_run", "sgt"][2:] == ["2", "2", *NOT_MEASURED.split()]
    assert rows["evaluate_run", "sgt"][2:4] == ["2", "0"]
    assert f"from the images per second in {path} (a GPU):" in done.stdout
    assert not (folder / "results").exists()


def test_nothing_measured_is_said(tmp_path):
    folder = copy_workflow(tmp_path / "workflow")
    done = run_plan(folder, "config/tiny.yaml", "reslts")
    assert done.returncode == 0
    assert "reslts has no benchmark files of finished jobs; name a folder of results or a CSV of `make bench`" in done.stdout
    assert re.search(r"jobs that ask for none: unknown; none of \d+ was measured", done.stdout)
    assert "hours for" not in done.stdout
    other_file = run_plan(folder, "config/tiny.yaml", "Snakefile")
    assert other_file.returncode == 1
    assert other_file.stderr.startswith("Snakefile: found no column benchmark, name, ")


def test_what_snakemake_refuses_is_not_planned(tmp_path):
    folder = copy_workflow(tmp_path / "workflow")
    (folder / "my.yaml").write_text("datasets: {}\n")
    planned = run_plan(folder, "my.yaml", "results")
    assert planned.returncode == 1
    assert "my.yaml cannot be used" in planned.stderr
    assert "Traceback" not in planned.stderr


@pytest.mark.parametrize("content", [None, "", "- a\n", "a: [b\n"])
def test_what_is_no_configuration_is_one_clear_error(tmp_path, content):
    path = tmp_path / "my.yaml"
    if content is not None:
        path.write_text(content)
    planned = run_plan(tmp_path, path, "results")
    assert planned.returncode == 1
    assert planned.stderr.startswith(f"{path}: found ")
    assert "expected a configuration" in planned.stderr
    assert "Traceback" not in planned.stderr


@pytest.mark.parametrize("content", ["", "x\n1\n"])
def test_a_benchmark_file_that_is_cut_short_measures_nothing(tmp_path, content):
    write_run(tmp_path, Run("here", "single_source", "a", "erm", 0), 10, images=4, side=8, epochs=1)
    write_run(tmp_path, Run("here", "single_source", "b", "erm", 1), 30, images=4, side=8, epochs=1)
    (tmp_path / "benchmarks/train/here/single_source/b/erm/seed1/key.tsv").write_text(content)
    assert [job.seconds for job in read_finished_jobs(tmp_path)] == [10]


def test_a_benchmark_measures_all_that_an_estimate_wants(tmp_path):
    setting = Setting(ClassifierSettings(architecture="small_resnet", weights=None, widths=(4, 4)), 16, 4, torch.device("cpu"))
    measured = [
        training_steps(setting, rounds=1, names=("erm",)),
        end_to_end(setting, 20, 20, batches=2, rounds=1),
        saliency_maps(setting, rounds=1),
    ]
    rows = pd.concat(measured).assign(device="CPU").reindex(columns=COLUMNS)
    rows.to_csv(tmp_path / "cpu.csv", index=False)
    found = expected(tmp_path / "cpu.csv", Work(10, 10, 16, "small_resnet"))
    rate = {(row.benchmark, row.name): row.per_second for row in rows.itertuples(index=False)}
    assert found.seconds == pytest.approx(
        10 / rate["training step", "erm"] + 10 / rate["data side", "erm"] + 10 / rate["saliency maps", "forward pass"]
    )
