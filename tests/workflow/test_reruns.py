"""What a change makes Snakemake do again, asked by dry runs on finished results: what depends on it, and nothing else.

The lines of the table in docs/running.md are the parameters of a test here, and so are its commands for single rules.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import PHOTOGRAPHS, REPOSITORY, WORKFLOW, copy_library, copy_workflow, only, run_snakemake, write_images
from PIL import Image

from align.configuration.loading import load
from align.configuration.run import Run
from align.configuration.runs import planned_runs, source_domains
from align.methods.naming import method_of
from align.workflow.provenance import versions

DOCUMENT = (REPOSITORY / "docs/running.md").read_text()
SECTION = DOCUMENT.split("## What runs again")[1].split("\n## ")[0]
# Of each line of its table, below the header, what was changed and which rules run again.
LINES = dict(re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", SECTION, re.MULTILINE)[2:])
JOB = re.compile(r"^ *Job \d+: (.*)$", re.MULTILINE)  # its rule's message
TARGET = re.compile(r"Every|All ")  # the message of a named target
RULE = re.compile(r"^(\w+) +\d+$", re.MULTILINE)
REPORT = "Putting every table and figure into one HTML page"
PAGE = "Writing the results page"
COLLECTING = "Putting the metrics of all runs into one table"
COLLECTED = {
    COLLECTING,
    "Making table main_results",
    "Making table in_distribution",
    "Making table out_of_distribution",
    "Making table leave_one_domain_out",
    "Making table explanation_quality",
    "Making table by_class",
    "Making table masker_ablation",
    "Making table mask_quality",
    "Making table theory",
    "Making table runs",
    "Drawing figure training_curves of tiny_scenes, single_source, china",
    "Drawing figure case_studies of tiny_scenes, single_source, china",
    "Drawing figure accuracy_vs_explanation",
    "Drawing figure sensitivity",
    "Drawing figure mask_degradation",
    "Drawing figure average_ranks",
    "Drawing figure costs",
    "Giving a verdict on each claim of the paper",
    "Collecting images for the results page: tiny_scenes, single_source, china",
    PAGE,
    REPORT,
}
WITHOUT_CHINA = {
    "Drawing figure training_curves of tiny_scenes, leave_one_domain_out, china",
    "Drawing figure case_studies of tiny_scenes, leave_one_domain_out, china",
    "Collecting images for the results page: tiny_scenes, leave_one_domain_out, china",
}
EVERYTHING_COLLECTED = COLLECTED | WITHOUT_CHINA
MADE_OF_METRICS = {
    name for name in EVERYTHING_COLLECTED if not re.match("Making table runs|Drawing figure training_curves", name)
}
CASE_STUDIES = {name for name in EVERYTHING_COLLECTED if "case_studies" in name}
OF_FIRST_SEEDS = CASE_STUDIES | {name for name in EVERYTHING_COLLECTED if name.startswith("Collecting images")}
ASSUMPTIONS = "Making table assumptions"  # it shows every setting's value
PHOTOGRAPHS_AGAIN = {
    "Reading every image of photographs once",
    "Counting the images of photographs",
    "Splitting photographs",
    "Packing photographs, paris",
    "Packing photographs, rome",
}
# Rules that train, measure or prepare: docs/running.md names them; all others show what these made.
WORKING = {"index", "verify", "split", "pack", "pack_ground_truth", "train_run", "evaluate_run", "collect_metrics"}

TINY = (REPOSITORY / "config/tiny.yaml").read_text()
CONFIGURATION = load(yaml.safe_load(TINY))
RUNS = planned_runs(CONFIGURATION)


def of_method(method):
    return [run for run in RUNS if method_of(run.method) == method]


def of_tiny(method, seed):
    return Run("tiny_scenes", "single_source", "china", method, seed)


def training(runs):
    return {f"Training {run.method} on {where(run)}" for run in runs}


def evaluation(runs):
    return {f"Evaluating {run.method} trained on {where(run)}" for run in runs}


def where(run):
    return f"{run.dataset}, {' '.join(source_domains(CONFIGURATION, run))}, seed {run.seed}"


class Plan(NamedTuple):
    """What would run: every job but named targets, by its message, and the rules, by name."""

    jobs: set[str]
    rules: set[str]


def plan(folder, *targets, configuration="config/tiny.yaml", library=None):
    """Return what Snakemake would do in ``folder`` for the targets, by a dry run."""
    done = run_snakemake(folder, *targets, "--dry-run", "--nolock", "--configfile", str(configuration), library=library)
    assert done.returncode == 0, done.stdout + done.stderr
    found = set(JOB.findall(done.stdout))
    assert found or "Nothing to be done" in done.stdout
    return Plan({job for job in found if not TARGET.match(job)}, set(RULE.findall(done.stdout)) - {"all", "total"})


def configured(folder, change):
    """Write the tiny configuration after ``change`` has worked on it, and return its path. Its results go to the same folder."""
    content = yaml.safe_load(TINY) | {"results": "tiny"}
    change(content)
    path = folder / "changed.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def edited(folder, module, old, new):
    """Return a copy of the library in which a module reads differently."""
    library = copy_library(folder / "library")
    path = library / "align" / module
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return library


def copied(results, scratch):
    """Return a copy of finished results that may be changed."""
    return Path(shutil.copytree(results, scratch / "finished", symlinks=True))


def with_another_torch(scratch):
    """Return a copy of the library beside which a torch of another version seems to be installed."""
    library = copy_library(scratch / "library")
    (library / "torch-99.0.dist-info").mkdir()
    (library / "torch-99.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 99.0\n")
    return library


def of_photographs(step, *methods):
    preposition = {"Training": "on", "Evaluating": "trained on"}[step]
    return {f"{step} {method} {preposition} photographs, paris, seed 0" for method in methods}


def mask_of(rows):
    """Return a mask of 20 × 20 pixels. The object covers the first ``rows`` halved."""
    array = np.zeros((20, 20), np.uint8)
    array[: rows // 2] = 255
    return Image.fromarray(array)


class Finished(NamedTuple):
    """Working directories with finished results, not to be changed: of the tiny configuration, and of images with masks."""

    tiny: Path
    photographs: Path


# What the table says, done: each function takes finished results and a scratch folder and returns the plan, and the jobs
# that should be in it.
def one_seed_more(finished, scratch):
    path = configured(scratch, lambda content: content["experiments"]["tiny"]["seeds"].append(1))
    added = [of_tiny(method, 1) for method in ("erm", "sgt", "dre", "align")]
    # Case studies show each method's first seed.
    return plan(finished.tiny, configuration=path), training(added) | evaluation(added) | (COLLECTED - OF_FIRST_SEEDS)


def one_method_more(finished, scratch):
    path = configured(scratch, lambda content: content["experiments"]["tiny"]["methods"].append("mixup"))
    added = [of_tiny("mixup", 0)]
    return plan(finished.tiny, configuration=path), training(added) | evaluation(added) | COLLECTED


def lambda_3(finished, scratch):
    path = configured(scratch, lambda content: content["methods"]["align"].update(lambda3=0.5))
    changing = [run for run in of_method("align") if "lambda3=" not in run.method]
    changing += [run for run in RUNS if run.method == "masked_erm-mask=learned"]  # ALIGN's masks
    return plan(finished.tiny, configuration=path), training(changing) | evaluation(changing) | COLLECTED | {ASSUMPTIONS}


def code_of_a_method(finished, scratch):
    library = edited(scratch, "methods/sgt.py", "def divergence(", "LARGEST = 3\n\n\ndef divergence(")
    return plan(finished.tiny, library=library), training(of_method("sgt")) | evaluation(of_method("sgt")) | COLLECTED


def training_setting(finished, scratch):
    path = configured(scratch, lambda content: content["training"].update(epochs=5))
    return plan(finished.tiny, configuration=path), training(RUNS) | evaluation(RUNS) | EVERYTHING_COLLECTED | {ASSUMPTIONS}


def seed_of_the_split(finished, scratch):
    path = configured(scratch, lambda content: content.update(splits={"seed": 1}))
    made = {"Splitting tiny_scenes", "Making table data", ASSUMPTIONS}
    return plan(finished.tiny, configuration=path), made | training(RUNS) | evaluation(RUNS) | EVERYTHING_COLLECTED


def image(finished, scratch):
    folder = copied(finished.photographs, scratch)
    Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(folder / "photographs/rome/cat/0.png")
    masks = {f"Packing the ground truth of photographs, {domain}" for domain in ("paris", "rome")}
    made = of_photographs("Training", "erm", "masked_erm") | of_photographs("Evaluating", "erm", "masked_erm") | {COLLECTING}
    return plan(folder, "evaluate", configuration="my.yaml"), PHOTOGRAPHS_AGAIN | masks | made


def mask(finished, scratch):
    folder = copied(finished.photographs, scratch)
    mask_of(20).save(folder / "masks/paris/cat/0_mask.png")
    made = of_photographs("Training", "masked_erm") | of_photographs("Evaluating", "erm", "masked_erm")
    packed = "Packing the ground truth of photographs, paris"
    return plan(folder, "evaluate", configuration="my.yaml"), made | {packed, COLLECTING}


def touched(finished, scratch):
    folder = copied(finished.photographs, scratch)
    files = [path for name in ("photographs", "masks") for path in (folder / name).rglob("*.png")]
    for path in files:
        os.utime(path)
    content = files[0].read_bytes()
    files[0].unlink()
    files[0].write_bytes(content)
    for name in ("photographs/Thumbs.db", "photographs/rome/cat/.DS_Store", "masks/notes.txt"):
        (folder / name).write_text("left by a program")
    return plan(folder, "evaluate", configuration="my.yaml"), set()


def metric_in_the_library(finished, scratch):
    measures = '{"confidence": Measure("Confidence", True, PREDICTION)}'
    line = f'"confidence": Entry("align.metrics.prediction.confidence:confidence", {measures}),'
    library = edited(scratch, "metrics/__init__.py", "METRICS = {\n", f"METRICS = {{\n    {line}\n")
    code = 'def confidence(explained):\n    return {"confidence": explained.probabilities.amax(1)}\n'
    (library / "align/metrics/prediction/confidence.py").write_text(code)
    return plan(finished.tiny, library=library), evaluation(RUNS) | MADE_OF_METRICS


def evaluation_setting(finished, scratch):
    path = configured(scratch, lambda content: content["evaluation"].update(curve_steps=5))
    return plan(finished.tiny, configuration=path), evaluation(RUNS) | MADE_OF_METRICS | {ASSUMPTIONS}


def code_of_a_figure(finished, scratch):
    library = edited(scratch, "figures/costs.py", "def draw_costs(", "WIDTH = 3\n\n\ndef draw_costs(")
    return plan(finished.tiny, library=library), {"Drawing figure costs", PAGE, REPORT}


def setting_of_case_studies(finished, scratch):
    path = configured(scratch, lambda content: content.update(case_studies={"images": 1}))
    return plan(finished.tiny, configuration=path), CASE_STUDIES | {REPORT}


def caption(finished, scratch):
    library = edited(scratch, "figures/costs.py", 'CAPTION = """', 'CAPTION = """\nMore words.')
    return plan(finished.tiny, library=library), {"Drawing figure costs", PAGE, REPORT}


def another_torch(finished, scratch):
    return plan(finished.tiny, library=with_another_torch(scratch)), set()


def device(finished, scratch):
    path = configured(scratch, lambda content: content.update(device="cuda", engine={"compile": "default", "memory_share": 0.2}))
    return plan(finished.tiny, configuration=path), set()


def comments_and_times(finished, scratch):
    folder, library = copied(finished.tiny, scratch), copy_library(scratch / "library")
    for path in [*(library / "align").rglob("*.py"), *(folder / "workflow_scripts").glob("*.py")]:
        text = path.read_text()
        assert text.startswith('"""')
        path.write_text('"""Another' + text[3:] + "\n\n# a comment\n")
    for name in WORKFLOW:
        for path in [folder / name, *(folder / name).rglob("*")]:
            os.utime(path)
    return plan(folder, library=library), set()


