"""Publish every run that was trained here, and add data and checkpoints to DVC."""

from pathlib import Path

from align.versioning.snapshot import take_snapshot
from align.workflow.jobs import job

with job(snakemake):
    params, metrics = snakemake.params, Path(snakemake.input.metrics)
    take_snapshot(params.preparations, Path(params.folder), [Path(folder) for folder in params.data], metrics)
