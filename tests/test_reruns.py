"""What a change makes Snakemake do again, asked by dry runs on a finished workflow: what depends on it, and nothing else."""

import re
import shutil

import numpy as np
import pytest
import yaml
from conftest import PHOTOGRAPHS, REPOSITORY, copy_library, copy_workflow, run_snakemake, write_images
from PIL import Image

from align.configuration.loading import load
from align.configuration.runs import Run, method_of, runs_of, source_domains

# A rule with a message shows that in place of its files.
PLANNED = re.compile(r"^(?: {4}output: results/([^,\n]*)|Job \d+: (.*)$)", re.MULTILINE)
REPORT = "report.html"
COLLECTED = {
    "metrics.csv",
    "tables/in_distribution.html",
    "tables/out_of_distribution.html",
    "tables/leave_one_domain_out.html",
    "tables/explanation_quality.html",
    "tables/masker_ablation.html",
    "tables/mask_quality.html",
    "tables/theory.html",
    "tables/runs.html",
    "figures/training_curves/tiny_scenes/single_source/china.svg",
    "figures/case_studies/tiny_scenes/single_source/china.svg",
    "figures/accuracy_vs_explanation.svg",
    "figures/sensitivity.svg",
    "figures/mask_degradation.svg",
    "figures/average_ranks.svg",
    "figures/costs.svg",
    "verdict.csv",
    REPORT,
}
WITHOUT_CHINA = {
    "figures/training_curves/tiny_scenes/leave_one_domain_out/china.svg",
    "figures/case_studies/tiny_scenes/leave_one_domain_out/china.svg",
}
ASSUMPTIONS = "tables/assumptions.html"  # it shows every setting's value


CONFIGURATION = load(yaml.safe_load((REPOSITORY / "config/tiny.yaml").read_text()))
RUNS = runs_of(CONFIGURATION)


def of_method(method):
    return [run for run in RUNS if method_of(run.method) == method]


def training(runs):
    return {f"Training {run.method} on {where(run)}" for run in runs}


def evaluation(runs):
    return {f"Evaluating {run.method} trained on {where(run)}" for run in runs}


def where(run):
    return f"{run.dataset}, {' '.join(source_domains(CONFIGURATION, run))}, seed {run.seed}"


def planned(folder, configuration="config/tiny.yaml", target="all", library=None):
    """Return every job that would run: its message or its first output below results/."""
    done = run_snakemake(folder, target, "--dry-run", "--nolock", "--configfile", str(configuration), library=library)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {output or message for output, message in PLANNED.findall(done.stdout)}
    assert found or "Nothing to be done" in done.stdout
    return found


@pytest.fixture
def changed(tmp_path):
    """Return a function that writes the tiny configuration with other values in some sections, and returns its path."""

    def write(**sections):
        content = yaml.safe_load((REPOSITORY / "config/tiny.yaml").read_text())
        for name, values in sections.items():
            content[name] = content.get(name, {}) | values
        path = tmp_path / "changed.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return write


def edited(folder, module, old, new):
    """Return a copy of the library in which a module reads differently."""
    library = copy_library(folder / "library")
    path = library / "align" / module
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return library


def test_lambda_3_retrains_align_only(tiny_results, changed):
    align = {"masker_steps": 5, "masker_steps_at_most": 10, "lambda3": 0.5}
    changing = [run for run in of_method("align") if "lambda3=" not in run.method]
    changing += [run for run in RUNS if run.method == "masked_erm-mask=learned"]  # ALIGN's masks
    expected = training(changing) | evaluation(changing) | COLLECTED | {ASSUMPTIONS}
    assert planned(tiny_results, changed(methods={"align": align})) == expected


def test_training_settings_retrain_every_method(tiny_results, changed):
    everything = training(RUNS) | evaluation(RUNS) | COLLECTED | WITHOUT_CHINA | {ASSUMPTIONS}
    assert planned(tiny_results, changed(training={"epochs": 5})) == everything


