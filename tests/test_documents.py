"""The documents keep to the width of a line, and every command, module and path that they name exists."""

import re
import shlex
from importlib.util import find_spec

import pytest
from conftest import copy_workflow, run_snakemake
from snakemake.cli import get_argument_parser
from test_repository import ROOT, repository_files

from align.commands.app import app
from align.registry import load

WIDTH = 120
FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SHELL = {"", "bash", "console", "sh"}
# Code between two backticks, over two lines where a paragraph breaks it.
CODE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)*)`(?!`)")
LINK = re.compile(r"\]\(([^)\s#]+)[^)]*\)")
# Nobody can break these into two lines.
ADDRESS = re.compile(r"\]\([^)\s]+\)|https?://\S+")
FOLDERS = r"src|config|docs|tests|rules|workflow_scripts|benchmarks|profiles|reference|report|envs|\.ci|\.github"
# A path, perhaps with a test of it. A path that goes on with a placeholder (tests/test_<name>.py) is none.
PATH = re.compile(rf"(?<![\w./-])((?:{FOLDERS})/[\w./*-]*\w)(?:::(\w+))?(?![\w{{<*…])")
# docs/extending.md tells the reader to write these. tests/test_extending.py does it.
NEW_FILE = re.compile(r"New file\s+`[^`]+`")


def documents():
    """Return the texts of all Markdown files by path, relative to the repository."""
    return {str(path.relative_to(ROOT)): path.read_text() for path in repository_files() if path.suffix == ".md"}


def current_documents():
    """Return the documents without the change log, which also names what is gone."""
    return {name: text for name, text in documents().items() if name != "CHANGELOG.md"}


def too_long(text):
    """Return number and length of each line of prose that is too long: no table, no code, addresses not counted."""
    prose = FENCED.sub(lambda block: "\n" * block[0].count("\n"), text)
    lengths = [0 if line.lstrip().startswith("|") else len(ADDRESS.sub("", line)) for line in prose.split("\n")]
    return [(number, length) for number, length in enumerate(lengths, 1) if length > WIDTH]


def code_of(text):
    """Return what a document has in backticks, and the lines of its blocks of commands."""
    text = NEW_FILE.sub("", text)
    blocks = [block.replace("\\\n", " ") for language, block in FENCED.findall(text) if language in SHELL]
    return [" ".join(code.split()) for code in CODE.findall(FENCED.sub("", text))] + "\n".join(blocks).splitlines()


def commands(program):
    """Return the commands of a program in the documents, as pairs: the document, and the words after the program."""
    return [
        (name, shlex.split(command, comments=True)[len(program.split()) :])
        for name, text in current_documents().items()
        for code in code_of(text)
        for command in code.split(" && ")
        if re.match(rf"{program}(\s|$)", command)
    ]


def can_run(module):
    """Return whether ``python -m`` finds a module, or a folder of modules with a ``__main__.py``."""
    try:
        found = find_spec(module)
        return found is not None and not (found.submodule_search_locations and find_spec(f"{module}.__main__") is None)
    except ModuleNotFoundError:
        return False


def alternatives(word):
    """Return the words that a shell makes of ``seed{0,1,2}``."""
    start, *rest = re.split(r"\{(.*,.*)\}", word)
    return [start + part + rest[1] for part in rest[0].split(",")] if rest else [start]


def test_lines_of_prose_are_not_too_long():
    found = [
        f"{name}:{number} has {length} characters" for name, text in documents().items() for number, length in too_long(text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("line", ["é" * 120, "| " + "cell " * 50, "```\n" + "code " * 50 + "\n```", "[x](" + "y" * 130 + ")"])
def test_tables_code_and_addresses_may_be_long(line):
    assert not too_long(f"# Title\n\n{line}\n")


@pytest.mark.parametrize("line", ["word " * 24 + "w", "a [link](https://x) " + "word " * 24])
def test_long_prose_is_found_at_its_line(line):
    assert [number for number, _ in too_long(f"```\ncode\n```\n\n{line}\n")] == [5]


def test_every_make_target_of_a_document_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [(name, word) for name, words in commands("make") for word in words if not re.search("^-|=", word)]
    unknown = [f"{name}: make {word}" for name, word in named if word not in targets]
    assert not unknown, "\n".join(unknown)


def test_every_snakemake_target_of_a_document_exists(tmp_path):
    complete = [words for _, words in commands("snakemake") if not re.search(r"…|<\w", " ".join(words))]
    named = [target for words in complete for target in get_argument_parser().parse_args(words).targets]
    targets = {target for word in named for target in alternatives(word)}
    assert "results/config/tables/in_distribution.md" in targets
    folder = copy_workflow(tmp_path / "workflow")
    for name in (".git", ".dvc"):  # what `snakemake snapshot` looks for
        (folder / name).mkdir()
    done = run_snakemake(folder, *sorted(targets), "--dry-run", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_of_a_document_runs():
    unknown = [f"{name}: python -m {words[0]}" for name, words in commands("python -m") if not can_run(words[0])]
    assert not unknown, "\n".join(unknown)


def test_every_command_of_align_names_its_functions():
    page = (ROOT / "docs/python.md").read_text()
    rows = dict(re.findall(r"^\| `align (\w+)` \| (`align\..*:.*) \|$", page, re.MULTILINE))
    assert rows.keys() == {command.callback.__name__ for command in app.registered_commands} | {"rate"}
    for function in re.findall(r"`(align\.[\w.]+:\w+)`", " ".join(rows.values())):
        assert callable(load(function))


def test_every_command_of_align_in_a_document_exists():
    known = {command.callback.__name__ for command in app.registered_commands} | {group.name for group in app.registered_groups}
    named = {words[0] for _, words in commands("align") if words and not words[0].startswith("-")}
    assert named == known


def test_every_path_of_a_document_exists():
    unknown = []
    for name, text in current_documents().items():
        for path, test in PATH.findall("\n".join(code_of(text))):
            found = list(ROOT.glob(path))
            if not found or (test and f"def {test}(" not in found[0].read_text()):
                unknown.append(f"{name}: {path}::{test}".removesuffix("::"))
    assert not unknown, "\n".join(unknown)


def test_every_link_of_a_document_leads_somewhere():
    unknown = [
        f"{name}: {link}"
        for name, text in documents().items()
        for link in LINK.findall(FENCED.sub("", text))
        if "://" not in link and not (ROOT / name).parent.joinpath(link).exists()
    ]
    assert not unknown, "\n".join(unknown)
