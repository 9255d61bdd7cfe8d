"""Checks the classifier's initial weights before the first job starts."""

import logging
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

from align.errors import InputError

LOG = logging.getLogger("snakemake.logging")


def check_initial_weights(jobs: Iterable[Any], files: Iterable[str]) -> None:
    """Load the initial weights that planned jobs read as a run will, and log what was loaded.

    It happens in a process of its own, because importing torch takes seconds and memory that Snakemake itself does not need.

    Args:
        jobs: Snakemake's jobs, with ``input``.
        files: the files of initial weights.

    Raises:
        InputError: weights cannot be used; see :func:`align.models.weights.load_weights`.
    """
    read = {str(path) for job in jobs for path in job.input}
    for file in read.intersection(files):
        command = [sys.executable, "-m", "align.models.check_weights", file]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            last = done.stderr.strip().rpartition("\n")[2]
            raise InputError(done.stdout.strip() or f"{file}: these initial weights could not be checked ({last})")
        LOG.info(done.stdout.strip())  # Snakemake shows an info as it is, without arguments
