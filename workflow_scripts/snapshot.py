"""Publish every run that was trained here, and add data and checkpoints to DVC."""

from pathlib import Path

from align.versioning.snapshot import Finished, take_snapshot
from align.workflow.jobs import job

with job(snakemake):
    params, metrics = snakemake.params, Path(snakemake.input.metrics)
    runs = {path: Finished(Path(run["folder"]), Path(run["metrics"]), run["preparation"]) for path, run in params.runs.items()}
    listings = {name: {file: Path(path) for file, path in several.items()} for name, several in params.listings.items()}
    take_snapshot(runs, listings, Path(params.folder), [Path(folder) for folder in params.data], metrics)