CHANGES = {
    "a seed more in an experiment": one_seed_more,
    "a method more in an experiment": one_method_more,
    "λ₃ of ALIGN": lambda_3,
    "the code of a method": code_of_a_method,
    "a setting of training": training_setting,
    "the seed of the split": seed_of_the_split,
    "an image in a folder of yours, replaced, added or removed": image,
    "a mask or another annotation in a folder of yours, replaced, added or removed": mask,
    "a metric more in the library": metric_in_the_library,
    "a setting of evaluation": evaluation_setting,
    "the code of a figure": code_of_a_figure,
    "a setting of the case studies": setting_of_case_studies,
    "the text of a caption": caption,
    "another torch, or another version of any library": another_torch,
    "another device, or how a GPU is used": device,
    "a comment, a docstring or the layout of code; every file's time, as after `git checkout`": comments_and_times,
    "your images, annotations or weights touched, copied or restored; other files beside them": touched,
}


@pytest.fixture(scope="session")
def photographs_measured(made_once, photographs_data):
    def measure(folder):
        shutil.copytree(photographs_data / "photographs", folder / "photographs")
        for path in (folder / "photographs").glob("*/*/*.png"):
            place = folder / "masks" / path.relative_to(folder / "photographs").with_name(f"{path.stem}_mask.png")
            place.parent.mkdir(parents=True, exist_ok=True)
            mask_of(10).save(place)
        content = yaml.safe_load(PHOTOGRAPHS)
        content["datasets"]["photographs"]["ground_truth"] = {"kind": "masks", "folder": "masks"}
        content["experiments"]["one"]["methods"] = ["erm", "masked_erm"]
        (folder / "my.yaml").write_text(yaml.safe_dump(content))
        return run_snakemake(folder, "evaluate", "--configfile", "my.yaml")

    return made_once("photographs_measured", measure)