def test_evaluation_settings_train_nothing(tiny_results, changed):
    made_of_runs = re.compile(r"tables/runs|figures/training_curves")
    collected = {name for name in COLLECTED | WITHOUT_CHINA if not made_of_runs.match(name)}
    other = changed(evaluation={"curve_steps": 5})
    assert planned(tiny_results, other) == evaluation(RUNS) | collected | {ASSUMPTIONS}


def test_case_studies_settings_draw_case_studies_only(tiny_results, changed):
    case_studies = {name for name in COLLECTED | WITHOUT_CHINA if "case_studies" in name}
    assert planned(tiny_results, changed(case_studies={"images": 1})) == case_studies | {REPORT}


def test_another_device_changes_nothing(tiny_results, changed):
    path = changed()
    path.write_text(f"device: cuda\n{path.read_text()}")
    assert planned(tiny_results, path) == set()


def test_another_seed_adds_its_runs_only(tiny_results, changed):
    experiment = yaml.safe_load((REPOSITORY / "config/tiny.yaml").read_text())["experiments"]["tiny"]
    other = changed(experiments={"tiny": experiment | {"seeds": [0, 1]}})
    added = [Run("tiny_scenes", "single_source", "china", method, 1) for method in experiment["methods"]]
    # Case studies show each method's first seed.
    case_studies = {"figures/case_studies/tiny_scenes/single_source/china.svg"}
    assert planned(tiny_results, other) == training(added) | evaluation(added) | (COLLECTED - case_studies)


def test_a_comment_a_docstring_and_layout_change_nothing(tiny_results, tmp_path):
    library = copy_library(tmp_path / "library")
    for path in (library / "align").rglob("*.py"):
        text = path.read_text()
        assert text.startswith('"""')
        path.write_text('"""Another' + text[3:] + "\n\n# a comment\n")
    assert planned(tiny_results, library=library) == set()


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        ("figures/costs.py", "def draw_costs(", "WIDTH = 3\n\n\ndef draw_costs(", {"figures/costs.svg", REPORT}),
        ("tables/runs.py", "def runs(", "DIGITS = 3\n\n\ndef runs(", {"tables/runs.html", REPORT}),
        (
            "methods/dre.py",
            "def map_norm(",
            "NORM = 3\n\n\ndef map_norm(",
            training(of_method("dre")) | evaluation(of_method("dre")) | COLLECTED,
        ),
    ],
    ids=["figure", "table", "method"],
)
def test_code_is_run_again_where_it_is_used(tiny_results, tmp_path, module, old, new, expected):
    assert planned(tiny_results, library=edited(tmp_path, module, old, new)) == expected


@pytest.fixture
def photographs(photographs_data, tmp_path):
    return shutil.copytree(photographs_data, tmp_path / "workflow")


def test_an_edited_caption_makes_the_report_again(finished):
    caption = finished / "report/costs.rst"
    caption.write_text(caption.read_text() + "\nMore words.\n")
    assert planned(finished) == {REPORT}


def test_a_new_measurement_draws_its_figure_only(finished):
    path = finished / "artifacts/performance/cpu.csv"
    path.parent.mkdir(parents=True)
    path.write_text("benchmark\n")
    assert planned(finished) == {"figures/performance.svg", REPORT}


@pytest.mark.parametrize("change", ["replaced", "added", "removed"])
def test_a_user_s_image_is_looked_at_again(photographs, change):
    image = photographs / "photographs/rome/cat/0.png"
    if change == "removed":
        image.unlink()
    elif change == "added":
        shutil.copy(image, image.with_name("9.png"))
    else:
        Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(image)
    packing = {"Packing photographs, paris", "Packing photographs, rome"}
    listings = {"data/photographs/counts.csv", "data/photographs/splits.csv"}
    everything = {"Reading every image of photographs once"} | listings | packing
    assert planned(photographs, "my.yaml", "data") == everything


def test_a_user_s_images_are_looked_at_once(photographs):
    assert planned(photographs, "my.yaml", "data") == set()


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
