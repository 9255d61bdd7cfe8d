"""Checks the inputs of all planned jobs before the first job starts."""

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from align.workflow.checksums import require_unchanged

LOG = logging.getLogger("snakemake.logging")
FOLDER_TIMESTAMP = ".snakemake_timestamp"  # for Snakemake, a folder has the modification time of this file in it


def prepare_inputs(jobs: Iterable[Any], now: float) -> None:
    """Check that the inputs of ``jobs`` are unchanged, and correct modification times that lie in the future.

    A clock that was ahead leaves files with such times. Everything made from them would be older than its input, and Snakemake
    would refuse it again and again.

    Args:
        jobs: Snakemake's jobs, with ``input`` and ``output``.
        now: the present time, in seconds since 1970.

    Raises:
        InputError: see :func:`align.workflow.checksums.require_unchanged`.
    """
    read = existing_inputs(jobs)
    ahead = [path for path in map(_timed, read) if path.stat().st_mtime > now]
    for path in ahead:
        with suppress(PermissionError):  # another user's file: Snakemake reports it if it matters
            os.utime(path, (now, now))
    if ahead:
        LOG.warning("%d files had modification times in the future, such as %s: set to the present time", len(ahead), ahead[0])
    require_unchanged(read)


def existing_inputs(jobs: Iterable[Any]) -> list[Path]:
    """Return the existing files and folders that ``jobs`` read and that none of ``jobs`` makes, sorted."""
    planned = list(jobs)
    read = {str(path) for job in planned for path in job.input} - {str(path) for job in planned for path in job.output}
    return [path for path in map(Path, sorted(read)) if path.exists()]


def _timed(path: Path) -> Path:
    return stamp if path.is_dir() and (stamp := path / FOLDER_TIMESTAMP).exists() else path