def test_every_line_of_the_readme_s_table_is_tested():
    assert list(LINES) == list(CHANGES)


@pytest.mark.parametrize("change", CHANGES)
def test_what_the_readme_says_runs_again(tiny_results, photographs_measured, tmp_path, change):
    planned, jobs = CHANGES[change](Finished(tiny_results, photographs_measured), tmp_path)
    assert planned.jobs == jobs
    named = set(re.findall(r"`(\w+)`", LINES[change]))
    assert named == (planned.rules & WORKING if "what shows them" in LINES[change] else planned.rules)


@pytest.mark.parametrize("change", ["added", "removed"])
def test_a_user_s_image_is_looked_at_again(photographs_data, tmp_path, change):
    folder = copied(photographs_data, tmp_path)
    image = folder / "photographs/rome/cat/0.png"
    if change == "removed":
        image.unlink()
    else:
        shutil.copy(image, image.with_name("9.png"))
    assert plan(folder, "data", configuration="my.yaml").jobs == PHOTOGRAPHS_AGAIN


def test_a_user_s_images_are_looked_at_once(photographs_data):
    assert plan(photographs_data, "data", configuration="my.yaml").jobs == set()


@pytest.mark.parametrize(("script", "expected"), [("costs", {"Drawing figure costs", PAGE, REPORT}), ("report", {REPORT})])
def test_a_script_is_run_again_when_its_code_changes(tiny_results, tmp_path, script, expected):
    folder = copied(tiny_results, tmp_path)
    path = folder / f"workflow_scripts/{script}.py"
    path.write_text(path.read_text() + "\nLIMIT = 3\n")
    os.utime(path, (0, 0))  # older than all that it made
    assert plan(folder).jobs == expected


