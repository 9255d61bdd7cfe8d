"""The results in artifacts/embedded_full are whole, of the present configuration, from runs that were trained to the end."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from align.configuration.loading import load
from align.configuration.runs import planned_runs
from align.files import sha256
from align.methods.naming import method_title
from align.versioning.summary import metric_means, nested_means

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "artifacts/embedded_full"
CONFIGURATION = load(yaml.safe_load((ROOT / "config/embedded_full.yaml").read_text()))
COMPARED = ["erm", "mixup", "rsc", "cgc", "sgt", "dre", "align", "align-plus"]
CONTROLS = [
    "align-swap-swap_mask=permuted",
    "align-swap-swap_mask=gradient",
    "align-swap-swap_mask=centre",
    "align-swap-lambda3=0.0-swap_mask=whole",
    "align-swap-lambda3=0.0-lambda4=1.0-swap_mask=whole",
    "align-swap-lambda3=0.0-lambda4=1.0-regulariser=sgt-swap_mask=whole",
    "align-swap-masker=ground_truth",
]
RUN = ["protocol", "source_domain", "method", "seed"]
HALF_A_POINT = 0.005


@pytest.fixture(scope="module")
def provenance():
    return json.loads((FOLDER / "provenance.json").read_text())


@pytest.fixture(scope="module")
def metrics():
    return pd.read_csv(FOLDER / "metrics.csv.gz")


@pytest.fixture(scope="module")
def validation():
    """The validation accuracy of the compared runs: a row for each, a column for each epoch."""
    rows = pd.read_csv(FOLDER / "validation.csv.gz")
    single = rows[(rows["protocol"] == "single_source") & rows["method"].isin(COMPARED)]
    return single.pivot_table("validation_accuracy", RUN, "epoch")


@pytest.mark.parametrize("folder", ["embedded_full", "photographs"])
def test_the_files_are_those_whose_checksums_are_published(folder):
    files = ROOT / "artifacts" / folder
    provenance = json.loads((files / "provenance.json").read_text())
    assert provenance["files"] == {path.name: sha256(path) for path in files.iterdir() if path.name != "provenance.json"}
    assert provenance["hashes"]["configuration"] == provenance["files"]["configuration.yaml"]


@pytest.mark.parametrize("folder", ["embedded_full", "photographs"])
def test_the_document_shows_the_published_table(folder):
    table = (ROOT / "artifacts" / folder / "main_results.md").read_text().split("\n\n")[1]
    assert table.count("\n") >= len(COMPARED)
    assert table in (ROOT / "docs/results.md").read_text()


def accuracies(metrics, method, seeds):
    """Return a method's accuracy in and out of distribution as pages show it: means over domains, then over seeds."""
    own = metrics[(metrics["method"] == method) & (metrics["metric"] == "accuracy")]
    assert sorted(own["seed"].unique()) == list(range(seeds))
    by_seed = 100 * own.groupby(["distribution", "seed"])["value"].mean()
    return [f"{by_seed[side].mean():.1f} ± {by_seed[side].std():.1f}" for side in ("in", "out")]


