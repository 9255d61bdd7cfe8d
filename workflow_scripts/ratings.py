"""Collect the ratings of masks by people."""

from pathlib import Path

from align.metrics.evaluate import write_csv
from align.rating.answers import no_ratings, read_ratings, require_checkpoints
from align.workflow.jobs import job

with job(snakemake):
    study = snakemake.params.study
    if study:
        require_checkpoints(Path(study), snakemake.input.checkpoints)
    write_csv(read_ratings(Path(study)) if study else no_ratings(), Path(snakemake.output[0]))
