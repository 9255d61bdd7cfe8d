"""What all jobs share: the log, the checksums of outputs, the device, and errors as messages for a person."""

import gc
import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from align.errors import InputError, first_line, lack_of_memory, refused_write
from align.files import not_written
from align.training.settings import EngineSettings
from align.workflow.checksums import forget_checksums, record_checksums
from align.workflow.gpu_slots import own_gpu

if TYPE_CHECKING:
    import torch


LOG = logging.getLogger("align")
LESS_MEMORY = (
    "expected enough for a batch on the device; lower training.batch_size (evaluation.batch_size, "
    "segment_anything.points_per_batch), engine.memory_share or the image_size of the data set, or run fewer jobs at once "
    "(--cores, --resources gpu=1); then run again"
)


class LogFile(logging.FileHandler):
    """A log file whose lines go to the standard error if the disk is full."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Print the line that could not be written."""
        print(self.format(record), file=sys.stderr)


@contextmanager
def job(snakemake: Any) -> Iterator[None]:
    """Log to the rule's log file, and record the checksums of the outputs. The last line of the log has the seconds.

    An error that a person can repair becomes one message and a failed job: an :class:`InputError`, a full disk, or too little
    memory.
    """
    start = time.perf_counter()
    gc.freeze()  # what was imported stays, so Python need not visit it, not even at the end, for half a second
    gc.enable()  # align/__init__.py has disabled it
    log = Path(snakemake.log[0])
    log.parent.mkdir(parents=True, exist_ok=True)
    handler = LogFile(log, mode="w")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    outputs = [Path(path) for path in snakemake.output]
    try:
        forget_checksums(outputs)
        yield
        record_checksums(outputs)
        LOG.info("done in %.2f s", time.perf_counter() - start)
    except Exception as error:
        message = _message(error, snakemake.rule)
        if message is None:
            LOG.exception("rule %s failed", snakemake.rule)
            raise
        LOG.error("%s", message)  # Snakemake shows the log of a failed job
        sys.exit(1)


def _message(error: Exception, rule: str) -> str | None:
    """Return the message for an error that a person can repair. None for any other error."""
    # Memory comes first: if it is too small for a file, the code that reads the file reports the file as broken.
    if lack := lack_of_memory(error):
        return f"rule {rule}: ran out of memory ({first_line(lack)}), {LESS_MEMORY}"
    if isinstance(error, InputError):
        return str(error)
    refusal = refused_write(error)
    return None if refusal is None else str(not_written(refusal.filename or f"rule {rule}", refusal))


@contextmanager
def torch_job(snakemake: Any) -> "Iterator[torch.device]":
    """Do the same as :func:`job` for a rule that computes with torch, and yield its device. A GPU job holds a slot of its GPU."""
    from align.training.device import prepare

    device, engine = snakemake.config.get("device", "auto"), engine_settings(snakemake)
    with job(snakemake), own_gpu(device, engine.runs_per_gpu):
        yield prepare(device, snakemake.threads, engine.cudnn_trials)


def engine_settings(snakemake: Any) -> EngineSettings:
    """Return how runs are computed. No number depends on it, so a job reads it from the configuration, not from its rule."""
    return EngineSettings(**snakemake.config.get("engine", {}))


def run_snakemake(snakemake: Any, *arguments: str) -> str:
    """Run Snakemake on the job's own workflow and configuration, and return its standard output.

    Args:
        snakemake: the job's object, with the Snakefile as the input ``snakefile``.
        arguments: targets, then options. An option with several values would take a target that follows for a value.

    Raises:
        RuntimeError: Snakemake failed. The message quotes its standard error.
    """
    with TemporaryDirectory() as folder:
        configuration = Path(folder) / "config.json"
        configuration.write_text(json.dumps(snakemake.config))
        # The Snakemake that runs this job holds the lock. A profile could change the options that are set here.
        same = ["--snakefile", snakemake.input.snakefile, "--configfile", str(configuration)]
        own = ["--profile", "none", "--workflow-profile", "none", "--cores", "1", "--nolock"]
        command = [sys.executable, "-m", "snakemake", *arguments, *same, *own]
        done = subprocess.run(command, capture_output=True, text=True)
    LOG.info("%s", done.stderr)
    if done.returncode:
        raise RuntimeError(f"snakemake {' '.join(arguments)}: {done.stderr}")
    return done.stdout
