"""Adds folders to DVC."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from align.errors import InputError


def require_repository(folder: Path) -> None:
    """Check that ``folder`` is the top folder of a git checkout with DVC.

    Raises:
        InputError: it is not. The message says what is missing.
    """
    rest = "only `snapshot` needs it"
    if not (folder / ".git").exists():
        raise InputError(
            f"{folder}: found no git repository, expected one for the .dvc files of `snapshot` ({rest}); "
            "run `git init` here, or work in a clone"
        )
    if not (folder / ".dvc").is_dir():
        raise InputError(
            f"{folder}: found no folder .dvc, expected the repository's folder with DVC's configuration ({rest}); "
            "restore it with `git checkout .dvc`, or run `dvc init`"
        )


def add(folders: Sequence[Path]) -> None:
    """Add ``folders`` to DVC and their ``.dvc`` files to git. Content that is there already is not added again.

    Raises:
        InputError: DVC refuses. The message quotes it.
    """
    # Without links from the cache, files stay writable and keep their modification times. So Snakemake sees no change.
    command = [sys.executable, "-m", "dvc", "add", "--no-relink", *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        names = " ".join(map(str, folders))
        raise InputError(f"`dvc add {names}` failed, expected it to version these folders: {done.stderr.strip()}")
