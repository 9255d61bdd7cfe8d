"""What docs/extending.md shows, done to a copy of the library and run through the workflow."""

import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import REPOSITORY, copy_library, only, run_snakemake

TEXT = (REPOSITORY / "docs/extending.md").read_text()
# What the block is (a new file, a line of a registry, a class at the end), the file's name, the code.
BLOCK = re.compile(
    r"(New\sfile|line\sof\s`(?P<registry>[A-Z]+)`|class\sat\sthe\send)[^`]*`src/(?P<path>\S+\.py)`[^#]*?\n```python\n(?P<code>.*?)```",
    re.DOTALL,
)
BLOCKS = list(BLOCK.finditer(TEXT))
CONFIGURATION = """
datasets: {colours: {source: {plain_colours: {}}, root: data/colours, image_size: 16}}
experiments:
  new:
    dataset: colours
    domains: [light]
    methods: [label_smoothing, {gradient_penalty: {penalty: 1.0}}]
    seeds: [0]
classifier: {architecture: small_resnet, weights: null, widths: [4, 8]}
training: {epochs: 2, batch_size: 4, learning_rate: 1.0e-3}
evaluation: {metrics: [accuracy, confidence, deletion_auc], attribution: gradient_times_input, curve_steps: 3}
"""
PENALTY = "gradient_penalty-penalty=1.0"
TARGETS = (
    "results/new/tables/in_distribution.md",
    "results/new/tables/assumptions.csv",
    "results/new/tables/confidence.md",
    "results/new/figures/accuracy_by_run.csv",
    "results/new/figures/training_curves/colours/single_source/light.svg",
)


def apply(block, library):
    """Do to the library what a block of the page says."""
    path, code = library / block["path"], block["code"]
    if block["registry"]:
        head = f"{block['registry']} = {{\n"
        assert head in path.read_text()
        path.write_text(path.read_text().replace(head, head + code))
    elif path.exists():
        path.write_text(f"{path.read_text()}\n\n{code}")
    else:
        path.write_text(code)


def run_extended(folder):
    library = copy_library(folder / "library")
    for block in BLOCKS:
        apply(block, library)
    (folder / "new.yaml").write_text(CONFIGURATION)
    return run_snakemake(folder, *TARGETS, "--configfile", "new.yaml", library=library)


@pytest.fixture(scope="module")
def extended(made_once):
    """Return a working directory in which everything that the page adds has run."""
    return made_once("extended", run_extended)


def test_every_block_of_the_page_is_used():
    assert len(BLOCKS) == TEXT.count("```python") == 15


def test_new_methods_are_trained_by_their_losses(extended):
    runs = extended / "results/runs/colours/single_source/light"
    smoothed = pd.read_csv(only(runs, "label_smoothing/seed0/*/history.csv"))
    assert set(smoothed["name"]) >= {"classification", "total"}
    penalised = pd.read_csv(only(runs, f"{PENALTY}/seed0/*/history.csv")).pivot_table("value", "epoch", "name")
    assert np.allclose(penalised["total"], penalised["classification"] + penalised["penalty"], rtol=1e-4)
    account = json.loads(only(runs, f"{PENALTY}/seed0/*/run.json").read_text())
    assert account["settings"]["hyper_parameters"] == {"learning_rate": None, "penalty": 1.0}


def test_the_new_metric_is_in_the_long_table(extended):
    metrics = pd.read_csv(extended / "results/new/metrics.csv")
    confidence = metrics[metrics["metric"] == "confidence"]
    assert set(zip(confidence["method"], confidence["target_domain"])) == {
        (method, domain) for method in ("label_smoothing", PENALTY) for domain in ("light", "dark")
    }
    assert confidence["value"].between(0.5, 1).all()  # the larger of two probabilities
    assert (confidence["n"] == 4).all()


def test_the_new_table_and_figure_show_the_results(extended):
    table = (extended / "results/new/tables/confidence.md").read_text()
    assert "### colours\n\n| Method | light | dark |" in table
    accuracies = pd.read_csv(extended / "results/new/figures/accuracy_by_run.csv")
    assert set(accuracies["method"]) == {"label_smoothing", PENALTY}
    assert (extended / "results/new/figures/accuracy_by_run.svg").is_file()


def test_new_names_are_printed(extended):
    table = (extended / "results/new/tables/in_distribution.md").read_text()
    assert "Label smoothing" in table
    assert "Gradient penalty (penalty=1.0)" in table
    assert "gradient_penalty.penalty" in (extended / "results/new/tables/assumptions.csv").read_text()


def test_the_page_s_configuration_snippets_are_used(extended):
    content = yaml.safe_load(CONFIGURATION)
    shown = yaml.safe_load(re.search(r"`(datasets: .*)` makes", TEXT)[1])
    assert content["datasets"] == shown["datasets"]
    evaluation = yaml.safe_load(re.search(r"`(evaluation: .*)` evaluates", TEXT)[1])["evaluation"]
    assert evaluation.items() <= content["evaluation"].items()


@pytest.mark.parametrize("check", [["format", "--check"], ["check"]], ids=["format", "lint"])
def test_the_page_s_code_is_written_like_the_library(extended, check):
    command = [sys.executable, "-m", "ruff", *check, "--config", REPOSITORY / "pyproject.toml", "--no-cache", "library"]
    done = subprocess.run(command, cwd=extended, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
