"""Images of one's own: the examples of the README and of ``config/examples/my_images.yaml`` run as they are printed."""

import re
import shlex
import subprocess
import sys

import pytest
import yaml
from conftest import REPOSITORY, copy_workflow, run_snakemake, write_images

EXAMPLE = "config/examples/my_images.yaml"


@pytest.fixture(scope="module")
def workflow(tmp_path_factory):
    return copy_workflow(tmp_path_factory.mktemp("own") / "workflow")


def planned_runs(folder, configuration):
    """Return how many runs a dry run would train."""
    done = run_snakemake(folder, "--dry-run", "--configfile", configuration)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.search(r"^train_run +(\d+)$", done.stdout + done.stderr, re.MULTILINE)[1])


def test_the_readme_s_example_is_planned_as_printed(workflow):
    chapter = (REPOSITORY / "README.md").read_text().split("\n## Images of your own\n")[1].split("\n## ")[0]
    printed = re.search(r"```yaml\n(.*?)```", chapter, re.DOTALL)[1]
    (configuration,) = re.findall(r"`snakemake --cores all --configfile (\w+\.yaml)`", chapter)
    content = yaml.safe_load(printed)
    (dataset,) = content["datasets"].values()
    write_images(workflow / dataset["root"])
    (workflow / dataset["root"] / "rome").rename(workflow / dataset["root"] / dataset["test_only"][0])
    (workflow / configuration).write_text(printed)
    assert planned_runs(workflow, configuration) == 6


def test_the_example_configuration_is_planned_after_the_command_that_its_header_gives(workflow):
    header = (REPOSITORY / EXAMPLE).read_text()
    make, run = re.search(r"^# Run: (.*) && (.*)$", header, re.MULTILINE).groups()
    assert shlex.split(run) == ["snakemake", "--cores", "all", "--configfile", EXAMPLE]
    subprocess.run([sys.executable, *shlex.split(make)[1:]], cwd=workflow, check=True)
    assert planned_runs(workflow, EXAMPLE) == 4
    with_masks = header.replace("# ground_truth:", "ground_truth:")
    assert yaml.safe_load(with_masks)["datasets"]["my_images"]["ground_truth"]
    (workflow / "with_masks.yaml").write_text(with_masks)
    assert planned_runs(workflow, "with_masks.yaml") == 4


@pytest.mark.parametrize("document", ["README.md", "docs/own_images.md"])
def test_the_documents_give_the_same_commands(document):
    make, run = re.search(r"^# Run: (.*) && (.*)$", (REPOSITORY / EXAMPLE).read_text(), re.MULTILINE).groups()
    text = (REPOSITORY / document).read_text()
    assert f"\n{make}\n" in text
    assert f"\n{run} " in text
