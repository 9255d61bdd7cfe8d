"""Data and checkpoints under DVC: what a second person gets, what is refused, and which fault is named how."""

import gzip
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from conftest import REPOSITORY, copy_workflow, only, run_snakemake
from hypothesis import given
from hypothesis import strategies as st

from align import paths
from align.configuration.loading import load
from align.configuration.places import Places, preparation_settings
from align.configuration.runs import planned_runs, planned_studies, variant_settings
from align.errors import InputError
from align.files import sha256
from align.methods import METHODS
from align.methods.naming import method_of
from align.versioning.agreement import first_difference, read_account, taken_runs
from align.versioning.checkpoints import publish_run, take_run
from align.versioning.publication import provenance
from align.versioning.summary import metric_means, nested_means, plot_rows

VERSIONING = (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitattributes", ".gitignore", "dvc.yaml")
TINY_CONTENT = yaml.safe_load((REPOSITORY / "config/tiny.yaml").read_text())
CONFIGURATION = load(TINY_CONTENT)
RUNS = planned_runs(CONFIGURATION)
ALIGN, SGT = (next(run for run in RUNS if run.method == method) for method in ("align", "sgt"))
PLACES = Places(CONFIGURATION)
PUBLISHED = ("--config", "checkpoints={source: published}")
PUBLISHED_OR_TRAINED = ("--config", "checkpoints={source: published_or_trained}")
TINY = ("--configfile", "config/tiny.yaml")
IDENTITY = {f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def command(folder, *arguments, fails=False):
    done = subprocess.run(arguments, cwd=folder, env=os.environ | IDENTITY, capture_output=True, text=True)
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def git(folder, *arguments):
    return command(folder, "git", *arguments)


def dvc(folder, *arguments, fails=False):
    return command(folder, sys.executable, "-m", "dvc", *arguments, fails=fails)


def snakemake(folder, *arguments, fails=False):
    done = run_snakemake(folder, *arguments[:1], *TINY, *arguments[1:])
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def replace(path, content):
    """Write ``content`` in place of a file that may be read-only and linked from DVC's cache."""
    path.unlink()
    path.write_bytes(content)


def flipped(path):
    """Flip a bit in the middle of a file, keeping its length, and whatever else is linked to it."""
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cloned(first, folder):
    git(folder.parent, "clone", "--quiet", str(first), folder.name)
    dvc(folder, "remote", "modify", "--quiet", "--local", "storage", "url", str(remote_of(first)))
    return folder


def remote_of(first):
    return first.with_name(f"{first.name}_remote")


def object_of(path, folder):
    """Return where DVC keeps the content of ``path`` in a cache or remote."""
    (line,) = (line for line in command(path.parent, "md5sum", path.name).splitlines() if line)
    return folder / "files/md5" / line[:2] / line.split()[0][2:]


def jobs(output):
    """Return how many jobs of each rule an output of Snakemake announces."""
    table = re.search(r"^job +count\n[- ]+\n(.*?)^total ", output, re.MULTILINE | re.DOTALL)
    return {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table[1], re.MULTILINE)}


@pytest.fixture(scope="session")
def versioned(made_once, tiny_results):
    """Return the first person's working directory: finished, snapshot, pushed, committed; not to be changed."""

    def version(folder):
        for name in VERSIONING:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
        for name in ("data", "results", ".snakemake"):
            shutil.copytree(tiny_results / name, folder / name, symlinks=True)
        git(folder, "init", "--quiet")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "code")
        done = run_snakemake(folder, "snapshot", *TINY)
        if done.returncode == 0:
            dvc(folder, "remote", "add", "--quiet", "--default", "storage", str(remote_of(folder)))
            dvc(folder, "push", "--quiet")
            git(folder, "add", "--all")
            git(folder, "commit", "--quiet", "--message", "results")
        return done

    return made_once("versioned", version)


@pytest.fixture(scope="session")
def second(made_once, versioned):
    """Return the second person's clone, with the tables of published checkpoints; ``log`` beside it; not to be changed."""

    def evaluate(folder):
        shutil.rmtree(folder)
        dvc(cloned(versioned, folder), "pull", "--quiet")
        done = run_snakemake(folder, "tables", *TINY, *PUBLISHED)
        folder.with_name("second_log").write_text(done.stdout + done.stderr)
        return done

    return made_once("second", evaluate)


