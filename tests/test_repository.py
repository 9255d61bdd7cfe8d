"""The lock, the headers of configurations, the published numbers, and texts that name no machine."""

import csv
import gzip
import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from align.datasets import SOURCES
from align.methods import DEFAULT_METHODS
from align.methods.naming import method_title

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# The names are put together here. So this file holds none of the paths that it looks for.
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:" + "|".join(["wo" + "rk", "ho" + "me", "ro" + "ot"]) + r")/\w")
ADDRESS = re.compile(r"https?://")


def repository_files():
    """Return the files that git knows or would add."""
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for path in map(ROOT.joinpath, listed) if path.is_file()]


def text_of(path):
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode(errors="replace")


def pins():
    """Return the pins of the lock by package name. A package has several where Python versions need different ones."""
    found = {}
    for line in LOCK.splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.rstrip(" \\"))
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def test_the_lock_satisfies_every_range_of_the_project():
    locked = pins()
    for wanted in map(Requirement, PROJECT["dependencies"] + PROJECT["optional-dependencies"]["develop"]):
        for pin in locked[canonicalize_name(wanted.name)]:
            version = Version(next(iter(pin.specifier)).version)
            assert wanted.specifier.contains(version), f"{pin} does not satisfy {wanted}: run `make lock`"


def test_every_pin_is_exact_and_has_a_hash():
    entries = re.split(r"\n(?=\w)", LOCK.strip())
    assert len(entries) == sum(map(len, pins().values()))
    for entry in entries:
        assert re.match(r"[\w.-]+==[\w.!+]+( ;.*)? \\\n", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


@pytest.mark.parametrize("name", ["requirements.lock", "envs/align.yaml"])
def test_no_index_address_is_locked_in(name):
    assert not ADDRESS.search((ROOT / name).read_text())


def test_no_file_names_a_path_of_one_machine():
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in repository_files()
        if (match := MACHINE_PATH.search(text_of(path)))
    ]
    assert not found


@pytest.mark.parametrize("text", ["/wo" + "rk/main", "cd /ro" + "ot/x", "'/ho" + "me/someone'"])
def test_paths_of_a_machine_are_recognised(text):
    assert MACHINE_PATH.search(text)


@pytest.mark.parametrize("text", ["rules/ho" + "me/x", "~/ho" + "me/x", "a wo" + "rk/life balance", "results/wo" + "rk/seed0"])
def test_relative_paths_are_not_taken_for_them(text):
    assert not MACHINE_PATH.search(text)


def test_the_snakefile_is_a_table_of_contents():
    path = ROOT / "Snakefile"
    if not path.is_file():
        pytest.skip("no Snakefile yet")
    assert len(path.read_text().splitlines()) < 40


def test_every_configuration_opens_with_purpose_cost_and_command():
    for path in sorted((ROOT / "config").rglob("*.y*ml")):
        lines = path.read_text().splitlines()
        comment = lines[: next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))]
        for heading in ("# For: ", "# Cost: ", "# Run: "):
            assert any(line.startswith(heading) for line in comment), (
                f"{path.relative_to(ROOT)} does not open with '{heading.strip()}'"
            )


def test_every_published_number_names_its_source():
    readme = (ROOT / "reference/README.md").read_text()
    for path in sorted((ROOT / "reference").glob("*.csv*")):
        assert f"`{path.name}`" in readme
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open(newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                assert row.get("source", "README").strip(), f"{path.name}:{number} has no source"
                assert all(column is not None for column in row), f"{path.name}:{number} has a cell too many"


def test_the_published_counts_add_up():
    with (ROOT / "reference/dataset_counts.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    totals = Counter()
    for row in rows:
        totals[row["dataset"]] += int(row["images"])
    assert totals == {
        "VLCS": 10_729, "PACS": 9_991, "OfficeHome": 15_588, "DomainNet": 596_006, "TerraIncognita-24788": 24_788,
    }  # fmt: skip
    assert len({(row["dataset"], row["domain"], row["class"]) for row in rows}) == len(rows)
    for source in SOURCES.values():
        if source.published_as:
            name = source.published_as.format(version=24788)
            assert {row["domain"] for row in rows if row["dataset"] == name} == set(source.domains)


def test_the_readme_s_results_are_the_published_ones():
    def rows(text):
        return re.findall(r"^\| ([\w', -]+?) (\| .* ± .*)$", text, re.MULTILINE)

    shown = rows((ROOT / "README.md").read_text())
    ours = ("align-swap", "align-swap-swap_mask=permuted", "align-swap-lambda3=0.0-lambda4=1.0-regulariser=sgt-swap_mask=whole")
    assert [method for method, _ in shown] == [method_title(method) for method in (*DEFAULT_METHODS, *ours)]
    one_source, *_ = (ROOT / "artifacts/embedded_full/main_results.md").read_text().split("\n### ")
    assert set(shown) <= set(rows(one_source))


def test_the_citation_names_this_version_and_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == [{"name": "The align-reproduction authors"}]
    assert citation["references"][0]["identifiers"] == [{"type": "other", "value": "arXiv:2511.06944"}]


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        (".github/workflows/test.yml", "vendor.github-workflows"),
        (".github/workflows/test.yml", "custom.github-workflows-require-timeout"),
        ("CITATION.cff", "vendor.citation-file-format"),
    ],
)
def test_files_for_other_programs_follow_their_schemas(file, schema):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, "--default-filetype", "yaml", ROOT / file]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_github_runs_the_checks_on_every_supported_python():
    job = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]["test"]
    pythons = job["strategy"]["matrix"]["python"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert SpecifierSet(PROJECT["requires-python"]).contains(pythons[0])
    assert PROJECT["classifiers"] == [f"Programming Language :: Python :: {python}" for python in pythons]


def test_commit_hooks_use_the_tools_of_the_lock():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    tools = [hook["entry"].split()[0] for hook in hooks]
    assert all(tool.startswith(".venv/bin/") and tool.removeprefix(".venv/bin/") in pins() for tool in tools)
    assert {hook["language"] for hook in hooks} == {"system"}


def test_the_workflow_catalogue_entry_says_how_software_is_deployed():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"] == {"conda": True, "apptainer": False, "apptainer+conda": False}
    assert usage["report"] is True


def test_no_two_files_of_tests_have_the_same_name():
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))  # pytest imports each by its name alone
    assert [name for name, times in names.items() if times > 1] == []
