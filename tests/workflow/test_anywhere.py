"""The workflow is started from anywhere: as a module, out of a git repository, from another folder, with a mistyped command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import (
    MAY_MOUNT,
    PHOTOGRAPHS,
    REPOSITORY,
    WORKFLOW,
    copy_workflow,
    fails,
    read_only,
    run_snakemake,
    succeeds,
    write_images,
)
from PIL import Image
from snakemake.sourcecache import GenericSourceFile, LocalGitFile, LocalSourceFile

from align.errors import InputError
from align.files import require_working_folder
from align.workflow.command_line import require_command_line
from align.workflow.home import require_own_paths, workflow_folder

MODULE = """\
module align:
    snakefile: "../align/Snakefile"
    config: {config}
use rule * from align{renamed}
"""
OWN_RULES = """\
configfile: "my.yaml"
rule own:
    output: "own.txt"
    script: "own.py"
{module}
onstart: align.onstart()
onsuccess: align.onsuccess()
onerror: align.onerror()
rule everything:
    default_target: True
    input: "own.txt", rules.align_data.input, rules.align_results_page.output, rules.align_report.output
"""


def refused(folder, *arguments):
    """Return the last line of a command that fails, and names no place in the code."""
    said = fails(folder, *arguments)
    assert 'File "' not in said
    return said.strip().splitlines()[-1]


@pytest.fixture
def own(tmp_path):
    """Return a folder with photographs and their configuration, beside a folder with the workflow."""
    copy_workflow(tmp_path / "align")
    folder = tmp_path / "own"
    write_images(folder / "photographs")
    (folder / "my.yaml").write_text(PHOTOGRAPHS)
    return folder


# As a module


def test_a_module_goes_through_to_the_report(own):
    """A workflow has rules of its own, renames those of the module, and runs its checks before the first job."""
    module = MODULE.format(config="config", renamed=" as align_*")
    (own / "Snakefile").write_text(OWN_RULES.format(module=module))
    (own / "own.py").write_text("open(snakemake.output[0], 'w').write(snakemake.rule)\n")
    assert "\nResults: results/my/index.html\n" in succeeds(own)
    assert (own / "own.txt").read_text() == "own"
    report = (own / "results/my/report.html").read_text()
    assert "in_distribution" in report
    rules = (own / "results/my/figures/rule_graph.csv").read_text()
    assert "train_run,evaluate_run" in rules
    assert "own" not in rules
    assert not (own / "results/state").exists()  # its hook has run
    assert "Nothing to be done" in succeeds(own)
    (packed,) = own.glob("results/data/photographs/*/*/rome.npy")
    packed.write_bytes(packed.read_bytes()[:-8])
    assert "rome.npy" in refused_by_a_check(own)


def refused_by_a_check(folder):
    for evaluation in folder.glob("results/evaluations/**/metrics.csv"):
        evaluation.unlink()
    done = run_snakemake(folder)
    assert done.returncode == 1
    assert "Finished jobid" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "configuration", ['config["align"]', "{}", '__import__("yaml").safe_load(open("my.yaml"))'], ids=["a key", "none", "read"]
)
def test_a_module_takes_its_configuration_from_where_it_is_told(own, configuration):
    (own / "outer.yaml").write_text(yaml.safe_dump({"other": 1, "align": yaml.safe_load(PHOTOGRAPHS)}))
    module = MODULE.format(config=configuration, renamed="")
    (own / "Snakefile").write_text(f'configfile: "outer.yaml"\n{module}')
    if configuration == "{}":
        assert "found no configuration, expected one" in refused(own, "data")
    else:
        succeeds(own, "data")
        assert list(own.glob("results/data/photographs/*/*/paris.npy"))


@pytest.mark.parametrize("option", ['prefix: "deeper"', 'replace_prefix: {"results/": "deeper/"}'])
def test_the_prefix_of_a_module_is_refused(own, option):
    module = MODULE.format(config="config", renamed="").replace("    config", f"    {option}\n    config")
    (own / "Snakefile").write_text(f'configfile: "my.yaml"\n{module}')
    assert "found a module whose prefix makes deeper/" in refused(own, "data")
    assert not (own / "results").exists()


def test_a_module_without_a_prefix_is_not_refused():
    require_own_paths(str)
    with pytest.raises(InputError, match="makes a/results/"):
        require_own_paths("a/{}".format)


# Out of a git repository, as snakedeploy does


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """Return a git repository with the workflow in its first revision, and not in its second."""
    folder = copy_workflow(tmp_path_factory.mktemp("git") / "repository")
    shutil.copytree(REPOSITORY / "workflow", folder / "workflow")
    git(folder, "init", "--quiet")
    commit(folder, "first")
    shutil.rmtree(folder / "rules")
    commit(folder, "second")
    return folder


def git(folder, *arguments):
    command = ["git", "-C", folder, "-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder, tag):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", tag)
    git(folder, "tag", tag)


def test_a_revision_is_written_to_a_folder_once(repository, tmp_path):
    rules = LocalGitFile(repository, "rules", tag="first")
    folder = workflow_folder(rules, tmp_path / "kept")
    assert folder == tmp_path / "kept" / git(repository, "rev-parse", "first")
    assert {path.name for path in folder.iterdir()} == set(WORKFLOW) - {"config", "profiles"}
    (folder / "Snakefile").write_text("kept")
    assert workflow_folder(rules, tmp_path / "kept") == folder
    assert (folder / "Snakefile").read_text() == "kept"


@pytest.mark.parametrize("tag", ["third", "--help"])
def test_a_revision_that_is_not_there_is_named(repository, tmp_path, tag):
    with pytest.raises(InputError, match="repository: git cannot read the workflow there"):
        workflow_folder(LocalGitFile(repository, "rules", tag=tag), tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_folder_is_used_where_it_is(tmp_path):
    assert workflow_folder(LocalSourceFile(f"{tmp_path}/own/../align/rules"), tmp_path / "kept") == tmp_path / "align"
    with pytest.raises(InputError, match="found a workflow at a web address"):
        workflow_folder(GenericSourceFile("https://example.org/rules"), tmp_path / "kept")


def test_what_snakedeploy_makes(own, repository, tmp_path, monkeypatch):
    """A module that is read from GitHub. Git is told that GitHub is a folder here."""
    (tmp_path / "gitconfig").write_text(f'[url "file://{repository.parent}/"]\n  insteadOf = https://github.com/somebody/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (own / "workflow").mkdir()
    (own / "config").mkdir()
    (own / "my.yaml").rename(own / "config/config.yaml")
    module = MODULE.format(config="config", renamed="").replace(
        '"../align/Snakefile"', 'github("somebody/repository", path="workflow/Snakefile", tag="first")'
    )
    (own / "workflow/Snakefile").write_text(f'configfile: "config/config.yaml"\n{module}')
    succeeds(own, "data", "rule_graph")
    assert "Nothing to be done" in succeeds(own, "data", "rule_graph")


# From another folder


def test_the_snakefile_may_lie_elsewhere(own):
    snakefile = ("--snakefile", "../align/Snakefile")
    said = refused(own, "data", *snakefile)
    assert "config/config.yaml: found no such file, expected a configuration; name one: snakemake" in said
    assert "--configfile FILE" in said
    succeeds(own, "data", "rule_graph", *snakefile, "--configfile", "my.yaml")
    assert "Nothing to be done" in succeeds(own, "data", *snakefile, "--configfile", "my.yaml", "--workflow-profile", "none")
    assert not (own.parent / "align/results").exists()
    assert "found no configuration, expected one" in refused(own, "data", *snakefile, "--workflow-profile", "none")


def test_the_working_folder_may_lie_elsewhere(own):
    succeeds(own.parent / "align", "data", "--directory", "../own", "--configfile", "../own/my.yaml")
    assert (own / "results/data").is_dir()
    assert not (own.parent / "align/results").exists()


def test_without_the_library_it_is_said_what_to_install(own):
    program = "import sys; sys.modules['align'] = None; from snakemake.cli import main; main()"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", program, "--snakefile", "../align/Snakefile", "--configfile", "my.yaml", "--dry-run"]
    done = subprocess.run(command, cwd=own, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "found no library `align` beside Snakemake" in done.stderr


# With a mistyped command


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """Return a function that checks a command line in a folder with configurations."""
    monkeypatch.chdir(tmp_path)
    contents = {
        "my.yaml": PHOTOGRAPHS.encode(),
        "empty.yaml": b"# nothing\n",
        "list.yaml": b"- a\n",
        "value.yaml": b"hello\n",
        "tab.yaml": b"datasets:\n\tmy: 1\n",
        "open.yaml": b"datasets:\n  my: {root: photographs\nsplits: 1\n",
        "control.yaml": b"datasets: [\x01]\n",
        "latin.yaml": b"datasets: 1\nclasses: [caf\xe9]\n",
        "marked.yaml": b"\xef\xbb\xbfdatasets: 1\r\n",
        "my.json": b'{"datasets": 1}',
        "table.md": b"| a | b |\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "data").mkdir()
    return lambda *arguments: require_command_line(arguments, "my.yaml")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("--configfile absent.yaml", "absent.yaml: found no such file (. has control.yaml, "),
        ("--configfile folder.yaml", "folder.yaml: found a folder, expected a configuration"),
        ("--configfile empty.yaml", "empty.yaml: found nothing in it, expected sections such as datasets:"),
        ("--configfile list.yaml", "list.yaml: found a list, expected sections"),
        ("--configfile value.yaml", "value.yaml: found a single value, expected sections"),
        ("--configfile tab.yaml", "tab.yaml: line 2: found a tab at the beginning, expected spaces"),
        ("--configfile open.yaml", "open.yaml: line 3: found no valid YAML"),
        ("--configfile control.yaml", "control.yaml: found unacceptable character #x0001"),
        ("--configfile latin.yaml", "latin.yaml: found bytes in line 2 that are no UTF-8"),
        ("--configfile my.yaml absent.yaml", "absent.yaml: found no such file"),
        ("--configfile my.yaml data", "put targets first: snakemake data --configfile my.yaml"),
        ("--configfiles my.yaml tables", "--configfile: found tables, which is no configuration"),
        ("--configfile my.yaml table.md", "put targets first: snakemake table.md --configfile my.yaml"),
        ("--cores 1 --config training.epochs=3", "expected a section in braces: --config training='{epochs: 3}'"),
        ("-C methods.align.lambda1=0.5", "--config methods='{align: {lambda1: 0.5}}'"),
        ("--config device=cpu tables", "put targets first: snakemake tables --config …"),
        ("--directory my.json", "my.json: found a file, expected a folder"),
    ],
)
def test_a_mistyped_command_is_answered_with_what_to_type(typed, arguments, expected):
    with pytest.raises(InputError) as caught:
        typed(*arguments.split())
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "data --configfile my.yaml --cores 1",
        "--configfile=my.json -n -- data",
        "--configfile my.yaml my.json marked.yaml -d absent",
        "--config device=cpu training={epochs:3} -q all",
        "--configfile",  # Snakemake says what is wrong
    ],
)
def test_other_commands_are_left_to_snakemake(typed, arguments):
    typed(*arguments.split())


def test_the_default_configuration_may_be_broken(typed):
    Path("my.yaml").write_text("")
    with pytest.raises(InputError, match=r"my\.yaml: found nothing in it"):
        typed("data")
    Path("my.yaml").unlink()
    with pytest.raises(InputError, match=r"my\.yaml: found no such file, expected a configuration; name one"):
        typed("data")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--configfile", "my.yaml", "data"), "put targets first: snakemake data --configfile my.yaml"),
        (("--configfile", "absent.yaml"), "absent.yaml: found no such file"),
        (("data", "--configfile", "my.yaml", "--config", "training.epochs=3"), "--config training='{epochs: 3}'"),
    ],
)
def test_our_line_comes_before_snakemake_s(own, arguments, expected):
    assert expected in refused(own, "--snakefile", "../align/Snakefile", *arguments)


def test_what_is_typed_as_a_section_is_used(own):
    command = ("--dry-run", "--snakefile", "../align/Snakefile", "--configfile", "my.yaml", "--config")
    succeeds(own, "data", *command, "training={epochs: 3}")
    assert "training.epochs: found 'x'" in refused(own, "data", *command, "training={epochs: x}")


# In a folder that cannot be written


@pytest.mark.skipif(os.geteuid() == 0 and not MAY_MOUNT, reason="root writes everywhere but on a mount")
@pytest.mark.parametrize("place", [".", ".snakemake", "results"])
def test_a_folder_that_cannot_be_written_is_one_line(own, place):
    (own / place).mkdir(exist_ok=True)
    command = ("data", "--snakefile", "../align/Snakefile", "--configfile", "my.yaml")
    with read_only(own / place):
        assert "found a folder that cannot be written" in refused(own, *command)


@pytest.mark.parametrize("place", [".snakemake", "results"])
def test_a_file_or_a_broken_link_in_the_place_of_a_folder_is_named(tmp_path, place):
    require_working_folder(tmp_path)
    require_working_folder(tmp_path / "absent")
    (tmp_path / place).touch()
    with pytest.raises(InputError, match=f"{place}: found a file, expected a folder"):
        require_working_folder(tmp_path)
    (tmp_path / place).unlink()
    (tmp_path / place).symlink_to("gone")
    with pytest.raises(InputError, match=f"{place}: found a link to gone, which is not there"):
        require_working_folder(tmp_path)


# In folders with any name

ODD = "-a [b]*? #1 50%&$HOME 'c' \"é\""


def test_folders_with_any_name_go_through_to_the_tables(tmp_path):
    """Domains, classes, images, the data set, its folder and its masks, the working folder and that of the workflow."""
    copy_workflow(tmp_path / ODD / "align")
    folder = tmp_path / ODD / "own {domain}"
    write_images(folder / "photographs")
    photographs = (folder / "photographs").rename(folder / f"{{root}} {ODD}")
    for domain in ("paris", "rome"):
        (photographs / domain / "cat").rename(photographs / domain / f"{{cat}} {ODD}")
        (photographs / domain / "dog" / "0.png").rename(photographs / domain / "dog" / f"{{0}} {ODD}.png")
    (photographs / "paris").rename(photographs / ODD)
    (photographs / "rome").rename(photographs / "art | craft")
    for image in photographs.rglob("*.png"):
        mask = folder / f"{{masks}} {ODD}" / image.relative_to(photographs)
        mask.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.tile(np.uint8([0, 255]), (20, 10))).save(mask)
    content = yaml.safe_load(PHOTOGRAPHS)
    truth = [{"kind": "masks", "folder": f"{{masks}} {ODD}"}]
    content["datasets"] = {ODD: {"root": photographs.name, "image_size": 16, "test_only": ["art | craft"], "ground_truth": truth}}
    content["experiments"] = {"one": {"dataset": ODD, "domains": [ODD], "methods": ["erm"], "seeds": [0]}}
    (folder / "my.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    command = ("--snakefile", "../align/Snakefile", "--configfile", "my.yaml")
    tables = [f"results/my/tables/{name}.md" for name in ("out_of_distribution", "explanation_quality", "data")]
    succeeds(folder, *tables, *command)
    table = (folder / "results/my/tables/out_of_distribution.md").read_text()
    assert "art \\| craft" in table
    assert ODD in table
    assert "Nothing to be done" in succeeds(folder, *tables, *command)


@pytest.mark.parametrize("what", ["domain", "data set", "workflow"])
def test_braces_are_refused_where_snakemake_reads_a_wildcard(own, what):
    content = yaml.safe_load(PHOTOGRAPHS)
    snakefile = "../align/Snakefile"
    if what == "domain":
        (own / "photographs/rome").rename(own / "photographs/{rome}")
    elif what == "data set":
        content["datasets"]["{my}"] = content["datasets"].pop("photographs")
        content["experiments"]["one"]["dataset"] = "{my}"
    else:
        (own.parent / "align").rename(own.parent / "{align}")
        snakefile = "../{align}/Snakefile"
    (own / "my.yaml").write_text(yaml.safe_dump(content))
    said = refused(own, "data", "--snakefile", snakefile, "--configfile", "my.yaml")
    assert "found braces in" in said
    assert "which stand for wildcards in Snakemake; rename it" in said