@pytest.fixture
def clone(versioned, tmp_path):
    """Return a clone whose data and checkpoints are pulled, without results."""
    folder = cloned(versioned, tmp_path / "clone")
    dvc(folder, "pull", "--quiet")
    return folder


@pytest.fixture
def own_copy(second, tmp_path):
    """Return a copy of the second person's clone with tables."""
    return Path(shutil.copytree(second, tmp_path / "copy", symlinks=True))


def test_a_second_person_trains_and_acquires_nothing(second):
    log = second.with_name("second_log").read_text()
    assert jobs(log)["take_published_run"] == len(RUNS)
    assert jobs(log)["evaluate_run"] == len(RUNS)
    assert not re.search("train_run|Training|acquire|Making data", log)
    assert "Nothing to be done" in snakemake(second, "tables", "--dry-run", "--nolock", *PUBLISHED)


def test_pulled_images_are_not_made_again_because_a_script_is_newer(own_copy):
    (own_copy / "workflow_scripts/acquire.py").touch()
    assert "Nothing to be done" in snakemake(own_copy, "tables", "--dry-run", *PUBLISHED)
    for folder in ("data/tiny_scenes", "results"):
        shutil.rmtree(own_copy / folder)
    assert jobs(snakemake(own_copy, "all", "--dry-run", *PUBLISHED))["acquire_tiny_scenes"] == 1


def test_a_second_person_gets_the_same_tables(versioned, second):
    tables = [path.relative_to(versioned) for path in (versioned / "results/tiny/tables").iterdir()]
    assert {path.suffix for path in tables} == {".csv", ".md", ".tex", ".html"}
    runs = [Path(PLACES.run(pattern, run)) for run in RUNS for pattern in (paths.CHECKPOINT, paths.HISTORY, paths.ACCOUNT)]
    for path in (*tables, *runs, Path("results/tiny/metrics.csv")):
        assert (second / path).read_bytes() == (versioned / path).read_bytes(), path


def test_a_second_snapshot_changes_nothing(versioned, tmp_path):
    folder = Path(shutil.copytree(versioned, tmp_path / "copy", symlinks=True))
    tracked = [folder / "data.dvc", *(path for path in folder.glob("artifacts/**/*.*") if path.is_file())]
    assert len(tracked) > 3 * len(RUNS)
    before = {path: path.read_bytes() for path in tracked}
    times = {path: path.stat().st_mtime_ns for path in tracked if path.is_relative_to(folder / "artifacts/checkpoints")}
    git(folder, "status")  # as git writes its index
    status = git(folder, "status", "--porcelain")
    snakemake(folder, "snapshot")
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.stat().st_mtime_ns for path in times} == times  # a new time would be a reason to run again
    assert git(folder, "status", "--porcelain") == status
    assert "Nothing to be done" in snakemake(folder, "all", "--dry-run")
    assert "Nothing to be done" in snakemake(folder, "all", "--dry-run", *PUBLISHED_OR_TRAINED)


def test_a_snapshot_publishes_only_what_was_trained_here(own_copy):
    before = (own_copy / "artifacts/checkpoints.dvc").read_bytes()
    planned = snakemake(own_copy, "snapshot", "--dry-run", *PUBLISHED)
    assert jobs(planned) == {"snapshot": 1}
    assert "checkpoint.pt" not in planned
    snakemake(own_copy, "snapshot", *PUBLISHED)
    assert (own_copy / "artifacts/checkpoints.dvc").read_bytes() == before
    assert git(own_copy, "status", "--porcelain", "--untracked-files=no") == ""


