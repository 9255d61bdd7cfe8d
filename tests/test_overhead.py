"""Where the cores' time went, of a real run of Snakemake whose jobs sleep."""

import os
import subprocess
import sys

import pytest

from benchmarks.overhead import NEITHER, longest_run, main, overhead

TRAINING = ["training", "start-up of training"]
EVALUATION = ["evaluation", "start-up of evaluation"]

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
    log: "results/logs/evaluate/a.log"
    shell: "sleep 0.4; echo 'INFO done in 0.3 s' > {log}; touch {output}"
"""


def run_snakemake(folder, *arguments):
    subprocess.run([sys.executable, "-m", "snakemake", *arguments], cwd=folder, check=True, capture_output=True)


def test_all_time_is_training_evaluation_or_the_rest(tmp_path, capsys):
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
    assert table["jobs"].dropna().to_dict() == dict.fromkeys((*TRAINING, *EVALUATION), 1)
    assert seconds["training"] == 0.7
    assert seconds["evaluation"] == 0.3
    assert 1 <= seconds[TRAINING].sum() < run.elapsed.total_seconds()
    assert 0.4 <= seconds[EVALUATION].sum() < run.elapsed.total_seconds() - 1
    # Two cores, of which one waits: as long as everything takes on the other, and the report on that one.
    assert seconds["all else"] >= run.elapsed.total_seconds() + 0.6
    assert table["share"].drop(NEITHER).sum() == pytest.approx(1)
    assert table["share"][NEITHER] == pytest.approx(1 - table["share"][["training", "evaluation"]].sum())
    assert table["goal"].dropna().to_dict() == {NEITHER: 0.15}

    (tmp_path / "results/logs/evaluate/a.log").write_text("INFO of another version\n")
    table = overhead(tmp_path, run).set_index("part")
    assert table.index[table["seconds"].isna()].tolist() == [*EVALUATION, NEITHER]
    assert table["seconds"]["all else"] == seconds["all else"]
    main(tmp_path)
    shown = {line for line in capsys.readouterr().out.splitlines() if "not known" in line}
    assert len(shown) == 3


def test_a_folder_without_a_finished_run_is_one_clear_line(tmp_path):
    with pytest.raises(SystemExit, match=r"found no finished run in \.snakemake/log, expected the folder of a finished `make"):
        longest_run(tmp_path)
