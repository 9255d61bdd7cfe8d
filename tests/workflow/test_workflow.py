"""The whole chain on a tiny configuration: every promised file with its columns, and nothing to do the second time."""

import json
import re
import shutil
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from conftest import PHOTOGRAPHS, REPOSITORY, copy_workflow, only, run_snakemake, succeeds
from snakemake.api import ConfigSettings, ResourceSettings, SnakemakeApi, StorageSettings
from snakemake.settings.types import OutputSettings, Quietness

from align import paths
from align.configuration.loading import load
from align.configuration.places import Places
from align.configuration.runs import planned_runs, planned_studies, source_domains, variant_settings
from align.methods.naming import method_of
from align.metrics import METRICS
from align.preparation.splits import split_counts
from align.training.device import choose_device, device_name, precision_on
from align.workflow.gpus import gpu_is_visible

TINY = yaml.safe_load((REPOSITORY / "config/tiny.yaml").read_text())
CONFIGURATION = load(TINY)
PLACES = Places(CONFIGURATION)
RUNS = planned_runs(CONFIGURATION)
(DATASET,) = CONFIGURATION.datasets
DOMAINS = CONFIGURATION.datasets[DATASET].domains
PAGE = f"{DATASET}/single_source/{RUNS[0].domain}"
LEFT_OUT = next(run for run in RUNS if run.protocol == "leave_one_domain_out")
TABLES = (
    "main_results",
    "data",
    "in_distribution",
    "out_of_distribution",
    "leave_one_domain_out",
    "explanation_quality",
    "by_class",
    "masker_ablation",
    "mask_quality",
    "theory",
    "assumptions",
    "runs",
)
FIGURES = (
    "accuracy_vs_explanation",
    "sensitivity",
    "mask_degradation",
    "costs",
    "rule_graph",
    f"training_curves/{PAGE}",
    f"case_studies/{PAGE}",
    f"case_studies/{DATASET}/leave_one_domain_out/{LEFT_OUT.domain}",
)
RULE = re.compile(r"^( *)rule ?(\w*):\n((?:\1 +.*\n|\n)+)", re.MULTILINE)  # indentation, name, text
MESSAGE = re.compile(r'^ +message:\n +f?"(.+)"\n', re.MULTILINE)
LONGEST_MESSAGE = 125  # with the names of wildcards, which are longer than most of their values
NAMED_TARGETS = ("data", "splits", "train", "evaluate", "tables", "figures", "results_page", "report")


def learns_a_mask(run):
    settings = variant_settings(CONFIGURATION)[run.method]
    return method_of(run.method) == "align" and settings.masker == "learned" and settings.lambda3 > 0


def has_masks(run):
    settings = variant_settings(CONFIGURATION)[run.method]
    return method_of(run.method) == "masked_erm" or (method_of(run.method) == "align" and settings.lambda3 > 0)


@pytest.fixture
def results(tiny_results):
    return tiny_results / "results"


def test_manifest_lists_every_image_with_its_checksum(results):
    manifest = pd.read_csv(only(results, f"data/{DATASET}/*/manifest.csv"))
    assert list(manifest.columns) == ["path", "domain", "class", "sha256"]
    assert manifest.equals(manifest.sort_values(["domain", "class", "path"], ignore_index=True))
    assert manifest.groupby(["domain", "class"]).size().tolist() == [15] * 20
    assert manifest["sha256"].str.fullmatch("[0-9a-f]{64}").all()


def test_splits_have_the_manifest_s_rows_and_the_configured_shares(results):
    splits = pd.read_csv(only(results, f"data/{DATASET}/*/splits-*.csv"))
    manifest = pd.read_csv(only(results, f"data/{DATASET}/*/manifest.csv"))
    assert list(splits.columns) == ["path", "domain", "class", "split"]
    assert splits["path"].equals(manifest["path"])
    expected = dict(zip(("train", "validation", "test"), split_counts(15, [0.6, 0.2, 0.2])))
    for _, cell in splits.groupby(["domain", "class"]):
        assert cell["split"].value_counts().to_dict() == expected


def test_a_handwritten_digit_is_never_in_two_splits(results):
    splits = pd.read_csv(only(results, f"data/{DATASET}/*/splits-*.csv"))
    digit = splits["path"].str.extract(r"(digit\d+)")[0]
    assert digit.notna().all()
    assert splits.groupby(digit)["split"].nunique().max() == 1
    assert splits.groupby(digit)["domain"].nunique().min() == len(DOMAINS)  # and it is in every domain