def test_a_table_is_made_again_when_its_code_changes(tiny_results, tmp_path):
    library = edited(tmp_path, "tables/runs.py", "def runs(", "DIGITS = 3\n\n\ndef runs(")
    assert plan(tiny_results, library=library).jobs == {"Making table runs", PAGE, REPORT}


def test_the_results_page_is_made_again_when_its_template_changes(tiny_results, tmp_path):
    library = edited(tmp_path, "page/template/page.css", ":root {", ":root { --wide: 1;")
    assert plan(tiny_results, library=library).jobs == {PAGE}


def test_a_new_measurement_draws_its_figure_only(tiny_results, tmp_path):
    folder = copied(tiny_results, tmp_path)
    path = folder / "artifacts/performance/cpu.csv"
    path.parent.mkdir(parents=True)
    path.write_text("benchmark\n")
    assert plan(folder).jobs == {"Drawing figure performance", PAGE, REPORT}


def test_every_profile_goes_by_the_same_changes():
    profiles = [yaml.safe_load(path.read_text()) for path in REPOSITORY.glob("profiles/*/config.yaml")]
    assert [profile["rerun-triggers"] for profile in profiles] == [["mtime", "input", "params"]] * len(profiles)


def test_the_table_of_runs_names_versions_that_are_mixed(tiny_results, tmp_path):
    folder, run = copied(tiny_results, tmp_path), of_tiny("erm", 0)
    checkpoint = only(folder, f"results/runs/{run.path}/*/checkpoint.pt").relative_to(folder)
    again = ["--forcerun", str(checkpoint), "--configfile", "config/tiny.yaml"]
    done = run_snakemake(folder, "results/tiny/tables/runs.md", *again, library=with_another_torch(tmp_path))
    assert done.returncode == 0, done.stderr
    assert JOB.findall(done.stderr) == [*training([run]), "Making table runs"]
    runs = pd.read_csv(folder / "results/tiny/tables/runs.csv", dtype=str)
    assert set(runs.loc[runs["torch"] == "99.0", "method"]) == {"erm"}
    assert f"(torch {versions()['torch']}, 99.0)" in (folder / "results/tiny/tables/runs.md").read_text()


