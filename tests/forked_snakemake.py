"""Snakemake in a process that is forked from one that has imported it. The import takes longer than most of the tests' calls."""

import atexit
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["snakemake.cli", __name__])


def call(folder: Path, arguments: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Call ``snakemake`` with ``arguments`` in ``folder``, and wait for its end."""
    with TemporaryDirectory() as said:
        outputs = [Path(said) / name for name in ("stdout", "stderr")]
        process = FORKS.Process(target=_work, args=(folder, arguments, dict(environment), outputs))
        process.start()
        process.join()
        assert process.exitcode is not None
        return subprocess.CompletedProcess(arguments, process.exitcode, *(path.read_text() for path in outputs))


def _work(folder: Path, arguments: list[str], environment: dict[str, str], outputs: list[Path]) -> None:
    for descriptor, path in enumerate(outputs, start=1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing leaves them out; the workflow prints its last lines there