def test_arrays_have_the_manifest_s_rows(results):
    manifest = pd.read_csv(only(results, f"data/{DATASET}/*/manifest.csv"))
    for domain in DOMAINS:
        n = (manifest["domain"] == domain).sum()
        images = np.load(only(results, f"data/{DATASET}/*/*/{domain}.npy"), mmap_mode="r")
        masks = np.load(only(results, f"data/{DATASET}/*/*/masks-*/{domain}.npy"), mmap_mode="r")
        assert (images.shape, images.dtype) == ((n, 32, 32, 3), np.uint8)
        assert (masks.shape, masks.dtype) == ((n, 32, 32), np.uint8)
        assert set(np.unique(masks)) == {0, 1}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.protocol}-{run.method}")
def test_a_run_says_where_it_comes_from_and_what_it_took(results, run):
    account = json.loads(only(results, f"runs/{run.path}/*/run.json").read_text())
    settings = account["settings"]
    assert (settings["method"], settings["seed"], settings["domain"]) == (run.method, "0", run.domain)
    assert settings["training"] == CONFIGURATION.training.model_dump(mode="json")
    assert settings["hyper_parameters"] == variant_settings(CONFIGURATION)[run.method].model_dump(mode="json")
    assert account["hashes"].keys() == {"configuration", "code", "data"}
    assert PLACES.dataset(paths.SPLITS, DATASET) in account["hashes"]["data"]
    assert account["versions"]["torch"] == metadata.version("torch")
    assert account["wall_seconds"] > 0
    assert account["images_per_second"] > 0
    assert account["peak_memory_bytes"] > 1e7
    device = choose_device("auto")
    assert account["device"] == device_name(device)
    assert account["precision"] == str(precision_on(device, "auto")).removeprefix("torch.")
    assert 2 <= account["selected_epoch"] <= 4
    assert 0 <= account["validation_accuracy"] <= 1
    assert all(failure.keys() == {"name", "epoch", "detail"} for failure in account["failures"])


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.protocol}-{run.method}")
def test_history_names_every_term_in_every_epoch(results, run):
    history = pd.read_csv(only(results, f"runs/{run.path}/*/history.csv"))
    assert list(history.columns) == ["epoch", "phase", "name", "value"]
    assert np.isfinite(history["value"]).all()
    for name in ("classification", "total", "validation_accuracy"):
        assert history.loc[history["name"] == name, "epoch"].tolist() == [1, 2, 3, 4]
    settings = variant_settings(CONFIGURATION)[run.method]
    expected = {"train"}
    if method_of(run.method) == "align":
        guided = settings.lambda3 > 0
        phases = {"masker": learns_a_mask(run), "guided": guided, "warm_up": settings.warm_up > 0 or not guided}
        expected = {phase for phase, gone_through in phases.items() if gone_through}
    assert set(history["phase"]) == expected


def test_checkpoints_hold_tensors_and_the_names_of_the_classes(results):
    for run in RUNS:
        checkpoint = torch.load(only(results, f"runs/{run.path}/*/checkpoint.pt"), weights_only=True)
        assert all(torch.is_tensor(value) for value in checkpoint["classifier"].values())
        assert ("masker" in checkpoint) == learns_a_mask(run)
        assert checkpoint["classes"] == ["four", "one", "three", "two", "zero"]


def test_the_long_table_has_every_run_and_every_target(results):
    metrics = pd.read_csv(results / "tiny/metrics.csv")
    run_and_target = ["study", "dataset", "protocol", "method", "source_domain", "target_domain", "distribution", "seed"]
    assert list(metrics.columns) == [*run_and_target, "metric", "value", "n"]
    assert not metrics.duplicated([*run_and_target, "metric"]).any()
    everywhere = {"accuracy", "auc", "sufficiency", "comprehensiveness", "insertion_auc", "deletion_auc", "iou", "pointing_game"}
    for run in RUNS:
        for target in DOMAINS:
            of_run = metrics[metrics["method"].eq(run.method) & metrics["protocol"].eq(run.protocol)]
            measured = set(of_run.loc[of_run["target_domain"] == target, "metric"])
            assert everywhere <= measured
            assert ("learned_mask_iou" in measured) == has_masks(run)
            assert set(of_run["study"]) == set(planned_studies(CONFIGURATION)[run])
            trained_on = set(of_run.loc[of_run["distribution"] == "in", "target_domain"])
            assert trained_on == set(source_domains(CONFIGURATION, run))
    assert set(metrics["metric"]) <= {name for entry in METRICS.values() for name in entry.measures}
    assert (metrics.loc[metrics["metric"] == "accuracy", "n"] == 15).all()  # 3 test images of each of 5 classes