def test_published_results_are_those_of_the_configuration_with_their_origin(own_copy):
    snakemake(own_copy, "publish", *PUBLISHED)
    folder, results = own_copy / "artifacts/tiny", own_copy / "results/tiny"
    assert gzip.decompress((folder / "metrics.csv.gz").read_bytes()) == (results / "metrics.csv").read_bytes()
    assert gzip.decompress((folder / "verdict.csv.gz").read_bytes()) == (results / "verdict.csv").read_bytes()
    for table in (results / "tables").glob("*.md"):
        assert (folder / table.name).read_bytes() == table.read_bytes()
    validation = pd.read_csv(folder / "validation.csv.gz")
    epochs = CONFIGURATION.training.epochs
    assert len(validation) == len(RUNS) * epochs
    last = validation[validation["epoch"] == epochs].set_index(["protocol", "method"])["validation_accuracy"]
    for run in RUNS:
        history = pd.read_csv(only(own_copy, f"results/runs/{run.path}/*/history.csv"))
        (expected,) = history[(history["name"] == "validation_accuracy") & (history["epoch"] == epochs)]["value"]
        assert last[run.protocol, run.method] == expected

    said = json.loads((folder / "provenance.json").read_text())
    accounts = [json.loads(only(own_copy, f"results/runs/{run.path}/*/run.json").read_text()) for run in RUNS]
    assert said["runs"] == len(RUNS)
    assert said["hashes"]["data"] == {"tiny_scenes": sha256(only(own_copy, "results/data/tiny_scenes/*/manifest.csv"))}
    assert said["hashes"]["code"].keys() == {account["hashes"]["code"] for account in accounts}
    assert sum(said["hashes"]["code"].values()) == sum(said["versions"]["torch"].values()) == len(RUNS)
    assert said["hashes"]["configuration"] == sha256(results / "configuration.yaml") == said["files"]["configuration.yaml"]
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert said["files"] == {name: sha256(folder / name) for name in written if name != "provenance.json"}
    snakemake(own_copy, "publish", *PUBLISHED)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == written


def test_an_origin_counts_runs_that_differ(tmp_path):
    configuration = tmp_path / "configuration.yaml"
    configuration.write_text("a: 1\n")
    account = {
        "wall_seconds": 1800, "hashes": {"code": "c1"}, "git_revision": None, "device": "a CPU", "precision": "float32",
        "versions": {"torch": "2.15"},
    }  # fmt: skip
    other = account | {"precision": "bfloat16", "versions": {"torch": "2.11", "transformers": "5.2"}}
    said = provenance([account, account, other], configuration, {})
    assert said["training_hours"] == 1.5
    assert said["hashes"]["code"] == {"c1": 3}
    assert said["precisions"] == {"bfloat16": 1, "float32": 2}
    assert said["versions"] == {"torch": {"2.11": 1, "2.15": 2}, "transformers": {"5.2": 1, "absent": 2}}
    assert said["git_revisions"] == {"unknown": 3}


def test_git_versions_what_dvc_does_not(versioned):
    tracked = set(git(versioned, "ls-files", "data*", "artifacts").splitlines())
    plots = {"artifacts/plots/in_distribution.csv", "artifacts/plots/out_of_distribution.csv"}
    assert tracked == {"data.dvc", "artifacts/checkpoints.dvc", "artifacts/metrics.json"} | plots
    # 5 classes × 15 scenes × 4 domains, each with its mask, and the settings; what Snakemake writes beside them does not count.
    assert yaml.safe_load((versioned / "data.dvc").read_text())["outs"][0]["nfiles"] == 601
    listings = 2
    published = yaml.safe_load((versioned / "artifacts/checkpoints.dvc").read_text())["outs"][0]
    assert published["nfiles"] == 3 * len(RUNS) + listings


@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.protocol}-{run.method}")
def test_a_published_checkpoint_says_where_it_comes_from(versioned, run):
    folder = versioned / "artifacts/checkpoints" / run.path
    account = json.loads((folder / "checkpoint.json").read_text())
    original = json.loads(only(versioned, f"results/runs/{run.path}/*/run.json").read_text())
    assert {key: account[key] for key in original} == original
    assert {"configuration", "code", "data"} == account["hashes"].keys()
    assert {"versions", "git_revision"} <= account.keys()
    metrics = pd.read_csv(only(versioned, f"results/evaluations/{run.path}/*/*/metrics.csv"))
    assert pd.DataFrame(account["metrics"]).equals(metrics)
    assert account["sha256"] == {
        "checkpoint.pt": sha256(folder / "checkpoint.pt"),
        "history.csv": sha256(folder / "history.csv"),
        "manifest.csv": sha256(only(versioned, "results/data/tiny_scenes/*/manifest.csv")),
        "splits.csv": sha256(only(versioned, "results/data/tiny_scenes/*/splits-*.csv")),
    }
    assert account["preparation"]["datasets"]["tiny_scenes"]["image_size"] == 32


EVERY = {run.path for run in RUNS}
# Runs that take their lambda3 from the configuration of align, not from a sweep.
GUIDED = [run for run in RUNS if method_of(run.method) == "align" and "lambda3=" not in run.method]
TAUGHT = [run for run in RUNS if variant_settings(CONFIGURATION)[run.method].mask_teacher]  # by the masks of align
LAMBDA3 = {run.path: "methods" for run in GUIDED} | {run.path: "teacher" for run in TAUGHT}


