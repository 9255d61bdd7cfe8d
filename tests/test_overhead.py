"""Where the cores' time went, of a real run of Snakemake whose jobs sleep."""

import os
import subprocess
import sys

import pytest

from benchmarks.overhead import longest_run, overhead

SNAKEFILE = """\
rule report:
    input: "results/evaluations/a/metrics.csv"
    output: "results/report.html"
    shell: "sleep 0.6; touch {output}"

rule train:
    output: "results/runs/a/run.json"
    benchmark: "results/benchmarks/train/a.tsv"
    shell: "sleep 1; echo '{{\\"wall_seconds\\": 0.7}}' > {output}"

rule evaluate:
    input: "results/runs/a/run.json"
    output: "results/evaluations/a/metrics.csv"
    benchmark: "results/benchmarks/evaluate/a.tsv"
    shell: "sleep 0.4; touch {output}"
"""


def run_snakemake(folder, *arguments):
    subprocess.run([sys.executable, "-m", "snakemake", *arguments], cwd=folder, check=True, capture_output=True)


def test_all_time_is_training_evaluation_or_the_rest(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    run_snakemake(tmp_path, "--cores", "2")
    run_snakemake(tmp_path, "--cores", "1", "--dry-run", "--forceall")
    before = tmp_path / "results/benchmarks/train/b.tsv"  # of another call
    before.write_text("s\n1000\n")
    os.utime(before, (0, 0))

    run = longest_run(tmp_path)
    assert run.cores == 2
    table = overhead(tmp_path, run).set_index("part")
    seconds = table["seconds"]
    assert table["jobs"].dropna().to_dict() == {"training": 1, "start-up of training": 1, "evaluation": 1}
    assert 1 <= seconds["training"] < run.elapsed.total_seconds()
    assert 0.4 <= seconds["evaluation"] < run.elapsed.total_seconds() - 1
    assert seconds["start-up of training"] == pytest.approx(seconds["training"] - 0.7)
    # Two cores, of which one waits: as long as everything takes on the other, and the report on that one.
    assert seconds["all else"] >= run.elapsed.total_seconds() + 0.6
    assert table["share"].drop("start-up of training").sum() == pytest.approx(1)


def test_a_folder_without_a_finished_run_is_one_clear_line(tmp_path):
    with pytest.raises(SystemExit, match=r"found no finished run in \.snakemake/log, expected the folder of a finished `make"):
        longest_run(tmp_path)