def test_the_long_table_is_made_of_the_runs_own(results):
    own = pd.read_csv(only(results, f"evaluations/{RUNS[0].path}/*/*/metrics.csv"))
    assert list(own.columns) == ["target_domain", "metric", "value", "n"]
    metrics = pd.read_csv(results / "tiny/metrics.csv")
    of_run = metrics[metrics["method"] == RUNS[0].method]
    assert of_run[list(own.columns)].reset_index(drop=True).equals(own)


def test_the_images_of_a_run_give_its_metrics(results):
    for run in (RUNS[0], LEFT_OUT):
        folder = only(results, f"evaluations/{run.path}/*/*")
        images, metrics = pd.read_csv(folder / "images.csv.gz"), pd.read_csv(folder / "metrics.csv")
        splits = pd.read_csv(only(results, f"data/{DATASET}/*/splits-*.csv"))
        assert sorted(images["path"]) == sorted(splits.loc[splits["split"] == "test", "path"])
        probabilities = images[[f"p:{name}" for name in ("four", "one", "three", "two", "zero")]]
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
        assert images["predicted"].eq(probabilities.idxmax(axis=1).str.removeprefix("p:")).all()
        assert images["accuracy"].eq(images["predicted"] == images["class"]).all()
        for target, of_target in images.groupby("target_domain"):
            own = metrics[metrics["target_domain"] == target].set_index("metric")
            for name in ("accuracy", "sufficiency", "insertion_auc", "pointing_game"):
                assert own.loc[name, "value"] == pytest.approx(of_target[name].mean(), rel=1e-4)
                assert own.loc[name, "n"] == of_target[name].notna().sum()


def test_a_run_without_one_domain_is_trained_on_all_others(results):
    account = json.loads(only(results, f"runs/{LEFT_OUT.path}/*/run.json").read_text())
    used = {path for path in account["hashes"]["data"] if path.endswith(".npy")}
    assert used == set(PLACES.domains(paths.IMAGES, DATASET, [domain for domain in DOMAINS if domain != LEFT_OUT.domain]))
    table = pd.read_csv(results / "tiny/tables/leave_one_domain_out.csv").set_index(["metric", "left_out"])
    metrics = pd.read_csv(results / "tiny/metrics.csv").query("protocol == 'leave_one_domain_out' and metric == 'accuracy'")
    assert set(metrics["source_domain"]) == {f"all but {LEFT_OUT.domain}"}
    left_out = metrics.loc[metrics["target_domain"] == LEFT_OUT.domain, "value"].item()
    assert table.loc[("accuracy", LEFT_OUT.domain), "mean"] == pytest.approx(left_out, rel=1e-5)


def test_outputs_are_compared_with_those_of_the_same_object_in_the_source_domain(results):
    run = RUNS[0]
    images = pd.read_csv(only(results, f"evaluations/{run.path}/*/*/images.csv.gz"))
    images["scene"] = images["path"].str.split("/", n=1).str[1]
    probabilities = images.filter(regex="^p:").columns
    own = images[images["target_domain"] == run.domain].set_index("scene")
    assert own["output_distance"].isna().all()
    for target in set(DOMAINS) - {run.domain}:
        other = images[images["target_domain"] == target].set_index("scene")
        differences = other[probabilities] - own.loc[other.index, probabilities]
        assert other["output_distance"].to_numpy() == pytest.approx(np.linalg.norm(differences, axis=1), abs=1e-5)


def test_learned_masks_are_those_of_the_finished_run(results):
    """Given masks are bytes: they differ by half a step at most."""
    align, learned = (
        pd.read_csv(only(results, f"evaluations/{PAGE}/{method}/seed0/*/*/images.csv.gz")).set_index("path")["learned_mask_area"]
        for method in ("align", "masked_erm-mask=learned")
    )
    assert learned[align.index].to_numpy() == pytest.approx(align.to_numpy(), abs=0.5 / 254 + 1e-6)
    used = json.loads(only(results, f"runs/{PAGE}/masked_erm-mask=learned/seed0/*/run.json").read_text())["hashes"]["data"]
    assert any(re.fullmatch(rf"results/runs/{PAGE}/align/seed0/\w+/checkpoint\.pt", path) for path in used)