@pytest.mark.parametrize(
    ("section", "values", "key", "refused"),
    [
        ("training", {"epochs": 12}, "training.epochs: published 4, configured 12", EVERY),
        ("classifier", {"widths": [8, 8]}, "classifier.widths: published [8, 16], configured [8, 8]", EVERY),
        ("augmentation", {"flip": 0.25}, "augmentation.flip: published 0.5, configured 0.25", EVERY),
        (
            "methods",
            {"align": {"lambda3": 0.5}},
            "methods.align.lambda3: published 1.0, configured 0.5",
            set(LAMBDA3),
        ),
        ("methods", {"sgt": {"consistency": 2}}, "methods.sgt.consistency: published 1.0, configured 2.0", {SGT.path}),
        ("splits", {"seed": 1}, "splits.seed: published 0, configured 1", EVERY),
        (
            "datasets",
            {"tiny_scenes": TINY_CONTENT["datasets"]["tiny_scenes"] | {"resize": "stretch"}},
            'datasets.tiny_scenes.resize: published "crop", configured "stretch"',
            EVERY,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_another_setting_is_refused_and_trained_where_allowed(second, monkeypatch, section, values, key, refused):
    def configured(source):
        settings = TINY_CONTENT.get(section, {})
        both = {name: settings.get(name, {}) | value if isinstance(value, dict) else value for name, value in values.items()}
        return load(TINY_CONTENT | {"checkpoints": {"source": source}, section: settings | both})

    monkeypatch.chdir(second)
    with pytest.raises(InputError) as error:
        taken_runs(configured("published"))
    named = re.findall(r"^  (tiny_scenes/\S+/seed0): (.*)$", str(error.value), re.MULTILINE)
    assert {path for path, _ in named} == refused
    assert {found.replace("teacher.", "methods.") for _, found in named} == {key}
    assert {run.path for run in taken_runs(configured("published_or_trained"))} == EVERY - refused
    assert taken_runs(configured("trained")) == []


def tiny_with(**changes):
    """Return the tiny configuration, with published checkpoints and another data set."""
    dataset = TINY_CONTENT["datasets"]["tiny_scenes"] | changes
    return load(TINY_CONTENT | {"datasets": {"tiny_scenes": dataset}, "checkpoints": {"source": "published"}})


def test_a_run_without_one_domain_is_taken_only_where_the_others_are_the_same(second, monkeypatch):
    monkeypatch.chdir(second)
    (left_out,) = (run for run in RUNS if run.protocol == "leave_one_domain_out")
    assert left_out in taken_runs(tiny_with())
    for key, value in {"domains": ["china", "noise", "stripes"], "test_only": ["flower"]}.items():
        with pytest.raises(InputError) as error:
            taken_runs(tiny_with(**{key: value}))
        assert f"  {left_out.path}: datasets.tiny_scenes.{key}: published" in str(error.value)


@pytest.mark.parametrize(("masker", "expected"), [("ground_truth", "datasets.tiny_scenes.ground_truth: "), ("grey", None)])
def test_a_run_with_true_masks_is_taken_only_where_they_are_the_same(masker, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without the images that a person may have made in the checkout
    settings = METHODS["align"].settings(masker=masker)
    other = tiny_with(ground_truth=[{"kind": "voc_boxes", "folder": str(tmp_path)}])
    difference = first_difference(
        *(preparation_settings(configuration, ALIGN.dataset, settings) for configuration in (CONFIGURATION, other))
    )
    assert difference is None if expected is None else difference.startswith(expected)


def test_a_refusal_is_one_message(clone):
    change = "methods={align: {lambda3: 0.5}}"
    output = snakemake(clone, "all", "--dry-run", *PUBLISHED, change, fails=True)
    differing = [
        f"  {run.path}: {LAMBDA3[run.path]}.align.lambda3: published 1.0, configured 0.5\n" for run in RUNS if run.path in LAMBDA3
    ]
    assert output.endswith(
        "checkpoints.source is published, expected a checkpoint in artifacts/checkpoints for every run, made with this "
        f"configuration:\n{''.join(differing)}"
        "If settings differ: configure the published values, or set checkpoints.source to published_or_trained.\n"
    )
    planned = jobs(snakemake(clone, "all", "--dry-run", *PUBLISHED_OR_TRAINED, change))
    assert planned["train_run"] == len(LAMBDA3)
    assert planned["take_published_run"] == len(RUNS) - len(LAMBDA3)


def test_after_a_change_only_what_depends_on_it_is_trained(own_copy):
    change = "methods={align: {lambda3: 0.5}}"
    planned = jobs(snakemake(own_copy, "all", "--dry-run", *PUBLISHED_OR_TRAINED, change))
    assert planned["train_run"] == planned["evaluate_run"] == len(LAMBDA3)
    assert not planned.keys() & {"take_published_run", "pack", "split", "index", "acquire_tiny_scenes"}
    assert "Nothing to be done" in snakemake(own_copy, "tables", "--dry-run", *PUBLISHED_OR_TRAINED)


def test_a_newer_published_checkpoint_is_taken_anew(own_copy):
    path = own_copy / "artifacts/checkpoints" / ALIGN.path / "checkpoint.json"
    account = json.loads(path.read_text())
    replace(path, json.dumps(account | {"git_revision": "another"}).encode())
    planned = jobs(snakemake(own_copy, "all", "--dry-run", *PUBLISHED))
    assert planned["take_published_run"] == 1
    assert planned["evaluate_run"] == 1 + len(TAUGHT)


def test_settings_of_the_evaluation_are_no_reason_to_refuse(own_copy):
    planned = jobs(snakemake(own_copy, "evaluate", "--dry-run", *PUBLISHED, "evaluation={curve_steps: 5}"))
    assert planned == {"evaluate_run": len(RUNS), "collect_metrics": 1, "evaluate": 1}


def test_what_was_not_pulled_is_named(versioned, tmp_path):
    folder = cloned(versioned, tmp_path / "clone")
    message = snakemake(folder, "all", "--dry-run", *PUBLISHED, fails=True)
    for run in RUNS:
        assert f"  {run.path}: missing\n" in message
    assert "run `dvc pull`, or set checkpoints.source to trained or published_or_trained" in message
    planned = jobs(snakemake(folder, "all", "--dry-run", *PUBLISHED_OR_TRAINED))
    assert planned["train_run"] == len(RUNS)
    assert planned["acquire_tiny_scenes"] == 1


WHOLE = {
    "settings": {"method": "erm", "hyper_parameters": {}},
    "hashes": {"code": "0"},
    "metrics": [],
    "preparation": {},
    "sha256": dict.fromkeys(("checkpoint.pt", "history.csv", "manifest.csv", "splits.csv"), "0"),
}


@pytest.mark.parametrize(
    "content",
    ["{", "[]", json.dumps(WHOLE | {"settings": {"method": "erm", "hyper_qarameters": {}}}), json.dumps(WHOLE | {"sha256": {}})],
)
def test_an_account_that_is_not_whole_is_named(tmp_path, content):
    path = tmp_path / "checkpoint.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"checkpoint\.json: found no complete account of a published checkpoint .* `dvc pull`"):
        read_account(path)


def listings_of(folder):
    """Return the listings of the data in a working directory."""
    listings = {"manifest.csv": paths.MANIFEST, "splits.csv": paths.SPLITS}
    return {name: folder / PLACES.dataset(path, "tiny_scenes") for name, path in listings.items()}


def taken(folder, run=ALIGN, to="taken", code=None):
    """Take a run as its job does, from the published folder of a working directory with the data's listings."""
    published = folder / "artifacts/checkpoints"
    code = code or read_account(published / run.path / "checkpoint.json")["hashes"]["code"]
    take_run(published / run.path, published / run.dataset, listings_of(folder), folder / to, code)
    return folder / to


def test_a_broken_checkpoint_is_named(clone):
    broken = clone / "artifacts/checkpoints" / RUNS[0].path / "checkpoint.pt"
    flipped(broken)
    output = snakemake(clone, PLACES.run(paths.CHECKPOINT, RUNS[0]), *PUBLISHED, fails=True)
    assert f"artifacts/checkpoints/{RUNS[0].path}/checkpoint.pt: found sha256 {sha256(broken)}, expected " in output
    assert "remove it and run `dvc pull`" in output
    assert not (clone / PLACES.run(paths.CHECKPOINT, RUNS[0])).exists()
    # The file was a link from the cache, so that is broken as well; DVC notices and brings both anew.
    broken.unlink()
    dvc(clone, "pull", "--quiet")
    assert sha256(broken) == read_account(broken.with_name("checkpoint.json"))["sha256"]["checkpoint.pt"]


def test_a_replaced_image_is_named(clone):
    image = clone / "data/tiny_scenes/china/four"
    image = sorted(image.iterdir())[0]
    replace(image, sorted((clone / "data/tiny_scenes/china/one").iterdir())[0].read_bytes())
    output = snakemake(clone, PLACES.run(paths.CHECKPOINT, RUNS[0]), *PUBLISHED, fails=True)
    name = image.relative_to(clone / "data/tiny_scenes")
    manifest = PLACES.dataset(paths.MANIFEST, "tiny_scenes")
    assert f"{manifest}: found 1 images that differ: {name} (published " in output
    assert (
        "expected those that the checkpoint was trained with, listed in artifacts/checkpoints/tiny_scenes/manifest.csv" in output
    )
    assert not (clone / PLACES.run(paths.CHECKPOINT, RUNS[0])).exists()


def test_other_splits_are_named(own_copy):
    path = only(own_copy, "results/data/tiny_scenes/*/splits-*.csv")
    splits = pd.read_csv(path)
    other = splits.index[splits["split"] == "train"][:5]
    splits.loc[other, "split"] = "test"
    splits.to_csv(path, index=False, lineterminator="\n")
    with pytest.raises(InputError) as error:
        taken(own_copy)
    first = splits.loc[sorted(other, key=lambda row: splits.loc[row, "path"])[0], "path"]
    assert f"found 5 images that differ: {first} (published train, here test); " in str(error.value)
    assert " and 2 more; expected" in str(error.value)
    assert not (own_copy / "taken").exists()


def test_added_and_removed_images_are_named(own_copy):
    path = only(own_copy, "results/data/tiny_scenes/*/manifest.csv")
    manifest = pd.read_csv(path)
    first = manifest.loc[0, "path"]
    manifest.loc[0, "path"] = "china/a.png"
    manifest.to_csv(path, index=False, lineterminator="\n")
    with pytest.raises(
        InputError, match=re.escape(f"found 2 images that differ: china/a.png (only here); {first} (missing here)")
    ):
        taken(own_copy)


def test_taking_is_exact_and_says_that_the_code_was_another(own_copy, caplog):
    with caplog.at_level(logging.WARNING):
        folder = taken(own_copy)
    assert caplog.text == ""
    for name in ("checkpoint.pt", "history.csv", "run.json"):
        assert (folder / name).read_bytes() == (own_copy / PLACES.run(paths.CHECKPOINT, ALIGN)).with_name(name).read_bytes()
    code = read_account(own_copy / "artifacts/checkpoints" / ALIGN.path / "checkpoint.json")["hashes"]["code"]
    with caplog.at_level(logging.WARNING):
        taken(own_copy, to="again", code="another")
    assert f"{ALIGN.path}: trained by code {code}; the code here is another" in caplog.text


def test_a_metric_without_a_value_is_published_as_null(versioned, tmp_path):
    metrics = tmp_path / "metrics.csv"
    metrics.write_text("target_domain,metric,value,n\nchina,auc,,3\n")
    run = (versioned / PLACES.run(paths.CHECKPOINT, ALIGN)).parent
    publish_run(run, metrics, listings_of(versioned), {}, tmp_path / "published")
    account = json.loads((tmp_path / "published/checkpoint.json").read_text())
    assert account["metrics"] == [{"target_domain": "china", "metric": "auc", "value": None, "n": 3}]


@pytest.fixture
def broken_remote(versioned, tmp_path):
    """Return a clone and its remote, in which one image and one checkpoint have a flipped bit, with their paths in the clone."""
    remote = Path(shutil.copytree(remote_of(versioned), tmp_path / "remote"))
    image = sorted((versioned / "data/tiny_scenes/china/four").iterdir())[0]
    checkpoint = versioned / "artifacts/checkpoints" / ALIGN.path / "checkpoint.pt"
    for path in (image, checkpoint):
        flipped(object_of(path, remote))
    folder = cloned(versioned, tmp_path / "clone")
    dvc(folder, "remote", "modify", "--quiet", "--local", "storage", "url", str(remote))
    return folder, [path.relative_to(versioned) for path in (image, checkpoint)]


def test_a_remote_that_is_verified_gives_no_broken_object(broken_remote):
    folder, broken = broken_remote
    dvc(folder, "remote", "modify", "--quiet", "--local", "storage", "verify", "true")
    output = dvc(folder, "pull", "--verbose", fails=True)
    assert "Checkout failed for following targets:" in output
    for path in broken:
        assert f"failed to create '{folder / path}'" in output
        assert not (folder / path).exists()


def test_a_remote_that_is_trusted_is_found_out_by_the_listings_and_checksums(broken_remote):
    folder, (image, checkpoint) = broken_remote
    dvc(folder, "pull", "--quiet")
    published = folder / "artifacts/checkpoints"
    account = read_account(published / ALIGN.path / "checkpoint.json")
    assert sha256(folder / checkpoint) != account["sha256"]["checkpoint.pt"]
    with pytest.raises(InputError, match=rf"{re.escape(str(checkpoint))}: found sha256 .* or in the remote is broken"):
        taken(folder)
    manifest = pd.read_csv(published / "tiny_scenes/manifest.csv", index_col="path")
    name = str(image.relative_to("data/tiny_scenes"))
    assert sha256(folder / image) != manifest.loc[name, "sha256"]


def test_a_broken_object_in_the_cache_is_named_and_brought_again(clone):
    image = sorted((clone / "data/tiny_scenes/china/four").iterdir())[0]
    whole = image.read_bytes()
    flipped(object_of(image, clone / ".dvc/cache"))  # the image is a link to it
    assert image.read_bytes() != whole
    assert f"modified: {image.relative_to(clone)}\n" in dvc(clone, "data", "status", "--granular")
    assert "Can't remove the following unsaved files" in dvc(clone, "pull", fails=True)
    image.unlink()
    dvc(clone, "pull", "--quiet")
    assert image.read_bytes() == whole
    assert "No changes" in dvc(clone, "data", "status", "--granular")


def test_without_git_everything_works_but_a_snapshot(finished):
    for name in VERSIONING:
        (finished / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, finished / name)
    assert "Nothing to be done" in snakemake(finished, "all", "--dry-run")
    output = snakemake(finished, "snapshot", fails=True)
    assert output.count("found no git repository, expected one for the .dvc files of `snapshot`") == 1
    assert "only `snapshot` needs it" in output
    assert "Traceback" not in output
    assert "Job stats" not in output  # it is said before anything is trained
    assert not (finished / "artifacts").exists()
    git(finished, "init", "--quiet")
    shutil.rmtree(finished / ".dvc")
    assert "found no folder .dvc" in snakemake(finished, "snapshot", "--dry-run", fails=True)


def test_two_revisions_are_compared(versioned, tmp_path):
    folder = cloned(versioned, tmp_path / "clone")
    path = folder / "artifacts/metrics.json"
    metrics = json.loads(path.read_text())
    before = metrics["tiny_scenes"]["single_source"]["erm"]["out_of_distribution"]["accuracy"]
    metrics["tiny_scenes"]["single_source"]["erm"]["out_of_distribution"]["accuracy"] = 0.75
    path.write_text(json.dumps(metrics))
    key = "tiny_scenes.single_source.erm.out_of_distribution.accuracy"
    expected = {"artifacts/metrics.json": {key: {"old": before, "new": 0.75, "diff": pytest.approx(0.75 - before)}}}
    assert json.loads(dvc(folder, "metrics", "diff", "--json")) == expected
    git(folder, "commit", "--quiet", "--all", "--message", "better")
    assert json.loads(dvc(folder, "metrics", "diff", "--json")) == {}
    assert json.loads(dvc(folder, "metrics", "diff", "--json", "HEAD~1", "HEAD")) == expected
    assert re.search(rf"{re.escape(key)} +{before:.5g} +0.75 ", dvc(folder, "metrics", "diff", "HEAD~1", "HEAD"))


def test_plots_of_two_revisions_are_drawn(versioned, tmp_path):
    folder = cloned(versioned, tmp_path / "clone")
    path = folder / "artifacts/plots/out_of_distribution.csv"
    path.write_text(re.sub(r"(?m)^(tiny_scenes/single_source/erm),[^,]*", r"\1,0.987", path.read_text()))
    dvc(folder, "plots", "diff", "HEAD", "workspace", "--out", "drawn")
    page = (folder / "drawn/index.html").read_text()
    for expected in ("Accuracy in distribution", "Accuracy out of distribution", "0.987", "HEAD", "workspace"):
        assert expected in page
    assert "tiny_scenes/single_source/align" in page


def test_the_summary_is_the_average_of_the_tables(tiny_results):
    metrics = pd.read_csv(tiny_results / "results/tiny/metrics.csv")
    content = nested_means(metric_means(metrics))
    table = pd.read_csv(tiny_results / "results/tiny/tables/out_of_distribution.csv")
    averages = table[(table["source_domain"] == "average") & (table["target_domain"] == "average")]
    compared = [run for run, studies in planned_studies(CONFIGURATION).items() if "comparison" in studies]
    assert len(averages) == 3 * sum(run.protocol == "single_source" for run in compared)
    for row in averages.to_dict("records"):
        found = content[row["dataset"]][row["protocol"]][row["method"]]["out_of_distribution"][row["metric"]]
        assert found == pytest.approx(row["mean"], rel=1e-4)


def test_means_are_over_targets_then_sources_then_seeds():
    rows = [
        # source, target, seed, value
        ("a", "a", 0, 0.5),
        ("a", "a", 1, 0.75),
        ("a", "b", 0, 0.1),
        ("a", "c", 0, 0.3),
        ("b", "c", 0, 0.4),
        ("a", "b", 1, 0.5),
        ("a", "c", 1, 0.7),
        ("b", "c", 1, 1.0),
    ]
    metrics = pd.DataFrame(rows, columns=["source_domain", "target_domain", "seed", "value"])
    where = metrics["source_domain"].eq(metrics["target_domain"]).map({True: "in", False: "out"})
    metrics = metrics.assign(
        dataset="d", protocol="p", method="m", metric="accuracy", n=10, study="comparison", distribution=where
    )
    metrics = pd.concat([metrics, metrics.assign(study="sensitivity", value=0.0)])
    content = nested_means(metric_means(metrics))
    assert content == {"d": {"p": {"m": {"in_distribution": {"accuracy": 0.625}, "out_of_distribution": {"accuracy": 0.55}}}}}
    wide = plot_rows(metric_means(metrics), "out_of_distribution")
    assert wide.to_dict("records") == [{"run": "d/p/m", "accuracy": 0.55}]


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda values: st.lists(values, max_size=2) | st.dictionaries(st.sampled_from("abc"), values, max_size=3),
    max_leaves=6,
)
sections = st.dictionaries(st.sampled_from("abc"), plain_values, max_size=3)


@given(sections, sections)
def test_a_difference_is_found_where_there_is_one(published, configured):
    assert (first_difference(published, configured) is None) == (published == configured)
    assert first_difference(published, published) is None


@pytest.mark.parametrize(
    ("published", "configured", "expected"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b: published 1, configured 2"),
        ({"a": {}}, {"a": {"b": None}}, "a.b: published nothing, configured null"),
        ({"a": [1, 2]}, {"a": [2, 1]}, "a: published [1, 2], configured [2, 1]"),
        ({"a": 1.0}, {"a": 1}, None),
    ],
)
def test_a_difference_is_named_by_its_key_and_both_values(published, configured, expected):
    assert first_difference(published, configured) == expected


def test_the_versioned_data_are_those_that_are_generated(tmp_path):
    folder = copy_workflow(tmp_path / "clone")
    for name in (*VERSIONING, "data.dvc"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name)
    git(folder, "init", "--quiet")
    done = run_snakemake(folder, "data/digit_scenes", "--configfile", "config/config.yaml")
    assert done.returncode == 0, done.stderr
    assert "modified" not in dvc(folder, "status", "data.dvc")
    dvc(folder, "add", "--quiet", "data")
    assert (folder / "data.dvc").read_bytes() == (REPOSITORY / "data.dvc").read_bytes()
    assert "Data and pipelines are up to date" in dvc(folder, "status", "data.dvc")


def test_pulled_images_of_another_generator_setting_are_refused(clone):
    path = clone / "config/tiny.yaml"
    path.write_text(path.read_text().replace("images_per_class: 15", "images_per_class: 14"))
    said = snakemake(clone, "data", "--dry-run", fails=True)
    assert "data/tiny_scenes: found images made with images_per_class: 15, expected 14 as configured; remove the folder" in said
    assert "Traceback" not in said