def row_of(text, method):
    """Return the cells of a method's row in the first table of a text."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {method_title(method)} |")]
    return row.removesuffix(" |").split(" | ")


@pytest.mark.parametrize("method", COMPARED)
def test_the_document_shows_the_accuracies_at_224_pixels(method):
    metrics = pd.read_csv(ROOT / "artifacts/photographs_224/metrics.csv.gz")
    shown = (ROOT / "docs/results.md").read_text().split("### The same at 224 pixels")[1].split("\n## ")[0].split("\n### ")[0]
    assert set(accuracies(metrics, method, seeds=3)) <= set(row_of(shown, method))


@pytest.mark.parametrize("method", ["erm", "sgt", "dre", "align", "align-plus", "align-swap", "align-gate", *CONTROLS])
def test_the_page_of_align_swap_shows_the_published_accuracies(metrics, method):
    shown = (ROOT / "docs/align_swap.md").read_text().split("## Results on the embedded benchmark")[1].split("\n## ")[0]
    single = metrics[(metrics["protocol"] == "single_source") & metrics["study"].isin(["comparison", "controls"])]
    assert row_of(shown, method)[1:3] == accuracies(single, method, seeds=10)


FROM_VOC2007 = [("VOC2007", method, 5) for method in (*COMPARED, "align-swap", *CONTROLS, "align-gate")]
FROM_CALTECH101 = [("Caltech101", "align-swap", 5)] + [("Caltech101", method, 3) for method in CONTROLS if "masker" not in method]


@pytest.mark.parametrize(("source", "method", "seeds"), [*FROM_VOC2007, *FROM_CALTECH101])
def test_the_page_of_align_swap_shows_what_was_measured_on_photographs(source, method, seeds):
    metrics = pd.read_csv(ROOT / "artifacts/swap_photographs/metrics.csv.gz")
    shown = (ROOT / "docs/align_swap.md").read_text().split("## Results on photographs")[1]
    shown = dict(zip(("VOC2007", "Caltech101"), shown.split("\nSource Caltech101")))[source]
    own = metrics[(metrics["method"] == method) & (metrics["source_domain"] == source)]
    assert sorted(own["seed"].unique()) == list(range(seeds))
    by_target = 100 * own.pivot_table("value", ["metric", "seed"], "target_domain")
    others = [domain for domain in ("VOC2007", "Caltech101", "LabelMe", "SUN09") if domain != source]
    by_target = by_target[[source, *others]]
    by_target["average"] = by_target[others].mean(axis=1)
    accuracy, macro = by_target.loc["accuracy"], by_target.loc["macro_accuracy"]
    cells = [f"{accuracy[name].mean():.1f} ± {accuracy[name].std():.1f}; {macro[name].mean():.1f}" for name in accuracy]
    assert row_of(shown, method)[1:6] == cells


@pytest.mark.parametrize(("method", "shown"), [("align-swap", "30.0 and 24.8 %"), ("erm", "21.1 %")])
def test_the_page_of_align_swap_shows_what_another_processor_gives(method, shown):
    metrics = pd.read_csv(ROOT / "artifacts/swap_photographs/intel_xeon.csv.gz")
    accuracy = metrics[(metrics["metric"] == "accuracy") & (metrics["distribution"] == "out") & (metrics["method"] == method)]
    by_seed = 100 * accuracy.groupby("seed")["value"].mean()
    values = by_seed if method == "align-swap" else [by_seed.mean()]
    assert " and ".join(f"{value:.1f}" for value in values) + " %" == shown
    assert f"has {shown}" in (ROOT / "docs/align_swap.md").read_text()


def test_they_are_of_the_present_configuration_and_of_all_its_runs(provenance):
    published = load(yaml.safe_load((FOLDER / "configuration.yaml").read_text()))
    assert published == CONFIGURATION
    assert provenance["runs"] == len(planned_runs(CONFIGURATION))


def test_all_runs_were_made_alike(provenance):
    versions = provenance["versions"]
    for of_each in (provenance["devices"], provenance["precisions"], versions["torch"], versions["python"]):
        assert list(of_each.values()) == [provenance["runs"]]


def test_every_compared_method_has_ten_seeds_on_each_domain(validation):
    seeds = validation.reset_index().groupby(["method", "source_domain"])["seed"].nunique()
    assert len(seeds) == len(COMPARED) * 4
    assert set(seeds) == {10}


@pytest.mark.parametrize("method", COMPARED)
def test_validation_is_flat_when_the_training_ends(validation, method):
    """The mean over runs changes by less than half a point from the first to the last epoch of the last sixth."""
    by_epoch = validation.xs(method, level="method").mean()
    last_sixth = by_epoch.iloc[-round(CONFIGURATION.training.epochs / 6) :]
    assert abs(last_sixth.iloc[-1] - last_sixth.iloc[0]) < HALF_A_POINT


def test_the_versioned_metrics_are_the_means_of_these_results(metrics):
    assert json.loads((ROOT / "artifacts/metrics.json").read_text()) == nested_means(metric_means(metrics))


def test_the_document_says_what_the_verdict_says_of_each_claim_of_the_paper():
    verdict = pd.read_csv(FOLDER / "verdict.csv.gz").query("scope != 'ours' and verdict != 'not tested'")
    document = (ROOT / "docs/results.md").read_text()
    assert [sentence for sentence in verdict["sentence"] if f"| {sentence} |" not in document] == []


def test_the_readme_s_counts_are_those_of_the_verdict():
    verdict = pd.read_csv(FOLDER / "verdict.csv.gz").query("scope != 'ours'")
    readme = (ROOT / "README.md").read_text()
    for word in ("reproduced", "not reproduced", "inconclusive"):
        assert f"| {word}: {(verdict['verdict'] == word).sum()} |" in readme