def test_what_cannot_be_run_is_named_with_the_reason(results):
    assert "Left out: m-SAM; no checkpoint of Segment Anything" in (results / "tiny/tables/masker_ablation.md").read_text()


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_there_for_machines_and_for_people(results, table):
    for kind in ("csv", "md", "tex", "html"):
        assert (results / f"tiny/tables/{table}.{kind}").stat().st_size > 100
    assert len(pd.read_csv(results / f"tiny/tables/{table}.csv")) > 1


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.split("/")[0])
def test_a_figure_is_there_with_its_data(results, figure):
    assert (results / f"tiny/figures/{figure}.svg").read_text().startswith("<?xml")
    assert (results / f"tiny/figures/{figure}.png").read_bytes().startswith(b"\x89PNG")
    assert len(pd.read_csv(results / f"tiny/figures/{figure}.csv")) > 1


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        ("performance", "No measurement was found; `make bench` writes one."),
        ("average_ranks", "Fewer than 5 settings have two methods or more to compare."),
    ],
)
def test_a_figure_with_nothing_to_draw_says_why(results, figure, reason):
    assert reason in (results / f"tiny/figures/{figure}.svg").read_text()
    assert (results / f"tiny/figures/{figure}.png").is_file()
    assert pd.read_csv(results / f"tiny/figures/{figure}.csv").empty


def test_every_claim_has_a_verdict(results):
    for kind in ("csv", "md", "tex", "html"):
        assert (results / f"tiny/verdict.{kind}").stat().st_size > 1000
    rows = pd.read_csv(results / "tiny/verdict.csv")
    claims = yaml.safe_load((REPOSITORY / "reference/claims.yaml").read_text())["claims"]
    # Claims on a stand-in for Segment Anything, and our own on ALIGN-swap, have no row where these did not run.
    assert set(rows["claim"]) == {claim["id"] for claim in claims if not {"stands_in", "ours"} & claim.keys()}
    assert set(rows["verdict"]) == {"inconclusive", "not tested"}  # one seed decides nothing
    best = rows[rows["claim"].eq("best_in_distribution") & rows["dataset"].eq(DATASET)].squeeze()
    assert (best["verdict"], best["scope"], best["places"], best["images"]) == ("inconclusive", "by analogy", "china", 15)


def test_logs_and_benchmarks_are_kept(results):
    for run in RUNS:
        assert only(results, f"logs/train/{run.path}/*.log").is_file()
        for step, keys in (("train", "*"), ("evaluate", "*/*")):
            benchmark = pd.read_csv(only(results, f"benchmarks/{step}/{run.path}/{keys}.tsv"), sep="\t")
            assert benchmark["s"].item() > 0


def test_no_partial_file_is_left(tiny_results):
    assert [path for path in tiny_results.rglob("*") if path.name.endswith(".partial") or ".partial." in path.name] == []


def test_a_second_run_has_nothing_to_do(finished):
    done = run_snakemake(finished, "--configfile", "config/tiny.yaml")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in done.stderr


@pytest.mark.parametrize("target", NAMED_TARGETS)
def test_named_targets_are_there_and_done(tiny_results, target):
    done = run_snakemake(tiny_results, target, "--dry-run", "--nolock", "--configfile", "config/tiny.yaml")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in done.stdout


def test_named_targets_stand_in_the_documents():
    document = (REPOSITORY / "docs/running.md").read_text()
    assert [target for target in NAMED_TARGETS if not re.search(rf"`(snakemake )?{target}\b", document)] == []


def parsed_rules(folder, **configuration):
    """Return the rules of the workflow in ``folder`` by name."""
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=TINY | configuration),
            storage_settings=StorageSettings(),
            snakefile=folder / "Snakefile",
        )
        return {rule.name: rule for rule in workflow._workflow.rules}


def test_every_rule_has_a_short_message():
    """The text is searched, since some rules are there for some configurations only."""
    files = [REPOSITORY / "Snakefile", REPOSITORY / "workflow/Snakefile", *(REPOSITORY / "rules").glob("*.smk")]
    rules = [rule for file in files for rule in RULE.findall(file.read_text())]
    assert {"all", "deployed", "link", "segment", "take_published_run", "train_run"} <= {name for _, name, _ in rules}
    messages = {name or text: MESSAGE.search(text) for _, name, text in rules}
    assert [rule for rule, message in messages.items() if not message or len(message[1]) > LONGEST_MESSAGE] == []


