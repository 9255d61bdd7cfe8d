"""Finds the folder of this workflow: beside the Snakefile that was started, elsewhere, or in a git repository."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from snakemake.sourcecache import HostingProviderFile, LocalGitFile, LocalSourceFile

from align import paths
from align.errors import InputError
from align.files import whole_folder

NEEDED = ("Snakefile", "rules", "workflow_scripts", "report", "reference", "envs", "artifacts/performance")


def workflow_folder(rules: Any, kept: Path) -> Path:
    """Return the folder that holds the workflow's Snakefile, as a folder of this disk.

    Snakemake reads single files from a git repository when they are needed. This workflow also needs folders. So the revision is
    written to a folder, once.

    Args:
        rules: Snakemake's source file of the folder ``rules/``.
        kept: where revisions from git repositories are written.

    Raises:
        InputError: the workflow is read from a single web address, or git cannot read the revision.
    """
    if isinstance(rules, LocalSourceFile):
        return Path(rules.abspath().get_path_or_uri(secret_free=True)).parent
    if isinstance(rules, LocalGitFile):
        return _revision(Path(rules.repo_path), str(rules.ref), Path(rules.path).parent, kept)
    if isinstance(rules, HostingProviderFile):
        return _revision(rules.hosted_repo.repo_clone, rules.ref, Path(rules.path).parent, kept)
    raise InputError(
        f"{rules}: found a workflow at a web address, expected a Snakefile in a folder or in a git repository; clone the "
        "repository and name its Snakefile, or use github(…), gitlab(…) or gitfile(…)"
    )


def require_own_paths(modify: Callable[[str], str]) -> None:
    """Check that a workflow that uses this one as a module leaves its paths alone. Jobs name them without Snakemake, too.

    Args:
        modify: returns what Snakemake makes of the path of an output.

    Raises:
        InputError: the module has a ``prefix:`` or ``replace_prefix:``.
    """
    path = f"{paths.RESULTS}/metrics.csv"
    if (modified := modify(path)) != path:
        raise InputError(
            f"found a module whose prefix makes {modified} of {path}, expected no prefix: and no replace_prefix:; remove it; to "
            "keep results apart, run Snakemake in another folder: --directory FOLDER"
        )


def _revision(repository: Path, revision: str, folder: Path, kept: Path) -> Path:
    """Return a folder with the files of ``folder`` that this workflow needs, as they are in a revision of a repository."""
    commit = _git(repository, "rev-parse", "--verify", f"{revision}^{{commit}}").decode().strip()
    tree = f"{commit}:{'' if folder == Path() else folder.as_posix()}"
    target = kept / commit
    if not target.exists():
        present = _git(repository, "ls-tree", "--name-only", "-z", tree, "--", *NEEDED).decode().split("\0")
        archive = _git(repository, "archive", "--format=tar", tree, "--", *filter(None, present))
        with whole_folder(target) as partial:
            subprocess.run(["tar", "--extract", "--directory", partial], input=archive, check=True)
    return target.absolute()


def _git(repository: Path, *arguments: str) -> bytes:
    try:
        return subprocess.run(["git", "-C", repository, *arguments], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"").decode(errors="replace").strip() or error
        raise InputError(
            f"{repository}: git cannot read the workflow there ({said}), expected a repository with this workflow; correct "
            "repository, path and revision in the Snakefile that names them"
        ) from None
