"""What coming jobs read, looked at before the first of them starts."""

import logging
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from align.workflow.checksums import require_unchanged

LOG = logging.getLogger("snakemake.logging")
OF_A_FOLDER = ".snakemake_timestamp"  # a folder's time is that of this file in it


def prepare_inputs(jobs: Iterable[Any], now: float) -> None:
    """Check that what ``jobs`` read is what was written, and bring its times back from the future.

    A clock that was ahead leaves files that are newer than all that is made of them: Snakemake refuses each of these as older
    than its input, however often it is made.

    Args:
        jobs: Snakemake's, with ``input`` and ``output``.
        now: seconds since 1970.

    Raises:
        InputError: see :func:`align.workflow.checksums.require_unchanged`.
    """
    read = existing_inputs(jobs)
    ahead = [path for path in map(_timed, read) if path.stat().st_mtime > now]
    for path in ahead:
        with suppress(PermissionError):  # somebody else's; Snakemake says so where it matters
            os.utime(path, (now, now))
    if ahead:
        LOG.warning("%d files were of a time to come, such as %s: they have the present time now", len(ahead), ahead[0])
    require_unchanged(read)


def existing_inputs(jobs: Iterable[Any]) -> list[Path]:
    """Return the files and folders that ``jobs`` read and none of them makes, sorted."""
    coming = list(jobs)
    read = {str(path) for job in coming for path in job.input} - {str(path) for job in coming for path in job.output}
    return [path for path in map(Path, sorted(read)) if path.exists()]


def _timed(path: Path) -> Path:
    return stamp if path.is_dir() and (stamp := path / OF_A_FOLDER).exists() else path
