"""Folders into DVC."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from align.errors import InputError


def require_repository(folder: Path) -> None:
    """Check that ``folder`` is the top of a git checkout that DVC works in.

    Raises:
        InputError: it is not, with what is missing.
    """
    rest = "everything but `snapshot` works without"
    if not (folder / ".git").exists():
        raise InputError(
            f"{folder}: found no git repository, expected one for `snapshot`, whose .dvc files git versions ({rest}); "
            "run `git init` here, or work in a clone"
        )
    if not (folder / ".dvc").is_dir():
        raise InputError(
            f"{folder}: found no folder .dvc, expected the repository's with its configuration ({rest}); "
            "restore it with `git checkout .dvc`, or run `dvc init`"
        )


def add(folders: Sequence[Path]) -> None:
    """Add ``folders`` to DVC and their ``.dvc`` files to git; what is there already with the same content is left alone.

    Raises:
        InputError: DVC refuses, with its own words.
    """
    # Without links from the cache, files stay writable, and keep their modification times: Snakemake sees no change.
    command = [sys.executable, "-m", "dvc", "add", "--no-relink", *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        names = " ".join(map(str, folders))
        raise InputError(f"`dvc add {names}` failed, expected it to version what is there: {done.stderr.strip()}")