def test_every_rule_states_its_cost(tmp_path):
    rules = parsed_rules(copy_workflow(tmp_path / "workflow"))
    working = {name: rule for name, rule in rules.items() if rule.script or rule.shellcmd}
    assert set(rules) - set(working) == {"all", *NAMED_TARGETS} - {"results_page", "report"}
    for name, rule in working.items():
        assert rule.log, name
        assert rule.conda_env, name
        assert {"_cores", "mem_mb", "runtime"} <= rule.resources.keys(), name
    for name in ("train_run", "evaluate_run"):
        assert rules[name].benchmark


@pytest.mark.parametrize(("device", "gpu"), [("cuda", 1), ("cpu", 0), ("auto", int(gpu_is_visible()))])
def test_a_gpu_is_asked_for_where_one_is_used(tmp_path, device, gpu):
    rules = parsed_rules(copy_workflow(tmp_path / "workflow"), device=device)
    asked = {name: rule.resources["gpu"].value for name, rule in rules.items() if "gpu" in rule.resources}
    assert asked == {"train_run": gpu, "evaluate_run": gpu, "case_studies": gpu, "explorer": gpu}


def test_lint_is_clean(tmp_path):
    folder = copy_workflow(tmp_path / "workflow")
    done = run_snakemake(folder, "--lint", "--configfile", "config/tiny.yaml")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Congratulations" in done.stderr


def test_vlcs_subset_is_used_by_configuration_alone(shared_data, tmp_path):
    folder = copy_workflow(tmp_path / "workflow")
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/data").symlink_to(shared_data)
    example = ["--configfile", "config/examples/vlcs_subset.yaml"]
    planned = run_snakemake(folder, "--dry-run", *example)
    assert planned.returncode == 0, planned.stderr
    assert re.search(r"train_run +9\n", planned.stdout + planned.stderr)
    done = run_snakemake(folder, "data", *example)
    assert done.returncode == 0, done.stderr
    splits = pd.read_csv(only(folder, "results/data/vlcs_subset/*/splits-*.csv"))
    assert len(splits) == len(pd.read_csv(shared_data / "vlcs_subset/manifest.csv"))
    assert set(splits.loc[splits["domain"] != "Caltech101", "split"]) == {"test"}
    for domain, of_domain in splits.groupby("domain"):
        assert np.load(only(folder, f"results/data/vlcs_subset/*/*/{domain}.npy"), mmap_mode="r").shape == (
            len(of_domain),
            128,
            128,
            3,
        )


def test_long_runs_are_trained_first_and_each_is_evaluated_at_once(photographs_data, tmp_path):
    folder = Path(shutil.copytree(photographs_data, tmp_path / "workflow", symlinks=True))
    (folder / "my.yaml").write_text(PHOTOGRAPHS.replace("[erm]", "[erm, sgt, align]"))
    said = succeeds(folder, "evaluate", "--configfile", "my.yaml")
    jobs = re.findall(r"Job \d+: (Training|Evaluating) (\w+)", said)
    trained = [method for step, method in jobs if step == "Training"]
    assert [set(trained[:2]), trained[2:]] == [{"align", "sgt"}, ["erm"]], "two at a time, the longest first"
    assert jobs[2][0] == "Evaluating", "of the first that was trained, before the next training"


@pytest.mark.parametrize(("part", "tested"), [("all", 10), ("train", 8)])
def test_without_a_test_split_targets_are_tested_whole_or_on_domainbed_s_part(photographs_data, tmp_path, part, tested):
    folder = shutil.copytree(photographs_data, tmp_path / "workflow", symlinks=True)
    content = yaml.safe_load((folder / "my.yaml").read_text())
    content["splits"] = {"train": 0.8, "validation": 0.2, "test": 0}
    content["evaluation"] = content.get("evaluation", {}) | {"target_part": part}
    (folder / "my.yaml").write_text(yaml.safe_dump(content))
    done = run_snakemake(
        folder, "evaluate", "results/my/figures/case_studies/photographs/single_source/paris.csv", "--configfile", "my.yaml"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = pd.read_csv(folder / "results/my/metrics.csv").set_index(["metric", "target_domain"])
    assert metrics.loc[("accuracy", "paris"), "n"] == 2  # a fifth of 10: the validation split
    assert metrics.loc[("accuracy", "rome"), "n"] == tested