AGAIN = training(RUNS) | evaluation(RUNS)
THREE = [of_tiny("align", seed) for seed in (0, 1, 2)]
COMMANDS = {
    "results/config/tables/in_distribution.md": AGAIN | {COLLECTING, "Making table in_distribution"},
    "costs": AGAIN | {"Drawing figure costs"},
    "results/config/runs/digit_scenes/single_source/china/align/seed0/checkpoint.pt": training(THREE[:1]),
    "results/config/runs/digit_scenes/single_source/china/align/seed{0,1,2}/metrics.csv": training(THREE) | evaluation(THREE),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_part_of_the_results_is_made_by_its_name(tiny_results, tmp_path, command):
    assert f"| `snakemake {command}` |" in DOCUMENT
    every_run = configured(tmp_path, lambda content: content["training"].update(epochs=5))
    of_tiny = command.replace("digit_scenes", "tiny_scenes").replace("results/config/", "results/tiny/")
    in_shell = ["bash", "-c", f"echo {of_tiny}"]
    targets = subprocess.run(in_shell, capture_output=True, text=True, check=True).stdout.split()
    jobs = plan(tiny_results, *targets, configuration=every_run).jobs
    assert {job for job in jobs if not job.startswith("Linking ")} == COMMANDS[command]


FORCED = {
    "in_distribution": {"Making table in_distribution", PAGE, REPORT},
    "train_run": AGAIN | EVERYTHING_COLLECTED,
}


@pytest.mark.parametrize("rule", FORCED)
def test_a_rule_is_run_again_by_force(tiny_results, rule):
    assert f"| `snakemake --forcerun {rule}` |" in DOCUMENT
    assert plan(tiny_results, "--forcerun", rule).jobs == FORCED[rule]


def test_the_file_of_the_initial_weights_is_an_input_of_training(tmp_path):
    folder = copy_workflow(tmp_path / "folder")
    write_images(folder / "photographs")
    (folder / "initial.pth").write_bytes(b"weights")
    weights = "classifier: {architecture: resnet18, weights: initial.pth}"
    text = PHOTOGRAPHS.replace("classifier: {architecture: small_resnet, weights: null, widths: [4, 4]}", weights)
    assert weights in text
    (folder / "photographs.yaml").write_text(text)
    done = run_snakemake(folder, "train", "--filegraph", "--configfile", "photographs.yaml")
    assert "initial.pth" in done.stdout, done.stderr
